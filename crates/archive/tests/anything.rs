//! Bytes that nobody chose: never a panic, never a wrong image, and the same answer however they are cut.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use bytes::Bytes;
use imagefleet_archive::build::{
    BuiltImage, LayerPacking, Tar, both_forms, classic_save, docker_archive, image,
};
use imagefleet_archive::{Limits, Result, inspect};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed};
use support::pieces;

fn config(cases: u32) -> Config {
    Config {
        cases,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..Config::default()
    }
}

fn look(bytes: &Bytes, size: usize) -> Result<imagefleet_archive::ArchiveContents> {
    let limits = Limits {
        inflated_bytes: 1 << 20,
        ..Limits::default()
    };
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(inspect(pieces(bytes, size), &limits))
}

fn built() -> impl Strategy<Value = BuiltImage> {
    let packing = prop_oneof![
        Just(LayerPacking::Plain),
        Just(LayerPacking::Gzip),
        Just(LayerPacking::Zstd)
    ];
    (
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..1500), 1..5),
        packing,
    )
        .prop_map(|(layers, packing)| {
            let layers: Vec<&[u8]> = layers.iter().map(Vec::as_slice).collect();
            image(&["app:1"], &layers).packed(packing)
        })
}

fn archive() -> impl Strategy<Value = (BuiltImage, Bytes)> {
    (built(), 0..3_usize).prop_map(|(image, form)| {
        let write = [classic_save, docker_archive, both_forms][form];
        let bytes = write(std::slice::from_ref(&image));
        (image, bytes)
    })
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn noise(bytes in prop::collection::vec(any::<u8>(), 0..4000), size in 1..2000_usize) {
        prop_assert!(look(&bytes.into(), size).is_err());
    }

    #[test]
    fn noise_inside_a_tar(
        names in prop::collection::vec("(manifest.json|index.json|blobs/sha256/[0-9a-f]{64}|[a-z./]{1,20})", 1..6),
        content in prop::collection::vec(prop_oneof![
            "\\{\"(manifests|layers|rootfs|config)\":[\\[\\]{}0-9null,\":a-z]{0,40}\\}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..700),
        ], 6),
    ) {
        let tar = names.iter().zip(&content).fold(Tar::new(), |tar, (name, content)| tar.file(name, content));
        prop_assert!(look(&tar.finish(), 300).is_err());
    }

    #[test]
    fn cut_anywhere((image, bytes) in archive(), sizes in prop::collection::vec(1..3000_usize, 3)) {
        let whole = look(&bytes, usize::MAX).unwrap();
        prop_assert_eq!(whole.images[0].diff_ids(), image.diff_ids());
        for size in sizes {
            prop_assert_eq!(&look(&bytes, size).unwrap(), &whole);
        }
    }

    #[test]
    fn ended_anywhere((_, bytes) in archive(), at in any::<prop::sample::Index>()) {
        prop_assert!(look(&bytes.slice(..at.index(bytes.len())), 1000).is_err());
    }

    #[test]
    fn changed_anywhere((image, bytes) in archive(), at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let mut changed = bytes.to_vec();
        changed[at.index(bytes.len())] ^= flip;
        // What is not covered by a digest may change (a time, a reference); the image may not.
        if let Ok(contents) = look(&changed.into(), 1000) {
            prop_assert_eq!(contents.images[0].diff_ids(), image.diff_ids());
            prop_assert_eq!(&contents.images[0].config_digest, &image.config_digest());
        }
    }
}
