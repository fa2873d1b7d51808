//! Right archives of every form, and what is said of them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use bytes::Bytes;
use imagefleet_archive::build::{
    BuiltImage, LayerPacking, Tar, both_forms, classic_save, docker_archive, image, oci_layout,
};
use imagefleet_archive::{Compression, Limits, chain_ids, inspect};
use rstest::rstest;
use serde_json::json;
use support::{gzip, pieces, read, zstd};

fn two_images() -> Vec<BuiltImage> {
    vec![
        image(
            &["nginx:1.27", "127.0.0.1:5000/ns/app:1"],
            &[b"base", b"same", b"same", b"top"],
        ),
        image(&["redis:7"], &[b"base", b"other"]),
    ]
}

#[rstest]
#[case::podman(docker_archive(&two_images()), true, false)]
#[case::classic(classic_save(&two_images()), true, false)]
#[case::oci(oci_layout(&two_images()), false, true)]
#[case::both(both_forms(&two_images()), true, true)]
#[tokio::test]
async fn every_form_says_the_same(#[case] archive: Bytes, #[case] docker: bool, #[case] oci: bool) {
    let built = two_images();
    let contents = read(&archive).await.unwrap();
    assert_eq!((contents.forms.docker, contents.forms.oci), (docker, oci));
    assert_eq!(contents.tar_bytes, archive.len() as u64);
    assert_eq!(contents.images.len(), 2);
    for (image, built) in contents.images.iter().zip(&built) {
        assert_eq!(image.references, built.references);
        assert_eq!(image.config_digest, built.config_digest());
        assert_eq!(image.manifest_digest.is_some(), oci);
        assert_eq!(image.platform.as_deref(), Some("linux/amd64"));
        assert_eq!(image.created.as_deref(), Some("2026-01-05T08:00:00Z"));
        assert_eq!(image.diff_ids(), built.diff_ids());
        assert_eq!(
            image.size,
            built.layers.iter().map(|layer| layer.len() as u64).sum::<u64>()
        );
        let chain: Vec<_> = image.layers.iter().map(|layer| layer.chain_id.clone()).collect();
        assert_eq!(chain, chain_ids(&built.diff_ids()));
    }
}

#[rstest]
#[case(LayerPacking::Gzip, "application/vnd.oci.image.layer.v1.tar+gzip")]
#[case(LayerPacking::Zstd, "application/vnd.oci.image.layer.v1.tar+zstd")]
#[tokio::test]
async fn compressed_layers_are_looked_into(#[case] packing: LayerPacking, #[case] media_type: &str) {
    let built = image(&["app:1"], &[b"base", b"top"]).packed(packing);
    let contents = read(&both_forms(std::slice::from_ref(&built))).await.unwrap();
    let layer = &contents.images[0].layers[1];
    assert_eq!(layer.media_type, media_type);
    assert_eq!(layer.diff_id, built.diff_ids()[1]);
    assert_eq!(layer.inflated_size, built.layers[1].len() as u64);
    assert_eq!(layer.size, built.blobs()[1].len() as u64);
    assert_ne!(layer.digest, layer.diff_id);
}

#[rstest]
#[case(gzip, Compression::Gzip)]
#[case(zstd, Compression::Zstd)]
#[tokio::test]
async fn the_whole_may_be_compressed_in_several_runs(
    #[case] pack: fn(&[u8]) -> Bytes,
    #[case] compression: Compression,
) {
    let plain = classic_save(&two_images());
    let (one, two) = plain.split_at(plain.len() / 3);
    let packed: Bytes = [pack(one), pack(two)].concat().into();
    let contents = read(&packed).await.unwrap();
    assert_eq!(contents.compression, compression);
    assert_eq!(contents.images, read(&plain).await.unwrap().images);
}

#[tokio::test]
async fn chunks_may_have_any_size() {
    for archive in [
        classic_save(&two_images()),
        both_forms(&two_images()),
        gzip(&oci_layout(&two_images())),
    ] {
        let whole = read(&archive).await.unwrap();
        for size in [1, 7, 511, 512, 513, 4096] {
            assert_eq!(
                inspect(pieces(&archive, size), &Limits::default()).await.unwrap(),
                whole,
                "{size}"
            );
        }
    }
}

#[tokio::test]
async fn platforms_attestations_and_absent_platforms_are_told_apart() {
    let amd = BuiltImage::new(&[], "amd64", image(&[], &[b"base", b"amd"]).layers);
    let arm = BuiltImage::new(&[], "arm64", image(&[], &[b"base", b"arm"]).layers);
    let gone = BuiltImage::new(&[], "riscv64", image(&[], &[b"base", b"riscv"]).layers);
    let statement = Bytes::from_static(br#"{"_type":"https://in-toto.io/Statement/v0.1"}"#);
    let attestation: Bytes = json!({
        "schemaVersion": 2,
        "config": descriptor(&Bytes::from_static(b"{}")),
        "layers": [descriptor(&statement)],
    })
    .to_string()
    .into();
    let platform = |image: &BuiltImage, architecture: &str| {
        let mut described = descriptor(&image.manifest());
        described["platform"] = json!({"os": "linux", "architecture": architecture});
        described
    };
    let mut described = descriptor(&attestation);
    described["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    let index: Bytes =
        json!({"manifests": [platform(&amd, "amd64"), platform(&arm, "arm64"), platform(&gone, "riscv64"), described]})
            .to_string()
            .into();
    let mut top = descriptor(&index);
    top["annotations"] = json!({"io.containerd.image.name": "docker.io/library/app:1"});
    let mut tar = Tar::new().file("oci-layout", b"{}");
    let blobs = [&amd, &arm].into_iter().flat_map(|image| {
        image
            .blobs()
            .into_iter()
            .chain([image.manifest(), image.config.clone()])
    });
    for blob in blobs.chain([attestation, statement, index.clone()]) {
        tar = tar.file(&format!("blobs/sha256/{}", &digest(&blob)[7..]), &blob);
    }
    let archive = tar
        .file("index.json", json!({"manifests": [top]}).to_string().as_bytes())
        .finish();

    let contents = read(&archive).await.unwrap();
    let platforms: Vec<_> = contents
        .images
        .iter()
        .map(|image| image.platform.as_deref().unwrap())
        .collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    assert!(
        contents
            .images
            .iter()
            .all(|image| image.target_digest.as_deref() == Some(&digest(&index)))
    );
    assert_eq!(
        (contents.references(), contents.distinct_images()),
        (vec!["app:1"], 1)
    );
    let skipped: Vec<_> = contents
        .skipped
        .iter()
        .map(|skipped| (skipped.reason.as_str(), skipped.platform.as_deref()))
        .collect();
    assert_eq!(
        skipped,
        [
            ("not_included", Some("linux/riscv64")),
            ("attestation", Some("unknown/unknown"))
        ]
    );
}

#[tokio::test]
async fn hard_links_dots_and_long_names_are_followed() {
    let built = image(&["app:1"], &[b"base"]);
    let long = "d".repeat(150);
    let manifest = json!([{"Config": "./config.json", "RepoTags": ["app:1"], "Layers": ["same/layer.tar"]}]);
    let archive = Tar::new()
        .file("./config.json", &built.config)
        .file(&format!("{long}/layer.tar"), &built.layers[0])
        .hard_link("same/layer.tar", &format!("{long}/layer.tar"))
        .file("./manifest.json", manifest.to_string().as_bytes())
        .finish();
    let contents = read(&archive).await.unwrap();
    assert_eq!(contents.images[0].layers[0].path, format!("{long}/layer.tar"));
}

#[tokio::test]
async fn a_layout_in_wrong_order_beside_a_right_manifest_is_passed_over() {
    let mut built = image(&["app:1"], &[b"base", b"top"]);
    let right = built.clone();
    built.layers.reverse();
    let wrong_manifest = BuiltImage {
        config: right.config.clone(),
        ..built
    }
    .manifest();
    let index = json!({"manifests": [descriptor(&wrong_manifest)]});
    let path = |blob: &Bytes| format!("blobs/sha256/{}", &digest(blob)[7..]);
    let mut tar = Tar::new();
    for blob in right.layers.iter().chain([&right.config, &wrong_manifest]) {
        tar = tar.file(&path(blob), blob);
    }
    let layers: Vec<_> = right.layers.iter().map(path).collect();
    let docker = json!([{"Config": path(&right.config), "RepoTags": ["app:1"], "Layers": layers}]);
    let tar = tar.file("index.json", index.to_string().as_bytes());
    let contents = read(
        &tar.clone()
            .file("manifest.json", docker.to_string().as_bytes())
            .finish(),
    )
    .await
    .unwrap();
    assert_eq!(contents.images.len(), 1);
    assert_eq!(
        (&contents.images[0].manifest_digest, contents.images[0].diff_ids()),
        (&None, right.diff_ids())
    );
    // Alone it is a lie.
    assert_eq!(
        read(&tar.finish()).await.unwrap_err().code.as_str(),
        "archive_corrupt"
    );
}

fn digest(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn descriptor(bytes: &Bytes) -> serde_json::Value {
    json!({"digest": digest(bytes), "size": bytes.len()})
}
