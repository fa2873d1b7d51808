//! One archive to many targets.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use imagefleet_archive::build::{
    BuiltImage, LayerPacking, both_forms, classic_save, docker_archive, image, oci_layout,
};
use imagefleet_archive::{
    ArchiveContents, CopyFigures, CopyPlan, Held, Limits, Result, SourceImage, TargetForm, TargetPlan, copy,
};
use imagefleet_model::{ErrorCode, Failure};
use rstest::rstest;
use support::{collect, gzip, pieces, read};

const STALL: Duration = Duration::from_secs(30);

fn base() -> BuiltImage {
    image(&["base:1"], &[b"base", b"same"])
}

/// Two layers of [`base`], the second once more, and one of its own.
fn app() -> BuiltImage {
    image(&["app:1"], &[b"base", b"same", b"same", b"top"])
}

fn plan(images: &[BuiltImage], targets: Vec<TargetPlan>) -> CopyPlan {
    CopyPlan {
        images: images
            .iter()
            .map(|image| SourceImage::from_diff_ids(&image.diff_ids()))
            .collect(),
        targets,
        stall: STALL,
        limits: Limits::default(),
    }
}

fn docker(held: &[String]) -> TargetPlan {
    let held = Held {
        chain_ids: held.iter().cloned().collect(),
        ..Held::default()
    };
    TargetPlan {
        form: TargetForm::Docker,
        held,
        ..TargetPlan::default()
    }
}

fn oci(held: &[String]) -> TargetPlan {
    let held = Held {
        blobs: held.iter().cloned().collect(),
        ..Held::default()
    };
    TargetPlan {
        form: TargetForm::Oci,
        held,
        ..TargetPlan::default()
    }
}

type Got = (Result<Bytes>, CopyFigures);

async fn run(source: &Bytes, plan: CopyPlan) -> (Result<ArchiveContents>, Vec<Got>) {
    let copying = copy(pieces(source, 777), plan);
    let targets = copying.targets.into_iter().map(|target| async move {
        let bytes = collect(target.bytes).await;
        (bytes, target.counters.figures())
    });
    tokio::join!(copying.run, join_all(targets))
}

/// Names of a tar's entries.
async fn names(archive: &Bytes) -> HashSet<String> {
    let mut tar = tokio_tar::Archive::new(archive.as_ref());
    let mut entries = tar.entries().unwrap();
    let mut names = HashSet::new();
    while let Some(entry) = entries.next().await {
        assert!(
            names.insert(entry.unwrap().path().unwrap().to_str().unwrap().to_owned()),
            "an entry is there twice"
        );
    }
    names
}

/// Adds what a target holds to what it was sent: what its store sees.
async fn completed(sent: &Bytes, held: &[Bytes], name: impl Fn(&Bytes) -> String) -> ArchiveContents {
    let mut tar = imagefleet_archive::build::Tar::new();
    let there = names(sent).await;
    for layer in held {
        if !there.contains(&name(layer)) {
            tar = tar.file(&name(layer), layer);
        }
    }
    let more = tar.finish();
    let whole = [&more[..more.len() - 1024], sent].concat().into();
    read(&whole).await.unwrap()
}

fn blob(layer: &Bytes) -> String {
    format!("blobs/sha256/{}", &digest(layer)[7..])
}

fn digest(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

#[rstest]
#[case::classic(classic_save)]
#[case::podman(docker_archive)]
#[case::layout(oci_layout)]
#[case::both(both_forms)]
#[tokio::test]
async fn everything_to_targets_that_hold_nothing(#[case] form: fn(&[BuiltImage]) -> Bytes) {
    let built = [app(), base()];
    let source = form(&built);
    let (outcome, got) = run(
        &source,
        plan(&built, vec![TargetPlan::default(), docker(&[]), oci(&[])]),
    )
    .await;
    let contents = outcome.unwrap();
    assert_eq!(
        got[0].0.as_ref().unwrap(),
        &source,
        "unknown stores get the same bytes"
    );
    for ((bytes, figures), form) in got.iter().zip(["as it is", "docker", "oci"]) {
        let received = read(bytes.as_ref().unwrap()).await.unwrap();
        assert!(form != "docker" || (received.forms.docker && !received.forms.oci));
        assert!(form != "oci" || (received.forms.oci && !received.forms.docker));
        for (image, sent) in received.images.iter().zip(&contents.images) {
            assert_eq!(
                (&image.references, &image.config_digest),
                (&sent.references, &sent.config_digest),
                "{form}"
            );
            assert_eq!(image.diff_ids(), sent.diff_ids(), "{form}");
        }
        assert_eq!((figures.layers_total, figures.layers_sent), (3, 3), "{form}");
        assert_eq!(figures.bytes_total, source.len() as u64);
        assert_eq!(figures.bytes_sent, bytes.as_ref().unwrap().len() as u64);
    }
}

#[rstest]
#[case::classic(classic_save)]
#[case::podman(docker_archive)]
#[case::layout(oci_layout)]
#[case::both(both_forms)]
#[tokio::test]
async fn only_what_is_missing(#[case] form: fn(&[BuiltImage]) -> Bytes) {
    let built = app();
    let source = form(std::slice::from_ref(&built));
    let chain = built.chain_ids();
    let targets = vec![
        docker(&chain[..3]),
        oci(&built.diff_ids()[..3]),
        docker(&chain),
        docker(&chain[..2]),
    ];
    let (outcome, got) = run(&source, plan(std::slice::from_ref(&built), targets)).await;
    outcome.unwrap();
    let sent: Vec<_> = got
        .iter()
        .map(|(_, figures)| (figures.layers_total, figures.layers_sent))
        .collect();
    // The third layer is the second once more: a target that has it in one place alone must get it.
    assert_eq!(sent, [(3, 1), (3, 1), (3, 0), (3, 2)]);

    let layout = completed(got[1].0.as_ref().unwrap(), &built.layers, blob).await;
    assert_eq!(layout.images[0].config_digest, built.config_digest());
    assert_eq!(layout.references(), ["app:1"]);
    // The manifest still names every layer by its place.
    let whole = read(&source).await.unwrap();
    let names = names(got[0].0.as_ref().unwrap()).await;
    let absent: Vec<_> = whole.images[0]
        .layers
        .iter()
        .map(|layer| !names.contains(&layer.path))
        .collect();
    assert_eq!(absent, [true, true, true, false]);
}

#[tokio::test]
async fn a_layer_that_another_image_needs_elsewhere_is_sent() {
    let built = [app(), image(&["odd:1"], &[b"same", b"other"])];
    let held = app().chain_ids();
    let (outcome, got) = run(&both_forms(&built), plan(&built, vec![docker(&held)])).await;
    outcome.unwrap();
    let names = names(got[0].0.as_ref().unwrap()).await;
    assert!(!names.contains(&blob(&built[0].layers[0])), "held in every place");
    assert!(
        names.contains(&blob(&built[0].layers[1])),
        "the base of the other image"
    );
}

#[tokio::test]
async fn compressed_blobs_are_matched_when_the_plan_knows_them() {
    let built = app().packed(LayerPacking::Gzip);
    let source = both_forms(std::slice::from_ref(&built));
    let known = read(&source).await.unwrap();
    let held = built.chain_ids();
    let unknown = plan(std::slice::from_ref(&built), vec![docker(&held[..3])]);
    let mut told = unknown.clone();
    told.images = known.images.iter().map(SourceImage::from).collect();
    told.targets.push(oci(&built.blobs()[..1]
        .iter()
        .map(|blob| digest(blob))
        .collect::<Vec<_>>()));
    let (outcome, got) = run(&source, told).await;
    outcome.unwrap();
    assert_eq!((got[0].1.layers_sent, got[1].1.layers_sent), (1, 2));
    let layout = completed(got[1].0.as_ref().unwrap(), &built.blobs(), blob).await;
    assert_eq!(layout.images[0].diff_ids(), built.diff_ids());

    // Else what is sent depends on whether the documents came before the layers; right it is in any case.
    let (outcome, got) = run(&source, unknown).await;
    outcome.unwrap();
    assert!((1..=3).contains(&got[0].1.layers_sent));
    let loaded = completed(got[0].0.as_ref().unwrap(), &built.blobs(), blob).await;
    assert_eq!(loaded.images[0].diff_ids(), built.diff_ids());
}

#[tokio::test]
async fn a_known_file_may_be_compressed_and_its_layers_anywhere() {
    let built = app();
    let source = gzip(&classic_save(std::slice::from_ref(&built)));
    let known = read(&source).await.unwrap();
    let mut plan = plan(&[], vec![docker(&built.chain_ids()[..3]), TargetPlan::default()]);
    plan.images = known.images.iter().map(SourceImage::from).collect();
    assert_eq!(plan.targets[0].lacks(&plan.images[0]), [3]);
    let (outcome, got) = run(&source, plan).await;
    assert_eq!(outcome.unwrap(), known);
    assert_eq!(got[0].1.layers_sent, 1);
    assert_eq!(
        got[1].0.as_ref().unwrap(),
        &classic_save(std::slice::from_ref(&built))
    );
}

#[rstest]
#[case::classic(classic_save)]
#[case::layout(oci_layout)]
#[case::both(both_forms)]
#[tokio::test]
async fn another_name(#[case] form: fn(&[BuiltImage]) -> Bytes) {
    let built = app();
    let named = |form| TargetPlan {
        form,
        references: Some(vec!["own/name:2".to_owned()]),
        ..TargetPlan::default()
    };
    let targets = vec![
        named(TargetForm::AsIs),
        named(TargetForm::Docker),
        named(TargetForm::Oci),
    ];
    let (outcome, got) = run(
        &form(std::slice::from_ref(&built)),
        plan(std::slice::from_ref(&built), targets.clone()),
    )
    .await;
    outcome.unwrap();
    for (bytes, _) in got {
        let received = read(&bytes.unwrap()).await.unwrap();
        assert_eq!(
            (received.references(), received.images[0].config_digest.as_str()),
            (vec!["own/name:2"], built.config_digest().as_str())
        );
    }
    let two = [app(), base()];
    let (outcome, got) = run(&form(&two), plan(&two, targets)).await;
    outcome.unwrap();
    assert!(
        got.iter()
            .all(|(bytes, _)| bytes.as_ref().unwrap_err().code == ErrorCode::InvalidInput)
    );
}

#[tokio::test]
async fn a_source_that_fails_or_lies_ends_every_stream_with_an_error() {
    let built = app();
    let targets = || {
        vec![
            TargetPlan::default(),
            docker(&built.chain_ids()),
            oci(&built.diff_ids()),
        ]
    };
    let source = classic_save(std::slice::from_ref(&built));
    let cut = source.slice(..source.len() - 4000);
    let (outcome, got) = run(&cut, plan(std::slice::from_ref(&built), targets())).await;
    assert_eq!(outcome.unwrap_err().code, ErrorCode::ArchiveTruncated);
    assert!(
        got.iter()
            .all(|(bytes, _)| bytes.as_ref().unwrap_err().code == ErrorCode::ArchiveTruncated)
    );

    let died = stream::iter([Err(Failure::new(ErrorCode::EngineDisconnected, "gone"))]);
    let copying = copy(
        pieces(&cut, 777).chain(died).boxed(),
        plan(std::slice::from_ref(&built), targets()),
    );
    let streams = join_all(copying.targets.into_iter().map(|target| collect(target.bytes)));
    let (outcome, got) = tokio::join!(copying.run, streams);
    assert_eq!(outcome.unwrap_err().code, ErrorCode::EngineDisconnected);
    assert!(got.into_iter().all(|bytes| bytes.unwrap_err().message == "gone"));
}

#[tokio::test]
async fn a_layer_dropped_for_another_image_than_announced_is_missed() {
    // Announced: base alone. Sent: an image that needs "same" in a place where the target has it not.
    let sent = image(&["base:1"], &[b"same", b"base"]);
    let (outcome, got) = run(
        &both_forms(&[sent]),
        plan(&[base()], vec![docker(&base().chain_ids()), docker(&[])]),
    )
    .await;
    outcome.unwrap();
    assert_eq!(got[0].0.as_ref().unwrap_err().code, ErrorCode::Conflict);
    assert!(got[1].0.is_ok(), "the other target had nothing left out");
}

#[tokio::test]
async fn targets_that_leave_hold_nobody_up() {
    let source = large();
    let copying = copy(
        pieces(&source, 100_000),
        plan(&[], vec![TargetPlan::default(); 3]),
    );
    let mut targets = copying.targets.into_iter();
    let (stays, leaves, ends) = (
        targets.next().unwrap(),
        targets.next().unwrap(),
        targets.next().unwrap(),
    );
    drop(leaves.bytes);
    let mut ends = ends.bytes;
    let (outcome, bytes, ()) = tokio::join!(copying.run, collect(stays.bytes), async move {
        ends.next().await;
        drop(ends);
    });
    outcome.unwrap();
    assert_eq!(bytes.unwrap(), source);
}

/// Takes a piece, then rests.
async fn taken(mut bytes: imagefleet_archive::ByteStream, rest: Duration) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(piece) = bytes.next().await {
        all.extend_from_slice(&piece?);
        tokio::time::sleep(rest).await;
    }
    Ok(all)
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_far_slower_is_left_behind() {
    let source = large();
    let targets = vec![TargetPlan::default(); 2];
    let mut copying = copy(pieces(&source, 100_000), plan(&[], targets));
    let (slow, quick) = (copying.targets.pop().unwrap(), copying.targets.pop().unwrap());
    let second = Duration::from_secs(1);
    let (outcome, quick_bytes, slow_bytes) =
        tokio::join!(copying.run, collect(quick.bytes), taken(slow.bytes, second));
    outcome.unwrap();
    assert_eq!(quick_bytes.unwrap(), source);
    assert!(quick.counters.sent_all() && !quick.counters.left_behind());
    assert_eq!(slow_bytes.unwrap_err().code, ErrorCode::EngineTimeout);
    assert!(slow.counters.left_behind() && !slow.counters.sent_all());
}

#[rstest]
#[case::alone(1, 1000, 1000)]
#[case::equal(2, 1000, 1000)]
#[case::a_little_slower(2, 1000, 1150)]
#[tokio::test(start_paused = true)]
async fn targets_of_one_pace_are_served_together(#[case] count: usize, #[case] one: u64, #[case] other: u64) {
    let source = large();
    let targets = vec![TargetPlan::default(); count];
    let copying = copy(pieces(&source, 100_000), plan(&[], targets));
    let rests = [one, other].map(Duration::from_millis);
    let took = copying.targets.into_iter().zip(rests);
    let took = join_all(took.map(|(target, rest)| taken(target.bytes, rest)));
    let (outcome, took) = tokio::join!(copying.run, took);
    outcome.unwrap();
    for bytes in took {
        assert_eq!(bytes.unwrap(), source);
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_takes_nothing_is_given_up_when_it_is_the_only_one() {
    let mut copying = copy(pieces(&large(), 100_000), plan(&[], vec![TargetPlan::default()]));
    let mut hangs = copying.targets.pop().unwrap();
    let from = tokio::time::Instant::now();
    copying.run.await.unwrap_err();
    assert_eq!(from.elapsed().as_secs(), STALL.as_secs());
    assert!(!hangs.counters.left_behind());
    let mut taken = 0;
    let failure = loop {
        match hangs.bytes.next().await.unwrap() {
            Ok(bytes) => taken += bytes.len(),
            Err(failure) => break failure,
        }
    };
    assert_eq!(failure.code, ErrorCode::EngineTimeout);
    assert!(taken <= 4 << 20, "{taken} bytes waited for a dead target");
    assert!(hangs.bytes.next().await.is_none());
}

#[tokio::test]
async fn a_copy_that_nobody_takes_ends() {
    let copying = copy(
        pieces(&large(), 100_000),
        plan(&[], vec![TargetPlan::default(); 2]),
    );
    drop(copying.targets);
    assert_eq!(copying.run.await.unwrap_err().code, ErrorCode::EngineDisconnected);
}

#[tokio::test]
async fn a_copy_given_up_is_no_archive() {
    let copying = copy(pieces(&large(), 100_000), plan(&[], vec![TargetPlan::default()]));
    drop(copying.run);
    let mut targets = copying.targets;
    assert_eq!(
        collect(targets.remove(0).bytes).await.unwrap_err().code,
        ErrorCode::Cancelled
    );
}

/// More than a pipe holds.
fn large() -> Bytes {
    let layer: Vec<u8> = (0..9_000_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    classic_save(&[image(&["large:1"], &[b"base", &layer])])
}
