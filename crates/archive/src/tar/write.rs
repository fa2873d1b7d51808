use bytes::{BufMut, Bytes, BytesMut};
use tokio_tar::{EntryType, Header};

use super::BLOCK;

/// The end of every tar.
pub(crate) const END: Bytes = Bytes::from_static(&[0; 2 * BLOCK]);

/// Zeros from the end of `size` bytes to the next block.
pub(crate) fn padding(size: u64) -> Bytes {
    const ZEROS: [u8; BLOCK] = [0; BLOCK];
    let over = usize::try_from(size % BLOCK as u64).unwrap_or(0);
    Bytes::from_static(&ZEROS[..(BLOCK - over) % BLOCK])
}

/// The header of a regular file.
pub(crate) fn file_header(name: &str, size: u64) -> Bytes {
    header(name, size, EntryType::Regular, None)
}

/// The header of a folder.
pub(crate) fn directory_header(name: &str) -> Bytes {
    header(name, 0, EntryType::Directory, None)
}

/// The header of a symbolic or hard link.
pub(crate) fn link_header(name: &str, target: &str, symbolic: bool) -> Bytes {
    let kind = if symbolic {
        EntryType::Symlink
    } else {
        EntryType::Link
    };
    header(name, 0, kind, Some(target))
}

/// Written as it is given, even when it is unsafe: tests need such archives. Names over 100 bytes get a pax record.
fn header(name: &str, size: u64, kind: EntryType, link: Option<&str>) -> Bytes {
    let mut written = BytesMut::new();
    let mut records = Vec::new();
    for (key, value) in [("path", Some(name)), ("linkpath", link)] {
        if let Some(value) = value.filter(|value| value.len() > 100) {
            records.extend(pax_record(key, value));
        }
    }
    if !records.is_empty() {
        written.put(block("pax", records.len() as u64, EntryType::XHeader, None));
        written.put(records.as_slice());
        written.put(padding(records.len() as u64));
    }
    written.put(block(name, size, kind, link));
    written.freeze()
}

fn block(name: &str, size: u64, kind: EntryType, link: Option<&str>) -> Bytes {
    let mut header = Header::new_ustar();
    header.set_mode(if kind == EntryType::Directory {
        0o755
    } else {
        0o644
    });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(kind);
    header.set_size(size);
    let fields = header.as_old_mut();
    let short = |text: &str, field: &mut [u8; 100]| {
        let length = text.len().min(100);
        field[..length].copy_from_slice(&text.as_bytes()[..length]);
    };
    short(name, &mut fields.name);
    short(link.unwrap_or_default(), &mut fields.linkname);
    header.set_cksum();
    Bytes::copy_from_slice(header.as_bytes())
}

/// `"<length> <key>=<value>\n"`, where the length counts its own digits too.
fn pax_record(key: &str, value: &str) -> Vec<u8> {
    let body = key.len() + value.len() + 3;
    let mut length = body + 1;
    while length != body + length.to_string().len() {
        length += 1;
    }
    format!("{length} {key}={value}\n").into_bytes()
}
