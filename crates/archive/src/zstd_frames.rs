use std::io;

use zstd::stream::raw::{Decoder, Operation};

/// Inflates zstd frames (RFC 8878), one after another, from chunks of any size.
pub(crate) struct ZstdFrames {
    decoder: Decoder<'static>,
    plain: Vec<u8>,
    at_end: bool,
}

impl ZstdFrames {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            decoder: Decoder::new()?,
            plain: vec![0; 128 << 10],
            at_end: true,
        })
    }

    /// Whether the last frame is complete.
    pub(crate) const fn at_end(&self) -> bool {
        self.at_end
    }

    /// Gives what `packed` inflates to, piece by piece.
    pub(crate) fn inflate(&mut self, mut packed: &[u8], mut plain: impl FnMut(&[u8])) -> io::Result<()> {
        loop {
            let status = self.decoder.run_on_buffers(packed, &mut self.plain)?;
            plain(&self.plain[..status.bytes_written]);
            packed = &packed[status.bytes_read..];
            if status.bytes_read > 0 || status.bytes_written > 0 {
                self.at_end = status.remaining == 0;
            }
            // A full buffer may hide more output; an idle round means that more input is needed.
            let idle = status.bytes_read == 0 && status.bytes_written == 0;
            if idle || (packed.is_empty() && status.bytes_written < self.plain.len()) {
                return Ok(());
            }
        }
    }
}
