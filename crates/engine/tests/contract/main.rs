//! What every engine has to keep, asked of the fake (itself, and on the wire) always and of real engines where the lab is up.

mod archive;
mod containers;
mod errors;
mod images;
mod lab;
mod subject;
mod ways;

use imagefleet_engine::Engine;
use imagefleet_engine::docker::{Connection, connect};
use imagefleet_engine::fake::{FakeEngine, FakeOptions, FakeRegistry};
use imagefleet_model::ImageStore;
use rstest::rstest;

use crate::lab::required;
use crate::subject::Subject;

#[tokio::test]
#[rstest]
#[case(ImageStore::Classic)]
#[case(ImageStore::Containerd)]
async fn the_fake(#[case] store: ImageStore) {
    let engine = FakeEngine::new(FakeOptions {
        store,
        images: 5,
        registry: FakeRegistry::new(7),
        ..FakeOptions::default()
    });
    let (address, serving) = engine.serve().await.expect("a port");
    let serving = tokio::spawn(serving);
    let endpoint = format!("tcp://{address}").parse().expect("an endpoint");
    let on_the_wire = connect(&Connection::new(endpoint));
    for engine in [
        std::sync::Arc::new(engine) as std::sync::Arc<dyn Engine>,
        on_the_wire,
    ] {
        all_of_it(&Subject::fake(engine, store)).await;
    }
    serving.abort();
}

#[tokio::test]
#[rstest]
#[case("IMAGEFLEET_LAB_DOCKER20", ImageStore::Classic)]
#[case("IMAGEFLEET_LAB_DOCKER28", ImageStore::Classic)]
#[case("IMAGEFLEET_LAB_CONTAINERD", ImageStore::Containerd)]
#[case("IMAGEFLEET_LAB_PODMAN", ImageStore::Podman)]
async fn real_engines(#[case] variable: &str, #[case] store: ImageStore) {
    let (Some(endpoint), Some(registry)) = (required(variable), required("IMAGEFLEET_LAB_REGISTRY")) else {
        return;
    };
    let subject = Subject::real(&endpoint, &registry, store);
    all_of_it(&subject).await;
    errors::registries(&subject).await;
}

async fn all_of_it(subject: &Subject) {
    subject.introduces_itself().await;
    images::loads_lists_tags_saves_and_removes(subject).await;
    images::refuses_what_is_no_archive(subject).await;
    images::pushes_and_pulls(subject).await;
    images::tells_what_happens(subject).await;
    containers::live_and_end(subject).await;
    containers::fail_for_reasons(subject).await;
}
