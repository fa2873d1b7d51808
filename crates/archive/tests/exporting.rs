//! An engine's save on its way into a file.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use imagefleet_archive::build::{classic_save, image};
use imagefleet_archive::{Compression, Limits, compress, decompress, export};
use imagefleet_model::{ErrorCode, Failure};
use rstest::rstest;
use sha2::{Digest, Sha256};
use support::{collect, pieces, read};

fn save() -> Bytes {
    let large: Vec<u8> = (0..3_000_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    classic_save(&[image(&["app:1"], &[b"base", &large, b"top"])])
}

#[rstest]
#[case(Compression::None)]
#[case(Compression::Gzip)]
#[case(Compression::Zstd)]
#[tokio::test]
async fn the_file_is_what_the_verdict_says(#[case] compression: Compression) {
    let save = save();
    let (file, sealing) = export(pieces(&save, 10_000), compression, &Limits::default());
    assert!(sealing.finish().is_err());
    let file = collect(file).await.unwrap();
    let sealed = sealing.finish().unwrap();
    assert_eq!(sealed.size, file.len() as u64);
    assert_eq!(sealed.sha256, hex::encode(Sha256::digest(&file)));
    assert_eq!(sealed.contents, read(&file).await.unwrap());
    assert_eq!(sealed.contents.compression, compression);
    assert_eq!(sealing.tar_bytes(), save.len() as u64);
    let (plain, found) = decompress(pieces(&file, 1000)).await.unwrap();
    assert_eq!((collect(plain).await.unwrap(), found), (save, compression));
}

#[rstest]
#[case(Compression::None)]
#[case(Compression::Zstd)]
#[tokio::test]
async fn a_bad_save_never_ends_well(#[case] compression: Compression) {
    let save = save();
    let cut = save.slice(..save.len() - 5000);
    let (file, sealing) = export(pieces(&cut, 10_000), compression, &Limits::default());
    assert_eq!(collect(file).await.unwrap_err().code, ErrorCode::ArchiveTruncated);
    assert_eq!(sealing.finish().unwrap_err().code, ErrorCode::ExportUnavailable);

    let (file, sealing) = export(pieces(&Bytes::new(), 1), compression, &Limits::default());
    assert_eq!(collect(file).await.unwrap_err().code, ErrorCode::NotAnArchive);
    assert!(sealing.finish().is_err());
}

#[tokio::test]
async fn the_engines_own_failure_comes_through() {
    let died = || Err(Failure::new(ErrorCode::EngineDisconnected, "gone"));
    let half = save().slice(..100_000);
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let source = pieces(&half, 1000).chain(stream::iter([died()])).boxed();
        let (file, sealing) = export(source, compression, &Limits::default());
        assert_eq!(collect(file).await.unwrap_err().message, "gone");
        assert!(sealing.finish().is_err());
    }
    // Through a decompression too.
    let packed = collect(compress(pieces(&half, 1000), Compression::Gzip))
        .await
        .unwrap();
    let source = pieces(&packed.slice(..packed.len() / 2), 100)
        .chain(stream::iter([died()]))
        .boxed();
    let (plain, _) = decompress(source).await.unwrap();
    assert_eq!(collect(plain).await.unwrap_err().message, "gone");
}
