//! Containers on real engines: Docker's classic store (20.10 and 28), its containerd store, and Podman. The lab's
//! engines but one have no network of their own: there containers run with network `none` or `host`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use imagefleet_store::testing;
use imagefleet_tests::app::{App, Client};
use serde_json::{Value, json};

const ENGINES: [&str; 4] = ["DOCKER20", "DOCKER28", "CONTAINERD", "PODMAN"];

/// What the lab calls it; `None` without the lab.
fn lab(name: &str) -> Option<String> {
    let value = std::env::var(format!("IMAGEFLEET_LAB_{name}")).ok();
    assert!(
        value.is_some() || std::env::var_os("IMAGEFLEET_LAB_REQUIRED").is_none(),
        "IMAGEFLEET_LAB_REQUIRED is set, but IMAGEFLEET_LAB_{name} is not"
    );
    value
}

/// A name that nobody else uses.
fn own(word: &str) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock")
        .as_nanos();
    format!("{word}-{:x}", now & 0xFFFF_FFFF_FFFF)
}

/// One engine of the lab with one of its sample images.
struct Place<'a> {
    client: &'a Client<'a>,
    name: &'static str,
    server: i64,
    image: i64,
    made: std::cell::RefCell<Vec<i64>>,
}

impl<'a> Place<'a> {
    async fn new(client: &'a Client<'a>, name: &'static str, sample: &str) -> Option<Self> {
        let (endpoint, registry) = (lab(name)?, lab("REGISTRY")?);
        let added = client
            .post("/servers", json!({"name": name, "endpoint": endpoint}))
            .await;
        assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
        let server = added.body["id"].as_i64().expect("an id");
        client
            .until(&format!("/servers/{server}"), |server| {
                server["lastSyncAt"].is_string()
            })
            .await;
        let reference = format!("{registry}/{sample}");
        let pull = client
            .post(
                "/images/pull",
                json!({"reference": reference, "serverIds": [server]}),
            )
            .await;
        let pulled = client.end_of(&pull).await;
        assert_eq!(pulled["status"], "succeeded", "{name}: {pulled:#}");
        let image = pulled["steps"][0]["result"]["imageId"]
            .as_i64()
            .expect("an image");
        Some(Self {
            client,
            name,
            server,
            image,
            made: std::cell::RefCell::default(),
        })
    }

    /// The operation that creates a container; what it leaves is removed by `clean`.
    async fn create(&self, form: Value) -> Value {
        let answer = self
            .client
            .post(&format!("/images/{}/containers", self.image), form)
            .await;
        let operation = self.client.end_of(&answer).await;
        self.made
            .borrow_mut()
            .extend(operation["result"]["containerId"].as_i64());
        operation
    }

    async fn created(&self, form: Value) -> i64 {
        let operation = self.create(form).await;
        assert_eq!(operation["status"], "succeeded", "{}: {operation:#}", self.name);
        operation["result"]["containerId"].as_i64().expect("an id")
    }

    async fn fails(&self, form: Value, code: &str) -> Value {
        let operation = self.create(form).await;
        assert_eq!(operation["error"]["code"], code, "{}: {operation:#}", self.name);
        let image = self.client.get(&format!("/images/{}", self.image)).await.body;
        assert_eq!(
            (&image["status"], &image["error"]["code"]),
            (&json!("START_FAILED"), &json!(code)),
            "{}",
            self.name
        );
        operation
    }

    async fn detail(&self, id: i64) -> Value {
        self.client
            .get(&format!("/containers/{id}?reveal=true"))
            .await
            .body
    }

    async fn logs(&self, id: i64) -> String {
        let request = Request::builder().uri(format!("/api/v1/containers/{id}/logs"));
        let response = self
            .client
            .send(request.body(axum::body::Body::empty()).expect("a request"))
            .await;
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    async fn clean(&self) {
        for id in self.made.take() {
            self.client
                .delete(&format!("/containers/{id}?force=true&volumes=true"))
                .await;
        }
        let left = self
            .client
            .get(&format!(
                "/containers?serverId={}&imageId={}&size=200",
                self.server, self.image
            ))
            .await;
        assert!(left.status.is_success());
    }
}

fn sleeps(name: &str, more: Value) -> Value {
    let mut form = json!({"name": name, "networkMode": "none", "command": ["sh", "-c", "echo up; trap 'exit 0' TERM; sleep 600 & wait"]});
    form.as_object_mut()
        .expect("a form")
        .extend(more.as_object().expect("an object").clone());
    form
}

#[tokio::test]
async fn the_same_form_on_every_engine() {
    let app = App::start_real(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    for engine in ENGINES {
        let Some(place) = Place::new(&admin, engine, "demo/web:1.0").await else {
            return;
        };
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("file"), "from the server").expect("written");
        let name = own("full");
        let volume = own("vol");
        let form = sleeps(
            &name,
            json!({
                "hostname": "myhost", "env": {"A": "1=2", "EMPTY": "", "LINES": "x\ny $HOME `id`"},
                "volumes": [
                    {"source": folder.path(), "target": "/mounted", "readOnly": true}, {"source": volume, "target": "/data-own"}
                ],
                "command": ["sh", "-c", "cat /mounted/file; touch /mounted/no || echo 'read only'; touch /data-own/yes && echo written; \
                             echo \"$A|$EMPTY|$LINES\"; hostname; pwd; id -u; trap 'exit 0' TERM; sleep 600 & wait"],
                "workingDir": "/tmp", "user": "0:0", "labels": {"team.example/x": "y z"}, "memoryBytes": 67_108_864,
                "restartPolicy": {"name": "on-failure", "maximumRetryCount": 3}
            }),
        );
        let id = place.created(form).await;
        let log = place.logs(id).await;
        for line in [
            "from the server",
            "read only",
            "written",
            "1=2||x\ny $HOME `id`",
            "myhost",
            "/tmp",
            "\n0\n",
        ] {
            assert!(log.contains(line), "{engine}: {line:?} is not in {log}");
        }
        let detail = place.detail(id).await;
        assert_eq!(
            (&detail["name"], &detail["state"]),
            (&json!(name), &json!("running")),
            "{engine}: {detail:#}"
        );
        assert!(
            detail["env"].as_array().expect("env").contains(&json!("A=1=2")),
            "{engine}: {detail:#}"
        );
        assert_eq!(
            (&detail["labels"]["team.example/x"], &detail["memoryBytes"]),
            (&json!("y z"), &json!(67_108_864)),
            "{engine}"
        );
        assert_eq!(
            (&detail["restartPolicy"], &detail["hostname"]),
            (&json!("on-failure"), &json!("myhost")),
            "{engine}"
        );
        let mounts = detail["mounts"].as_array().expect("mounts");
        assert!(
            mounts
                .iter()
                .any(|mount| mount["target"] == "/mounted" && mount["readOnly"] == true)
                && mounts.iter().any(|mount| mount["source"] == json!(volume)),
            "{engine}: {mounts:?}"
        );
        assert_eq!(
            detail["imageId"],
            json!(place.image),
            "{engine}: the way back to the image"
        );
        let stats = admin.get(&format!("/containers/{id}/stats")).await;
        assert_eq!(stats.status, StatusCode::OK, "{engine}: {stats:?}");
        let pids = stats.body["pids"].as_u64().expect("a number");
        assert!(
            pids > 0 || stats.body["memoryBytes"].as_u64() > Some(0),
            "{engine}: {stats:?}"
        );
        let networks = admin
            .get(&format!("/servers/{}/networks?size=200", place.server))
            .await
            .body;
        assert!(networks["total"].as_u64() > Some(0), "{engine}: {networks}");

        for (verb, states) in [
            ("stop", ["exited", "exited"]),
            ("start", ["running", "running"]),
            ("kill", ["exited", "stopped"]),
        ] {
            let answer = admin.post(&format!("/containers/{id}/{verb}"), json!({})).await;
            let state = answer.body["state"].as_str().unwrap_or_default();
            assert!(states.contains(&state), "{engine}: {verb}: {answer:?}");
        }
        let later = place
            .created(sleeps(&own("later"), json!({"start": false})))
            .await;
        let state = place.detail(later).await["state"].clone();
        assert_eq!(state, "created", "{engine}");
        let open = place
            .created(sleeps(&own("lines"), json!({"env": many(2_000)})))
            .await;
        assert!(
            place.detail(open).await["env"].as_array().map(Vec::len) >= Some(2_000),
            "{engine}"
        );
        place.clean().await;
    }
    app.stop().await;
}

fn many(count: usize) -> Value {
    (0..count)
        .map(|n| (format!("VARIABLE_{n}"), json!(format!("value {n}"))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[tokio::test]
async fn failures_are_told_apart_on_every_engine() {
    let app = App::start_real(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    for engine in ENGINES {
        let Some(place) = Place::new(&admin, engine, "demo/api:2.3.1").await else {
            return;
        };
        let failed = place
            .fails(
                sleeps(
                    &own("nocmd"),
                    json!({"entrypoint": ["/no/such/program"], "command": []}),
                ),
                "command_not_found",
            )
            .await;
        assert_eq!(failed["result"]["created"], true, "{engine}: {failed:#}");
        // Podman makes a missing folder, whatever it is asked.
        if engine != "PODMAN" {
            place
                .fails(
                    sleeps(
                        &own("nomount"),
                        json!({"volumes": [{"source": "/no/such/folder", "target": "/x"}]}),
                    ),
                    "mount_missing",
                )
                .await;
        }
        place
            .fails(
                sleeps(&own("nonet"), json!({"networkMode": "no-such-network"})),
                "network_not_found",
            )
            .await;
        let form = json!({"entrypoint": ["sh", "-c", "echo last words; exit 3"], "command": []});
        let exited = place.fails(sleeps(&own("exits"), form), "container_exited").await;
        let message = exited["error"]["message"].as_str().expect("a sentence");
        assert!(
            message.contains("exit code 3") && message.contains("last words"),
            "{engine}: {message}"
        );
        assert_eq!(exited["result"]["exitCode"], 3, "{engine}: {exited:#}");
        let stays = place
            .detail(exited["result"]["containerId"].as_i64().expect("an id"))
            .await;
        assert_eq!(stays["exitCode"], 3, "{engine}: {stays:#}");
        let job = place
            .created(sleeps(
                &own("job"),
                json!({"entrypoint": ["true"], "command": []}),
            ))
            .await;
        // Podman says "stopped" until it has cleaned up.
        let job = admin
            .until(&format!("/containers/{job}"), |job| job["state"] == "exited")
            .await;
        assert_eq!(
            (&job["state"], &job["exitCode"]),
            (&json!("exited"), &json!(0)),
            "{engine}: {job:#}"
        );
        for (script, status) in [("exit 0", "succeeded"), ("exit 5", "failed")] {
            // Gone before it can be looked at: its end is read from the engine's events.
            let form = json!({"entrypoint": ["sh", "-c", script], "command": [], "autoRemove": true});
            let once = place.create(sleeps(&own("once"), form)).await;
            assert_eq!(once["status"], status, "{engine}: {once:#}");
            let code = script[5..].parse::<i64>().expect("a number");
            assert_eq!(once["steps"][0]["result"]["exitCode"], code, "{engine}: {once:#}");
        }
        let loops = json!({"entrypoint": ["false"], "command": [], "restartPolicy": {"name": "always"}});
        place
            .fails(sleeps(&own("loops"), loops), "container_exited")
            .await;

        // Somebody took the name by hand a moment ago.
        let taken = own("taken");
        place
            .created(sleeps(
                &taken,
                json!({"entrypoint": ["sleep", "600"], "command": []}),
            ))
            .await;
        let answer = admin
            .post(
                &format!("/images/{}/containers", place.image),
                sleeps(&taken, json!({})),
            )
            .await;
        assert_eq!(answer.code(), "container_name_taken", "{engine}: {answer:?}");
        let image = admin.get(&format!("/images/{}", place.image)).await.body;
        assert_eq!(
            (&image["status"], &image["error"]),
            (&json!("AVAILABLE"), &Value::Null),
            "{engine}: a start clears it"
        );
        place.clean().await;
    }
    app.stop().await;
}

#[tokio::test]
async fn a_published_port_answers() {
    let app = App::start_real(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let Some(place) = Place::new(&admin, "BRIDGE", "demo/web:1.0").await else {
        return;
    };
    let free = || {
        std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a port")
            .port()
    };
    let port = free();
    let form = |name: String, port: Value| json!({"name": name, "networkMode": "bridge", "ports": [port]});
    let id = place
        .created(form(
            own("web"),
            json!({"host": port, "container": 80, "hostIp": "127.0.0.1"}),
        ))
        .await;
    assert!(answers(port).await.contains("web 1.0"));
    let detail = place.detail(id).await;
    assert_eq!(
        (&detail["ports"][0]["host"], &detail["ports"][0]["hostIp"]),
        (&json!(port), &json!("127.0.0.1"))
    );
    assert_eq!(detail["networks"][0]["name"], "bridge");

    let left = place.created(form(own("any"), json!({"container": 80}))).await;
    let ports = place.detail(left).await["ports"].clone();
    let chosen = ports[0]["host"]
        .as_u64()
        .and_then(|port| u16::try_from(port).ok())
        .expect("the engine chose one");
    assert!(answers(chosen).await.contains("web 1.0"));

    let answer = admin
        .post(
            &format!("/images/{}/containers", place.image),
            form(own("again"), json!({"host": port, "container": 80})),
        )
        .await;
    assert_eq!(
        (answer.code(), answer.fields()),
        ("port_in_use", vec!["ports[0].host"]),
        "known before the engine is asked"
    );

    // A program that is no container has this one: only the engine can know.
    let other = std::net::TcpListener::bind("0.0.0.0:0").expect("a port");
    let taken = other.local_addr().expect("an address").port();
    let failed = place
        .fails(
            form(own("busy"), json!({"host": taken, "container": 80})),
            "port_in_use",
        )
        .await;
    assert_eq!(
        (&failed["result"]["created"], &failed["result"]["started"]),
        (&json!(true), &json!(false)),
        "{failed:#}"
    );
    drop(other);
    let row = failed["result"]["containerId"].as_i64().expect("an id");
    let started = admin.post(&format!("/containers/{row}/start"), json!({})).await;
    assert_eq!(
        (started.status, &started.body["state"]),
        (StatusCode::OK, &json!("running")),
        "{started:?}"
    );
    assert_eq!(
        admin.get(&format!("/images/{}", place.image)).await.body["status"],
        "AVAILABLE"
    );
    assert!(answers(taken).await.contains("web 1.0"));
    place.clean().await;
    app.stop().await;
}

async fn answers(port: u16) -> String {
    let mut last = String::new();
    for _ in 0..50 {
        match reqwest::get(format!("http://127.0.0.1:{port}/")).await {
            Ok(answer) => return answer.text().await.expect("a body"),
            Err(error) => last = error.to_string(),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("port {port} does not answer: {last}")
}
