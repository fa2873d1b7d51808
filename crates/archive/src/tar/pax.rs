use imagefleet_model::{ErrorCode, Failure};

use crate::Result;

/// What a pax extension header (POSIX.1-2017, "pax Extended Header") says about the next entry, as far as it concerns us.
#[derive(Debug, Default)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
}

/// Reads the records `"<length> <key>=<value>\n"`.
pub(super) fn read(records: &[u8]) -> Result<Pax> {
    let mut pax = Pax::default();
    let mut rest = records;
    while !rest.is_empty() {
        let (key, value, after) =
            record(rest).ok_or_else(|| bad("an extension header is malformed".to_owned()))?;
        rest = after;
        match key {
            b"path" => pax.path = Some(value.to_vec()),
            b"linkpath" => pax.link = Some(value.to_vec()),
            b"size" => {
                let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                pax.size =
                    Some(size.ok_or_else(|| bad("an extension header has a malformed size".to_owned()))?);
            }
            key if key.starts_with(b"GNU.sparse.") => {
                return Err(bad(
                    "it holds a sparse file, which no image archive does".to_owned()
                ));
            }
            _ => {}
        }
    }
    Ok(pax)
}

fn record(data: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = data.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&data[..space]).ok()?.parse().ok()?;
    let body = data.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    Some((&body[..equals], &body[equals + 1..], &data[length..]))
}

fn bad(message: String) -> Failure {
    Failure::new(ErrorCode::ArchiveCorrupt, message)
}
