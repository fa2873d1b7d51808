//! Who gets what from every route: each operation of the `OpenAPI` document as each kind of caller.
//!
//! The list below is the whole of it. A route that is not in it fails the test, as does one that answers otherwise;
//! and nobody is told of what they may not see (`quagga`, the server; `zebra`, the repository).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use axum::body::Body;
use imagefleet_archive::build::docker_archive;
use imagefleet_engine::fake::FakeEngine;
use imagefleet_model::GrantServers;
use imagefleet_store::testing;
use imagefleet_tests::app::{App, Client, PASSWORD, grant};
use imagefleet_tests::archives::image;
use serde_json::{Value, json};

/// Who asks: a viewer of the server, an operator of another one, an operator of the server, one of the server for
/// other repositories only, and an admin of everything. All subjects are the admin's, on that server.
const CALLERS: [&str; 6] = ["nobody", "viewer", "elsewhere", "operator", "narrow", "admin"];

/// Method, route, and the status for each of [`CALLERS`].
type Line = (&'static str, &'static str, [u16; 6]);

#[path = "rights/list.rs"]
mod list;
use list::LIST;

/// What is asked for.
struct Ask {
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Ask {
    fn plain(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            headers: vec![],
            body: vec![],
        }
    }

    fn json(path: impl Into<String>, body: &Value) -> Self {
        Self {
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string().into_bytes(),
            ..Self::plain(path)
        }
    }

    fn tus(path: impl Into<String>, headers: &[(&'static str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned()));
        Self {
            headers: [("tus-resumable", "1.0.0".to_owned())]
                .into_iter()
                .chain(headers)
                .collect(),
            body: body.as_bytes().to_vec(),
            ..Self::plain(path)
        }
    }
}

/// The subjects, and what makes new ones.
struct World<'a> {
    app: &'a App,
    admin: Client<'a>,
    engine: FakeEngine,
    server: i64,
    third: i64,
    image: i64,
    container: i64,
    operation: String,
    export: String,
    upload: String,
    registry: i64,
    software: i64,
    user: i64,
    made: usize,
}

async fn add_server(app: &App, admin: &Client<'_>, name: &str, images: &[&str]) -> (FakeEngine, i64) {
    let engine = FakeEngine::seeded(1, 0);
    for image in images {
        engine.hold(image).expect("held");
    }
    let endpoint = format!("unix:///fake/{name}.sock");
    app.engines.put(&endpoint, engine.clone());
    let body = json!({"name": name, "endpoint": endpoint, "tags": [name]});
    let id = number(&admin.post("/servers", body).await.body["id"]);
    admin
        .until(&format!("/servers/{id}"), |server| {
            server["lastSyncAt"].is_string()
        })
        .await;
    (engine, id)
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no id"))
}

async fn image_id(admin: &Client<'_>, full_name: &str) -> i64 {
    let path = format!("/images?q={full_name}");
    let found = admin.until(&path, |page| page["total"] == 1).await;
    number(&found["items"][0]["id"])
}

fn on(id: i64) -> GrantServers {
    GrantServers {
        ids: vec![id],
        ..GrantServers::default()
    }
}

impl<'a> World<'a> {
    async fn new(app: &'a App) -> Self {
        let admin = app.login("admin").await;
        let (engine, server) = add_server(
            app,
            &admin,
            "quagga",
            &["zebra/web:1", "zebra/old:1", "team/app:1"],
        )
        .await;
        let (_, elsewhere) = add_server(app, &admin, "other", &[]).await;
        let (_, third) = add_server(app, &admin, "third", &[]).await;
        for (name, grants) in [
            ("viewer", grant("viewer", on(server), "*")),
            ("elsewhere", grant("operator", on(elsewhere), "*")),
            ("operator", grant("operator", on(server), "*")),
            ("narrow", grant("operator", on(server), "team/*")),
        ] {
            app.user(name, vec![grants]).await;
        }
        let image = image_id(&admin, "zebra/web:1").await;
        let form = json!({"name": "zebra-1"});
        let begun = admin.post(&format!("/images/{image}/containers"), form).await;
        let created = admin.end_of(&begun).await;
        let all = [image, image_id(&admin, "zebra/old:1").await];
        for images in [&all[..], &all[..1]] {
            let begun = admin.post("/images/export", json!({"imageIds": images})).await;
            admin.end_of(&begun).await;
        }
        // The same content under a name that the narrow operator sees.
        let alias = json!({"reference": "team/alias:1"});
        let begun = admin.post(&format!("/images/{image}/tag"), alias).await;
        admin.end_of(&begun).await;
        let exports = admin.get("/exports").await.body;
        let archive = docker_archive(&[
            self::image(&["zebra/in:1"], &[1], 9),
            self::image(&["zebra/in:2"], &[2], 9),
        ]);
        let upload = admin.upload(archive).await;
        let body = json!({"uploadId": upload, "serverIds": [server]});
        admin.end_of(&admin.post("/images/import", body).await).await;
        let begun = admin.delete(&format!("/images/{}", all[1])).await;
        let ended = admin.end_of(&begun).await;
        let registry = json!({"name": "r", "url": "http://127.0.0.1:1"});
        let software = json!({"name": "s", "repository": "own/s"});
        let new_user = json!({"username": "subject", "password": PASSWORD});
        Self {
            app,
            engine,
            server,
            third,
            image,
            container: number(&created["result"]["containerId"]),
            operation: ended["id"].as_str().expect("an id").to_owned(),
            export: exports["items"][0]["id"].as_str().expect("an id").to_owned(),
            upload,
            registry: number(&admin.post("/registries", registry).await.body["id"]),
            software: number(&admin.post("/software", software).await.body["id"]),
            user: number(&admin.post("/users", new_user).await.body["id"]),
            admin,
            made: 0,
        }
    }

    /// A name that nothing has.
    fn name(&mut self) -> String {
        self.made += 1;
        format!("zebra-x{}", self.made)
    }

    async fn made(&self, path: &str, body: Value) -> String {
        let made = self.admin.post(path, body).await;
        assert!(made.status.is_success(), "{path}: {made:?}");
        match &made.body["id"] {
            Value::String(id) => id.clone(),
            id => id.to_string(),
        }
    }

    /// An image that only this asking has.
    async fn fresh_image(&mut self) -> i64 {
        let name = format!("zebra/{}:1", self.name());
        self.engine.hold(&name).expect("held");
        image_id(&self.admin, &name).await
    }

    async fn fresh_container(&mut self) -> i64 {
        let (form, image) = (json!({"name": self.name()}), self.image);
        let begun = self
            .admin
            .post(&format!("/images/{image}/containers"), form)
            .await;
        number(&self.admin.end_of(&begun).await["result"]["containerId"])
    }

    /// An upload of the admin's that waits for its bytes.
    async fn fresh_upload(&self) -> String {
        let headers = [
            ("tus-resumable", "1.0.0"),
            ("upload-length", "10"),
            ("upload-metadata", "filename emVicmEudGFy"),
        ];
        let begun = self
            .admin
            .raw("POST", "/api/v1/uploads", &headers, Body::empty())
            .await;
        begun
            .header("location")
            .rsplit('/')
            .next()
            .expect("an id")
            .to_owned()
    }

    /// The request that a route is tried with: everything about it is right, but perhaps the caller.
    #[allow(clippy::match_same_arms, reason = "a list of requests, one a route")]
    async fn ask(&mut self, method: &str, route: &str) -> Ask {
        let (server, image, container) = (self.server, self.image, self.container);
        let v1 = route.strip_prefix("/api/v1");
        let monitor = route.strip_prefix("/api/monitor/system-soft-image");
        let id = |id: &dyn std::fmt::Display| route.replace("{id}", &id.to_string());
        match (method, v1.or(monitor).unwrap_or(route)) {
            ("GET", path) if !path.contains('{') => {
                let options = match path {
                    "/audit/export" => "?format=csv",
                    "/sessions" => "?all=true",
                    _ => "",
                };
                Ask::plain(format!("{route}{options}"))
            }
            // Images.
            ("GET", "/images/{id}/copy-preview") => {
                Ask::plain(format!("{}?serverIds={}", id(&image), self.third))
            }
            ("GET", path) if path.starts_with("/images/{id}") => Ask::plain(id(&image)),
            ("DELETE", "/images/{id}") => Ask::plain(id(&self.fresh_image().await)),
            ("POST", "/images/delete") => Ask::json(route, &json!({"imageIds": [self.fresh_image().await]})),
            ("POST", "/images/pull") => {
                Ask::json(route, &json!({"reference": "zebra/new:1", "serverIds": [server]}))
            }
            ("POST", "/images/sync") => Ask::json(route, &json!({"serverIds": [server]})),
            ("POST", "/images/export") => Ask::json(route, &json!({"imageIds": [image]})),
            ("POST", "/images/import") => {
                Ask::json(route, &json!({"uploadId": self.upload, "serverIds": [server]}))
            }
            ("POST", "/images/copy") => {
                Ask::json(route, &json!({"imageId": image, "serverIds": [self.third]}))
            }
            ("POST", "/images/{id}/push") => Ask::json(id(&image), &json!({})),
            ("POST", "/images/{id}/tag") => Ask::json(id(&image), &json!({"reference": "zebra/web:2"})),
            ("POST", "/images/{id}/containers") => Ask::json(id(&image), &json!({"name": self.name()})),
            // Containers.
            ("GET", "/containers/{id}/stats") => Ask::plain(format!("{}?stream=false", id(&container))),
            ("GET", path) if path.starts_with("/containers/{id}") => Ask::plain(id(&container)),
            ("POST", "/containers/batch") => {
                Ask::json(route, &json!({"ids": [container], "action": "restart"}))
            }
            ("POST", path) if path.starts_with("/containers/{id}") => {
                // Whatever was done to it before: it runs.
                self.admin
                    .post(&format!("/containers/{container}/restart"), json!({}))
                    .await;
                Ask::plain(id(&container))
            }
            ("DELETE", "/containers/{id}") => {
                Ask::plain(format!("{}?force=true", id(&self.fresh_container().await)))
            }
            // Archives.
            ("DELETE", "/exports/{id}") => {
                let begun = self
                    .admin
                    .post("/images/export", json!({"imageIds": [image]}))
                    .await;
                let ended = self.admin.end_of(&begun).await;
                let export = ended["result"]["exportId"]
                    .as_str()
                    .expect("an export")
                    .to_owned();
                Ask::plain(id(&export))
            }
            ("GET", path) if path.starts_with("/exports/{id}") => Ask::plain(id(&self.export)),
            ("POST", "/uploads") => Ask::tus(route, &[("upload-length", "10")], ""),
            ("OPTIONS", "/uploads") => Ask::plain(route),
            ("PATCH", "/uploads/{id}") => {
                let bytes = [
                    ("upload-offset", "0"),
                    ("content-type", "application/offset+octet-stream"),
                ];
                Ask::tus(id(&self.fresh_upload().await), &bytes, "x")
            }
            ("POST", "/uploads/{id}") => {
                let meant = [("x-http-method-override", "DELETE")];
                Ask::tus(id(&self.fresh_upload().await), &meant, "")
            }
            ("DELETE", "/uploads/{id}") => Ask::tus(id(&self.fresh_upload().await), &[], ""),
            ("HEAD", "/uploads/{id}") => Ask::tus(id(&self.upload), &[], ""),
            ("GET", path) if path.starts_with("/uploads/{id}") => Ask::plain(id(&self.upload)),
            // Operations.
            ("GET" | "POST", path) if path.starts_with("/operations/{id}") => Ask::plain(id(&self.operation)),
            // Servers.
            ("POST", "/servers") => Ask::json(
                route,
                &json!({"name": self.name(), "endpoint": "unix:///fake/new.sock"}),
            ),
            ("POST", "/servers/test") => Ask::json(route, &json!({"endpoint": "unix:///fake/new.sock"})),
            ("PATCH", "/servers/{id}") => Ask::json(id(&server), &json!({"description": "changed"})),
            ("DELETE", "/servers/{id}") => {
                let body = json!({"name": self.name(), "endpoint": "unix:///fake/new.sock"});
                Ask::plain(id(&self.made("/servers", body).await))
            }
            ("GET" | "POST", path) if path.starts_with("/servers/{id}") => Ask::plain(id(&server)),
            // Registries.
            ("POST", "/registries") => {
                Ask::json(route, &json!({"name": self.name(), "url": "http://127.0.0.1:1"}))
            }
            ("POST", "/registries/test") => {
                Ask::json(route, &json!({"name": "x", "url": "http://127.0.0.1:1"}))
            }
            ("PATCH", "/registries/{id}") => Ask::json(id(&self.registry), &json!({"namespace": "a"})),
            ("DELETE", "/registries/{id}") => {
                let body = json!({"name": self.name(), "url": "http://127.0.0.1:1"});
                Ask::plain(id(&self.made("/registries", body).await))
            }
            ("GET", "/registries/{id}/tags") => Ask::plain(format!("{}?repository=a/b", id(&self.registry))),
            ("GET" | "POST", path) if path.starts_with("/registries/{id}") => Ask::plain(id(&self.registry)),
            // The catalogue.
            ("POST", "/software") => {
                self.made += 1;
                Ask::json(
                    route,
                    &json!({"name": "x", "repository": format!("own/s{}", self.made)}),
                )
            }
            ("POST", "/software/import") => Ask::json(route, &json!({"version": 1, "software": []})),
            ("PATCH", "/software/{id}") => Ask::json(id(&self.software), &json!({"description": "changed"})),
            ("DELETE", "/software/{id}") => {
                self.made += 1;
                let body = json!({"name": "x", "repository": format!("own/s{}", self.made)});
                Ask::plain(id(&self.made("/software", body).await))
            }
            ("GET", "/software/{id}") => Ask::plain(id(&self.software)),
            // Users, roles, sessions, tokens.
            ("POST", "/users") => Ask::json(route, &json!({"username": self.name(), "password": PASSWORD})),
            ("PATCH", "/users/{id}") => Ask::json(id(&self.user), &json!({"disabled": true})),
            ("DELETE", "/users/{id}") => {
                let body = json!({"username": self.name(), "password": PASSWORD});
                Ask::plain(id(&self.made("/users", body).await))
            }
            ("GET", "/users/{id}") => Ask::plain(id(&self.user)),
            ("POST", "/roles") => Ask::json(route, &json!({"name": self.name(), "verbs": ["image:view"]})),
            ("PATCH" | "DELETE", "/roles/{name}") => {
                let name = self.name();
                let role = json!({"name": name, "verbs": []});
                assert!(self.admin.post("/roles", role).await.status.is_success());
                Ask::json(route.replace("{name}", &name), &json!({"verbs": ["image:view"]}))
            }
            ("POST", "/session") => Ask::json(route, &json!({"username": "viewer", "password": PASSWORD})),
            ("DELETE", "/session") => Ask::plain(route),
            ("POST", "/session/password") => Ask::json(
                route,
                &json!({"currentPassword": PASSWORD, "newPassword": "short"}),
            ),
            ("DELETE", "/sessions/{id}") => {
                let another = self.app.login("admin").await;
                let open = another.get("/sessions").await.body;
                let current = open["items"].as_array().into_iter().flatten();
                let current = current.into_iter().find(|session| session["current"] == true);
                let session = current.and_then(|session| session["id"].as_str()).expect("an id");
                Ask::plain(id(&session))
            }
            ("POST", "/tokens") => Ask::json(route, &json!({"name": self.name()})),
            ("DELETE", "/tokens/{id}") => {
                let body = json!({"name": self.name()});
                Ask::plain(id(&self.made("/tokens", body).await))
            }
            // The Monitor API.
            ("GET", "/{id}") => Ask::plain(id(&image)),
            ("POST", "/pull") => Ask::json(
                route,
                &json!({"serverId": server, "imageName": "zebra/new", "imageTag": "2"}),
            ),
            ("POST", "/{id}/start") => Ask::json(id(&image), &json!({"containerName": self.name()})),
            ("DELETE", "/{id}/image") => Ask::plain(id(&self.fresh_image().await)),
            ("POST", "/export") => Ask::json(route, &json!({"imageIds": [image]})),
            ("POST", "/sync") => Ask::json(route, &json!({"serverIds": [server]})),
            ("POST", "/import") => {
                let archive = docker_archive(&[self::image(&["zebra/in:3"], &[3], 9)]);
                let mut body = format!(
                    "--X\r\ncontent-disposition: form-data; name=\"serverId\"\r\n\r\n{server}\r\n--X\r\n\
                     content-disposition: form-data; name=\"file\"; filename=\"zebra.tar\"\r\n\r\n"
                )
                .into_bytes();
                body.extend_from_slice(&archive);
                body.extend_from_slice(b"\r\n--X--\r\n");
                Ask {
                    headers: vec![("content-type", "multipart/form-data; boundary=X".to_owned())],
                    body,
                    ..Ask::plain(route)
                }
            }
            _ => panic!("{method} {route} is new: say here how to ask it, and in rights/list.rs who may"),
        }
    }
}

#[tokio::test]
async fn every_route_as_every_caller() {
    let app = App::start(testing::sqlite().await).await;
    let mut world = World::new(&app).await;
    let document = world.admin.get("/openapi.json").await.body;
    let served: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flat_map(serde_json::Map::keys);
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let listed: BTreeSet<(String, String)> = LIST
        .iter()
        .filter(|(_, path, _)| path.starts_with("/api/") && *path != "/api/docs/")
        .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    assert_eq!(served, listed, "left: the document, right: the list of this test");

    let mut callers = vec![app.nobody()];
    for name in &CALLERS[1..] {
        callers.push(app.login(name).await);
    }
    let mut table = format!(
        "{:<58}{}\n",
        "route",
        CALLERS.map(|name| format!("{name:>11}")).concat()
    );
    let mut wrong = Vec::new();
    for (method, route, expected) in LIST {
        let _ = write!(table, "{:<58}", format!("{method} {route}"));
        for (n, name) in CALLERS.iter().enumerate() {
            let ask = world.ask(method, route).await;
            // What ends the session that asks is asked with one that is not needed any more.
            let apart = if *method != "GET" && *route == "/api/v1/session" && n > 0 {
                Some(app.login(name).await)
            } else {
                None
            };
            let caller = apart.as_ref().unwrap_or(&callers[n]);
            let headers: Vec<(&str, &str)> = ask.headers.iter().map(|(k, v)| (*k, v.as_str())).collect();
            let told = String::from_utf8_lossy(&ask.body).contains("zebra") || ask.path.contains("zebra");
            let answer = caller.raw(method, &ask.path, &headers, ask.body).await;
            let status = answer.status.as_u16();
            let _ = write!(table, "{status:>11}");
            if status != expected[n] {
                wrong.push(format!(
                    "{method} {route} as {name}: {status}, expected {}",
                    expected[n]
                ));
            }
            let text = format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.bytes));
            let hidden: &[&str] = match *name {
                "nobody" | "elsewhere" => &["zebra", "quagga"],
                "narrow" => &["zebra"],
                _ => &[],
            };
            for word in hidden {
                if text.contains(word) && !(told && *word == "zebra") {
                    wrong.push(format!("{method} {route} tells {name} of {word}: {text}"));
                }
            }
        }
        table.push('\n');
    }
    println!("{table}");
    // The same content under a name that they see does not tell of the other name, but that it is used.
    let alias = image_id(&world.admin, "team/alias:1").await;
    let narrow = callers.iter().zip(CALLERS).find(|(_, name)| *name == "narrow");
    let (narrow, _) = narrow.expect("one of them");
    let seen = narrow.get(&format!("/images/{alias}")).await.body;
    // (The content's own label is content.)
    assert_eq!(seen["engine"]["repoTags"], json!(["team/alias:1"]), "{seen:#}");
    assert_eq!(seen["containers"], json!([]), "{seen:#}");
    let users = seen["usedBy"].as_array().expect("names");
    assert!(
        !users.is_empty() && users.iter().all(|name| name == "(hidden)"),
        "{users:?}"
    );
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    app.stop().await;
}
