//! The archive reader: any bytes, however they are cut, packed or not. What it takes is the same in one piece.
#![no_main]

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use imagefleet_archive::{ArchiveContents, Limits, Result, inspect};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let whole = runtime.block_on(read(rest, usize::MAX));
    let cut = runtime.block_on(read(rest, usize::from(*first) + 1));
    if let (Ok(whole), Ok(cut)) = (&whole, &cut) {
        assert_eq!(whole, cut);
    }
    assert_eq!(whole.is_ok(), cut.is_ok(), "{whole:?} {cut:?}");
});

async fn read(data: &[u8], size: usize) -> Result<ArchiveContents> {
    let limits = Limits { inflated_bytes: 1 << 20, ..Limits::default() };
    let chunks: Vec<_> = data.chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    inspect(stream::iter(chunks).boxed(), &limits).await
}
