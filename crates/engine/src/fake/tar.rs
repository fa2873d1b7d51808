//! Small tars in memory (POSIX.1-1988, "ustar"): what the fake saves and what its layers are.

const BLOCK: usize = 512;

/// A whole tar with one file.
pub(super) fn file(path: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    append(&mut out, path, bytes);
    finish(&mut out);
    out
}

/// Appends one file. Paths of the fake are short.
pub(super) fn append(out: &mut Vec<u8>, path: &str, bytes: &[u8]) {
    let mut header = [0_u8; BLOCK];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, path);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{:011o}\0", bytes.len()));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\0");
    put(263, "00");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out.extend_from_slice(&header);
    out.extend_from_slice(bytes);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}

/// Ends it.
pub(super) fn finish(out: &mut Vec<u8>) {
    out.resize(out.len() + 2 * BLOCK, 0);
}
