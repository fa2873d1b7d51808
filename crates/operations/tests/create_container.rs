//! Containers from images through the real store and runner, with engines in memory.

use std::time::Duration;

use imagefleet_engine::Engine as _;
use imagefleet_engine::fake::{FakeEngine, Fault, FaultyCall};
use imagefleet_model::{
    Access, ContainerSpec, ErrorCode, Image, ImageStatus, Operation, ServerId, Status, Verb, WaitingCode,
};
use imagefleet_operations::kinds::create_container::{CreateContainers, find_conflict, plan};
use imagefleet_operations::kinds::sync;
use imagefleet_operations::testing::TestOperations;
use imagefleet_operations::{Actor, Change, Event};
use imagefleet_store::testing::{TestStore, sqlite, stores};
use serde_json::{Value, json};

const IMAGE: &str = "team/web:1";

struct Fixture {
    test: TestStore,
    run: TestOperations,
}

impl Fixture {
    async fn new(test: TestStore) -> Self {
        let run = TestOperations::start(&test.store)
            .await
            .expect("the runner starts");
        Self { test, run }
    }

    async fn server(&self, name: &str) -> (ServerId, FakeEngine) {
        let engine = FakeEngine::seeded(1, 0);
        engine.hold(IMAGE).expect("held");
        let id = self
            .run
            .fleet
            .add(&self.test.store, name, engine.clone())
            .await
            .expect("added");
        let deps = self.run.operations.deps();
        sync::refresh(deps, id, &engine, &|_| {})
            .await
            .expect("looked at");
        (id, engine)
    }

    async fn image(&self, server: ServerId) -> Image {
        self.test
            .store
            .image_by_name(server, IMAGE)
            .await
            .expect("read")
            .expect("there")
    }

    async fn create(&mut self, servers: &[ServerId], form: Value) -> Operation {
        let id = self.begin(servers, form).await;
        self.run.end_of(&id).await
    }

    async fn begin(&self, servers: &[ServerId], form: Value) -> String {
        let mut images = Vec::new();
        for server in servers {
            images.push(self.image(*server).await);
        }
        let create = CreateContainers {
            images,
            spec: spec(form),
        };
        let new = plan(self.run.operations.deps(), create, &Actor::system()).expect("planned");
        self.run.operations.submit(new).await.expect("submitted").id
    }
}

fn spec(form: Value) -> ContainerSpec {
    let spec: ContainerSpec = serde_json::from_value(form).expect("a form");
    spec.check().expect("a good form");
    spec
}

fn code(operation: &Operation) -> &str {
    operation.error.as_ref().map_or("", |error| error.code.as_str())
}

#[tokio::test]
async fn a_container_is_created_started_and_known() {
    for test in stores().await {
        let mut fixture = Fixture::new(test).await;
        let (a, _) = fixture.server("a").await;
        let (b, _) = fixture.server("b").await;
        let form = json!({"name": "web", "ports": [{"host": 8080, "container": 80}], "env": {"PASSWORD": "planted-secret"}});
        let end = fixture.create(&[a, b], form).await;
        assert_eq!((end.status, end.steps.len()), (Status::Succeeded, 2), "{end:?}");
        for step in &end.steps {
            let result = step.result.as_ref().expect("a result");
            assert_eq!(
                (&result["name"], &result["started"], &result["state"]),
                (&json!("web"), &json!(true), &json!("running"))
            );
            assert_eq!(result["ports"][0]["host"], 8080);
            let row = fixture
                .test
                .store
                .container(result["containerId"].as_i64().expect("an id"))
                .await;
            let row = row.expect("read").expect("there");
            assert_eq!(
                (row.name.as_str(), row.server_id, row.image.as_str()),
                ("web", step.server_id, IMAGE)
            );
            assert_eq!(fixture.image(step.server_id).await.used_by, ["web"]);
        }
        let text = serde_json::to_string(&end).expect("JSON");
        assert!(!text.contains("planted-secret"));
    }
}

#[tokio::test]
async fn the_form_is_not_stored_in_the_clear() {
    let fixture = Fixture::new(sqlite().await).await;
    let (a, _) = fixture.server("a").await;
    let create = CreateContainers {
        images: vec![fixture.image(a).await],
        spec: spec(
            json!({"name": "web", "env": {"PASSWORD": "planted-secret"}, "command": ["--pass", "planted-secret"]}),
        ),
    };
    let new = plan(fixture.run.operations.deps(), create, &Actor::system()).expect("planned");
    let stored = format!("{} {} {}", new.title, new.request, new.steps[0].payload);
    assert!(
        stored.contains("sealed") && !stored.contains("planted-secret"),
        "{stored}"
    );
}

#[tokio::test]
async fn the_state_of_containers_is_announced() {
    let mut fixture = Fixture::new(sqlite().await).await;
    let (a, _) = fixture.server("a").await;
    let mut events = fixture.run.operations.listen().await.expect("it listens");
    fixture.create(&[a], json!({"name": "web"})).await;
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let Event::Changed(Change::ContainerStatus(status)) = event {
            let change = status.change.clone().expect("one container");
            told.push((
                status.server_id,
                status.server_name.clone(),
                change.name,
                change.state,
                change.repository,
            ));
        }
    }
    let one = (
        a,
        "a".to_owned(),
        "web".to_owned(),
        "running".to_owned(),
        "team/web".to_owned(),
    );
    assert_eq!(told, [one]);
}

#[tokio::test]
async fn a_failed_start_says_why_and_what_is_left() {
    for test in stores().await {
        let mut fixture = Fixture::new(test).await;
        let (a, engine) = fixture.server("a").await;
        let end = fixture
            .create(&[a], json!({"name": "web", "command": ["missing-program"]}))
            .await;
        assert_eq!((end.status, code(&end)), (Status::Failed, "command_not_found"));
        let message = &end.error.as_ref().expect("an error").message;
        assert!(message.contains("The container web was created"), "{message}");
        let result = end.steps[0].result.as_ref().expect("kept");
        assert_eq!(
            (&result["name"], &result["created"], &result["started"]),
            (&json!("web"), &json!(true), &json!(false))
        );
        assert!(result["containerId"].is_i64(), "{result}");
        let image = fixture.image(a).await;
        assert_eq!(image.status, ImageStatus::StartFailed);
        assert_eq!(image.error.expect("a reason").code, "command_not_found");
        // Nothing that is there is removed, and a look at the server does not forget the failure.
        assert!(engine.container("web").await.is_ok());
        sync::refresh(fixture.run.operations.deps(), a, &engine, &|_| {})
            .await
            .expect("looked at");
        assert_eq!(fixture.image(a).await.status, ImageStatus::StartFailed);

        // The same operation again meets its own container, not somebody else's.
        fixture.run.operations.retry(&end.id).await.expect("retried");
        let again = fixture.run.end_of(&end.id).await;
        assert_eq!(code(&again), "command_not_found");
        assert_eq!(engine.containers().await.expect("listed").len(), 1);

        let end = fixture.create(&[a], json!({"name": "web2"})).await;
        assert_eq!(end.status, Status::Succeeded);
        let image = fixture.image(a).await;
        assert_eq!((image.status, image.error), (ImageStatus::Available, None));
    }
}

#[tokio::test]
async fn an_engine_that_goes_between_create_and_start_leaves_one_container() {
    let mut fixture = Fixture::new(sqlite().await).await;
    let (a, engine) = fixture.server("a").await;
    engine.inject(FaultyCall::StartContainer, Fault::Offline, Some(1));
    let id = fixture.begin(&[a], json!({"name": "web"})).await;
    let waiting = async || {
        let operation = fixture.test.store.existing_operation(&id).await.expect("reads");
        let waiting = operation.steps[0].waiting_for.as_ref();
        waiting.map(|waiting| waiting.code)
    };
    while waiting().await != Some(WaitingCode::Retry) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let made = engine.container("web").await.expect("made").summary;
    assert_eq!(made.state, "created");
    // The step waits for its time on the test's clock; then it goes on with the container that it made.
    fixture.test.pass(10);
    fixture.run.operations.wake();
    let end = fixture.run.end_of(&id).await;
    assert_eq!(end.status, Status::Succeeded, "{:?}", end.error);
    let there = engine.containers().await.expect("listed");
    assert_eq!((there.len(), &there[0].id), (1, &made.id));
    assert_eq!(fixture.image(a).await.status, ImageStatus::Available);
}

#[tokio::test]
async fn a_container_that_ends_at_once_has_failed() {
    let mut fixture = Fixture::new(sqlite().await).await;
    let (a, _) = fixture.server("a").await;
    let end = fixture
        .create(&[a], json!({"name": "job", "command": ["exit", "3"]}))
        .await;
    assert_eq!((end.status, code(&end)), (Status::Failed, "container_exited"));
    let message = &end.error.as_ref().expect("an error").message;
    assert!(
        message.contains("exit code 3") && message.contains("job ready"),
        "{message}"
    );
    let result = end.steps[0].result.as_ref().expect("kept");
    assert_eq!(
        (&result["exitCode"], &result["state"]),
        (&json!(3), &json!("exited"))
    );
    assert_eq!(fixture.image(a).await.status, ImageStatus::StartFailed);

    let end = fixture
        .create(
            &[a],
            json!({"name": "gone", "command": ["exit", "1"], "autoRemove": true}),
        )
        .await;
    assert_eq!(code(&end), "container_exited");
    let result = end.steps[0].result.as_ref().expect("kept");
    assert_eq!(
        (&result["exitCode"], &result["state"]),
        (&json!(1), &json!("removed"))
    );
}

#[tokio::test]
async fn one_that_has_done_its_work_has_not_failed() {
    let mut fixture = Fixture::new(sqlite().await).await;
    let (a, _) = fixture.server("a").await;
    let end = fixture
        .create(&[a], json!({"name": "job", "command": ["exit", "0"]}))
        .await;
    assert_eq!(end.status, Status::Succeeded, "{:?}", end.error);
    assert!(
        end.steps[0].message.contains("ended with exit code 0"),
        "{:?}",
        end.steps[0]
    );
    let result = end.steps[0].result.as_ref().expect("kept");
    assert_eq!(
        (&result["exitCode"], &result["state"]),
        (&json!(0), &json!("exited"))
    );
    assert_eq!(fixture.image(a).await.status, ImageStatus::Available);

    // The engine tells it of one that has removed itself too.
    let end = fixture
        .create(
            &[a],
            json!({"name": "gone", "command": ["exit", "0"], "autoRemove": true}),
        )
        .await;
    assert_eq!(end.status, Status::Succeeded, "{:?}", end.error);
    let result = end.steps[0].result.as_ref().expect("kept");
    assert_eq!(
        (&result["exitCode"], &result["state"]),
        (&json!(0), &json!("removed"))
    );
}

#[tokio::test]
async fn one_that_is_not_to_start_stays_created() {
    let mut fixture = Fixture::new(sqlite().await).await;
    let (a, _) = fixture.server("a").await;
    let end = fixture
        .create(
            &[a],
            json!({"name": "later", "start": false, "command": ["missing"]}),
        )
        .await;
    assert_eq!(end.status, Status::Succeeded);
    let result = end.result.expect("a result");
    assert_eq!(
        (&result["state"], &result["started"]),
        (&json!("created"), &json!(false))
    );
}

#[tokio::test]
async fn the_engines_refusals_are_told_apart() {
    let mut fixture = Fixture::new(sqlite().await).await;
    let (a, engine) = fixture.server("a").await;
    for (form, wanted) in [
        (
            json!({"name": "m1", "volumes": [{"source": "/missing/path", "target": "/data"}]}),
            "mount_missing",
        ),
        (
            json!({"name": "m2", "networkMode": "missing-net"}),
            "network_not_found",
        ),
    ] {
        let end = fixture.create(&[a], form).await;
        assert_eq!(
            (code(&end), fixture.image(a).await.status),
            (wanted, ImageStatus::StartFailed)
        );
    }
    // Somebody was faster: neither the plan nor the store knew of it.
    let other = ContainerSpec {
        name: "taken".to_owned(),
        ..spec(json!({"name": "taken", "ports": [{"host": 81, "container": 80}]}))
    };
    let made = engine
        .create_container(IMAGE, None, &other)
        .await
        .expect("created");
    engine.start_container(&made.id).await.expect("started");
    assert_eq!(
        code(&fixture.create(&[a], json!({"name": "taken"})).await),
        "container_name_taken"
    );
    let ports = json!({"name": "web", "ports": [{"host": 81, "container": 80}]});
    assert_eq!(code(&fixture.create(&[a], ports).await), "port_in_use");

    engine
        .remove_container("taken", true, false)
        .await
        .expect("removed");
    engine
        .remove_container("web", true, false)
        .await
        .expect("removed");
    engine.remove_container("m2", true, false).await.expect("removed");
    let image = fixture.image(a).await;
    engine.remove_image(IMAGE, true).await.expect("removed");
    let create = CreateContainers {
        images: vec![image],
        spec: spec(json!({"name": "late"})),
    };
    let new = plan(fixture.run.operations.deps(), create, &Actor::system()).expect("planned");
    let id = fixture.run.operations.submit(new).await.expect("submitted").id;
    let end = fixture.run.end_of(&id).await;
    assert_eq!(code(&end), "image_not_found");
    assert_eq!(
        fixture.test.store.image_by_name(a, IMAGE).await.expect("read"),
        None,
        "the image is gone, and is known to be"
    );
}

#[tokio::test]
async fn conflicts_are_found_before_the_engine_is_asked() {
    let mut fixture = Fixture::new(sqlite().await).await;
    let (a, engine) = fixture.server("a").await;
    fixture
        .create(
            &[a],
            json!({"name": "web", "ports": [{"host": 8080, "container": 80}]}),
        )
        .await;
    let deps = fixture.run.operations.deps().clone();
    let conflict = async |access: &Access, form: Value| {
        find_conflict(&deps, access, a, "a", &spec(form))
            .await
            .expect("looked")
    };
    let found = async |form: Value| {
        let conflict = conflict(&Access::full(), form).await;
        conflict.map(|conflict| (conflict.failure.code, conflict.field))
    };
    let port = |more: Value| {
        let mut form = json!({"name": "other", "ports": [{"container": 1}, {"host": 8080, "container": 80}]});
        if let (Some(form), Value::Object(more)) = (form.as_object_mut(), more) {
            form.extend(more);
        }
        form
    };
    assert_eq!(
        found(json!({"name": "web"})).await,
        Some((ErrorCode::ContainerNameTaken, "name".to_owned()))
    );
    assert_eq!(
        found(port(json!({}))).await,
        Some((ErrorCode::PortInUse, "ports[1].host".to_owned()))
    );
    // Only who may see the container that is in the way is told which one it is.
    let mut elsewhere = Access::default();
    elsewhere.add(
        vec![Verb::ImageView, Verb::ContainerCreate],
        Some(vec![a]),
        &["other/*".to_owned()],
    );
    for (access, named) in [(Access::full(), true), (elsewhere, false)] {
        let conflict = conflict(&access, port(json!({}))).await.expect("a conflict");
        assert_eq!(
            conflict.failure.message.contains("the container web"),
            named,
            "{}",
            conflict.failure
        );
    }
    assert_eq!(found(port(json!({"start": false}))).await, None);
    assert_eq!(found(port(json!({"networkMode": "host"}))).await, None);
    assert_eq!(
        found(json!({"name": "other", "ports": [{"host": 8080, "container": 80, "protocol": "udp"}]})).await,
        None
    );
    // What is stored is a moment old: it is looked at once more before anybody is refused.
    engine
        .remove_container("web", true, false)
        .await
        .expect("removed");
    assert_eq!(found(json!({"name": "web"})).await, None);
    assert_eq!(found(port(json!({}))).await, None);
}
