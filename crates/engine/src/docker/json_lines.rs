use bytes::Bytes;
use imagefleet_model::{ErrorCode, Failure};

use crate::Result;

/// No message of an engine is longer.
const LONGEST: usize = 1024 * 1024;

/// Splits a stream of JSON objects, however it is cut into chunks and whatever white space stands between them
/// (Docker API: "a sequence of JSON objects", parted by CRLF, LF or nothing).
#[derive(Debug, Default)]
pub(super) struct JsonLines {
    object: Vec<u8>,
    depth: u32,
    in_string: bool,
    escaped: bool,
}

impl JsonLines {
    /// The objects that `chunk` completes. After an error the rest of the stream means nothing.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<Bytes>> {
        let mut complete = Vec::new();
        for &byte in chunk {
            if self.depth == 0 {
                match byte {
                    b'{' => {}
                    b' ' | b'\t' | b'\r' | b'\n' => continue,
                    _ => return Err(garbage(chunk)),
                }
            }
            self.object.push(byte);
            if self.object.len() > LONGEST {
                return Err(Failure::new(
                    ErrorCode::EngineError,
                    "the engine sent a message of more than 1 MiB",
                ));
            }
            self.step(byte);
            if self.depth == 0 {
                complete.push(Bytes::from(std::mem::take(&mut self.object)));
            }
        }
        Ok(complete)
    }

    /// Fails when the stream ended in the middle of an object.
    pub fn finish(&self) -> Result<()> {
        if self.depth == 0 {
            return Ok(());
        }
        Err(Failure::passing(
            ErrorCode::EngineDisconnected,
            "the engine's answer ended in the middle of a message",
            std::time::Duration::ZERO,
        ))
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

/// Reads one object.
pub(super) fn read<T: serde::de::DeserializeOwned>(object: &[u8]) -> Result<T> {
    serde_json::from_slice(object).map_err(|_| garbage(object))
}

fn garbage(bytes: &[u8]) -> Failure {
    let excerpt: String = String::from_utf8_lossy(bytes)
        .chars()
        .take(80)
        .flat_map(char::escape_debug)
        .collect();
    Failure::new(
        ErrorCode::EngineError,
        super::redact::redact(&format!(
            "the engine sent something that is no JSON message: {excerpt}"
        )),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::JsonLines;

    #[test]
    fn objects_in_any_spacing() {
        let mut lines = JsonLines::default();
        let got = lines
            .push(b"{\"a\":\"}{\\\"\"}{\"b\":[{}]}\r\n\n {\"c\"")
            .expect("good");
        assert_eq!(got, [&b"{\"a\":\"}{\\\"\"}"[..], &b"{\"b\":[{}]}"[..]]);
        assert!(lines.finish().is_err());
        assert_eq!(lines.push(b":1}").expect("good"), [&b"{\"c\":1}"[..]]);
        assert!(lines.finish().is_ok());
        assert!(lines.push(b"<html>").is_err());
    }

    #[test]
    fn too_long_is_refused() {
        let mut lines = JsonLines::default();
        assert!(lines.push(b"{\"a\":\"").is_ok());
        assert!(lines.push(&vec![b'x'; 1024 * 1024]).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..16)) {
            let mut lines = JsonLines::default();
            for chunk in chunks {
                if lines.push(&chunk).is_err() {
                    break;
                }
            }
        }

        #[test]
        fn any_chunking_gives_the_same(texts in prop::collection::vec("\\PC{0,12}", 1..8), size in 1_usize..40) {
            let objects: Vec<String> = texts.iter().map(|t| serde_json::json!({"status": t, "x": [{}, t]}).to_string()).collect();
            let all = objects.join("\r\n");
            let mut lines = JsonLines::default();
            let mut got = Vec::new();
            for chunk in all.as_bytes().chunks(size) {
                got.extend(lines.push(chunk).expect("well-formed"));
            }
            prop_assert!(lines.finish().is_ok());
            prop_assert_eq!(got, objects);
        }
    }
}
