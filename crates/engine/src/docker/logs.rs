use bytes::{Buf, Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::try_unfold;
use hyper::body::Incoming;
use imagefleet_model::{ErrorCode, Failure};
use std::collections::VecDeque;

use super::call::{Call, segment};
use super::client::{Client, next_chunk};
use super::containers;
use super::errors::Topic;
use crate::{LogChunk, LogOptions, LogStream, Result, Stream};

/// Kind, three zeros, length (Docker API, `POST /containers/{id}/attach`, "Stream format").
const HEADER: usize = 8;

pub(super) async fn logs(client: &Client, id: &str, options: &LogOptions) -> Result<Stream<LogChunk>> {
    // Only the container's configuration tells whether its log has frames.
    let tty = containers::inspect(client, id).await?.tty;
    let mut call = Call::get(format!("/containers/{}/logs", segment(id)?), Topic::Container)
        .query("stdout", "1")
        .query("stderr", "1")
        .flag("follow", options.follow)
        .flag("timestamps", options.timestamps)
        .query(
            "tail",
            &options
                .tail
                .map_or_else(|| "all".to_owned(), |lines| lines.to_string()),
        );
    if let Some(since) = options.since {
        let nanos = since.timestamp_subsec_nanos();
        call = call.query("since", &format!("{}.{nanos:09}", since.timestamp()));
    }
    let body = client.open(call).await?;
    Ok(chunks(body, if tty { Frames::Raw } else { Frames::default() }))
}

fn chunks(body: Incoming, frames: Frames) -> Stream<LogChunk> {
    let start = (body, frames, VecDeque::new());
    try_unfold(start, |(mut body, mut frames, mut ready)| async move {
        loop {
            if let Some(chunk) = ready.pop_front() {
                return Ok(Some((chunk, (body, frames, ready))));
            }
            let Some(bytes) = next_chunk(&mut body, None).await? else {
                return Ok(None);
            };
            frames.push(bytes, &mut ready)?;
        }
    })
    .boxed()
}

/// Takes a log apart. A frame is handed on as its bytes arrive, so its length costs no memory.
#[derive(Debug)]
pub(super) enum Frames {
    /// A terminal's: no frames.
    Raw,
    /// In the middle of a frame, or in the middle of the header of the next one.
    Framed {
        stream: LogStream,
        left: usize,
        header: BytesMut,
    },
}

impl Default for Frames {
    fn default() -> Self {
        Self::Framed {
            stream: LogStream::Stdout,
            left: 0,
            header: BytesMut::with_capacity(HEADER),
        }
    }
}

impl Frames {
    pub fn push(&mut self, mut bytes: Bytes, ready: &mut VecDeque<LogChunk>) -> Result<()> {
        let Self::Framed { stream, left, header } = self else {
            ready.push_back(LogChunk {
                stream: LogStream::Stdout,
                bytes,
            });
            return Ok(());
        };
        while !bytes.is_empty() {
            if *left > 0 {
                let piece = bytes.split_to(bytes.len().min(*left));
                *left -= piece.len();
                ready.push_back(LogChunk {
                    stream: *stream,
                    bytes: piece,
                });
                continue;
            }
            let missing = HEADER - header.len();
            header.extend_from_slice(&bytes.split_to(bytes.len().min(missing)));
            if header.len() < HEADER {
                return Ok(());
            }
            *stream = match header[..4] {
                [0 | 1, 0, 0, 0] => LogStream::Stdout,
                [2, 0, 0, 0] => LogStream::Stderr,
                _ => {
                    return Err(Failure::new(
                        ErrorCode::EngineError,
                        "the engine's log is cut into frames that are none",
                    ));
                }
            };
            *left = header[4..].as_ref().get_u32() as usize;
            header.clear();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::Frames;
    use crate::LogStream;

    fn frame(kind: u8, text: &[u8]) -> Vec<u8> {
        let mut out = vec![kind, 0, 0, 0];
        out.extend(u32::try_from(text.len()).expect("short").to_be_bytes());
        out.extend(text);
        out
    }

    fn text(frames: &mut Frames, all: &[u8], size: usize) -> (Vec<u8>, Vec<u8>) {
        let mut ready = VecDeque::new();
        for piece in all.chunks(size) {
            frames
                .push(Bytes::copy_from_slice(piece), &mut ready)
                .expect("well-formed");
        }
        let of = |stream: LogStream| {
            ready
                .iter()
                .filter(|chunk| chunk.stream == stream)
                .flat_map(|chunk| chunk.bytes.to_vec())
                .collect()
        };
        (of(LogStream::Stdout), of(LogStream::Stderr))
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same(
            out in prop::collection::vec(any::<u8>(), 0..40), err in prop::collection::vec(any::<u8>(), 0..40), size in 1_usize..100
        ) {
            let all: Vec<u8> = [frame(1, &out), frame(2, &err), frame(1, b""), frame(1, b"end")].concat();
            let wanted = ([out, b"end".to_vec()].concat(), err);
            prop_assert_eq!(text(&mut Frames::default(), &all, size), wanted);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Frames::default().push(Bytes::from(bytes), &mut VecDeque::new());
        }
    }

    #[test]
    fn a_terminal_is_raw_and_garbage_is_refused() {
        assert_eq!(text(&mut Frames::Raw, b"plain", 2).0, b"plain");
        let mut ready = VecDeque::new();
        assert!(
            Frames::default()
                .push(Bytes::from_static(b"plain text"), &mut ready)
                .is_err()
        );
    }
}
