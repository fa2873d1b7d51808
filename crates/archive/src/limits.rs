/// How much of everything an archive may have before it is taken for a bomb (`ArchiveTooComplex`).
///
/// Layers have no limit: they pass by. What must be remembered does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Entries of the tar, extension records not counted.
    pub entries: u64,
    /// Bytes of one name or link target.
    pub name_bytes: usize,
    /// Bytes of one index, manifest or config.
    pub document_bytes: usize,
    /// Bytes of all indexes, manifests and configs together.
    pub documents_bytes: usize,
    /// Bytes that all compressed content may inflate to.
    pub inflated_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 100_000,
            name_bytes: 1024,
            document_bytes: 4 << 20,
            documents_bytes: 32 << 20,
            inflated_bytes: 4 << 40,
        }
    }
}
