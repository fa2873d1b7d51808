//! Sessions, tokens and what guards them, through the real router.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use imagefleet_store::testing;
use imagefleet_tests::app::{App, PASSWORD, everywhere};
use serde_json::{Value, json};

const HOUR: u64 = 3600;

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_owned())).expect("a request")
}

fn login(username: &str, password: &str) -> Value {
    json!({"username": username, "password": password})
}

#[tokio::test]
async fn a_login_gives_a_cookie_that_scripts_cannot_read_and_logout_ends_it() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let answer = app.nobody().post("/session", login("Admin", PASSWORD)).await;
        assert_eq!(answer.status, StatusCode::OK, "names are met in any case");
        let cookie = answer.headers[header::SET_COOKIE].to_str().expect("text");
        assert!(cookie.starts_with("imagefleet_session=") && cookie.contains("HttpOnly"));
        assert!(
            cookie.contains("SameSite=Strict") && cookie.contains("Path=/") && !cookie.contains("Secure")
        );
        assert_eq!(answer.body["user"]["username"], "admin");
        assert_eq!(answer.body["permissions"]["image:pull"], true);

        let admin = app.login("admin").await;
        let me = admin.get("/session").await;
        assert_eq!(
            (me.status, &me.body["user"]["mustChangePassword"]),
            (StatusCode::OK, &json!(false))
        );
        assert_eq!(me.body["grants"][0]["role"], "admin");
        assert!(me.body["expiresAt"].is_string());
        assert_eq!(admin.delete("/session").await.status, StatusCode::NO_CONTENT);
        assert_eq!(
            admin.get("/session").await.status,
            StatusCode::UNAUTHORIZED,
            "a session used after logout"
        );
        assert_eq!(app.nobody().get("/session").await.code(), "unauthenticated");
        app.stop().await;
    }
}

#[tokio::test]
async fn a_session_ends_when_idle_and_when_old() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let idle = app.login("admin").await;
        app.at.pass(13 * HOUR);
        assert_eq!(idle.get("/session").await.status, StatusCode::UNAUTHORIZED);

        let busy = app.login("admin").await;
        for _ in 0..16 {
            app.at.pass(10 * HOUR);
            assert_eq!(busy.get("/session").await.status, StatusCode::OK);
        }
        app.at.pass(10 * HOUR);
        assert_eq!(
            busy.get("/session").await.status,
            StatusCode::UNAUTHORIZED,
            "older than a week"
        );
        app.stop().await;
    }
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_owner_and_by_who_manages_users() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        app.user("eve", vec![everywhere("viewer")]).await;
        let (admin, eve, phone) = (
            app.login("admin").await,
            app.login("eve").await,
            app.login("eve").await,
        );
        let own = eve.get("/sessions").await.body;
        assert_eq!(own["total"], 2);
        let current: Vec<bool> = own["items"]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| row["current"] == true)
            .collect();
        assert_eq!(current.iter().filter(|current| **current).count(), 1);
        assert_eq!(eve.get("/sessions?all=true").await.status, StatusCode::FORBIDDEN);
        let all = admin.get("/sessions?all=true").await.body;
        assert_eq!(all["total"], 3);
        let of_admin = all["items"]
            .as_array()
            .expect("rows")
            .iter()
            .find(|row| row["username"] == "admin");
        let of_admin = of_admin.and_then(|row| row["id"].as_str()).expect("an id");
        assert_eq!(
            eve.delete(&format!("/sessions/{of_admin}")).await.status,
            StatusCode::NOT_FOUND
        );
        let other = own["items"]
            .as_array()
            .expect("rows")
            .iter()
            .find(|row| row["current"] == false);
        let other = other.and_then(|row| row["id"].as_str()).expect("an id");
        assert_eq!(
            eve.delete(&format!("/sessions/{other}")).await.status,
            StatusCode::NO_CONTENT
        );
        assert_eq!(phone.get("/session").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(eve.get("/session").await.status, StatusCode::OK);
        app.stop().await;
    }
}

#[tokio::test]
async fn guessing_is_slowed_whatever_address_is_claimed() {
    let app = App::start(testing::sqlite().await).await;
    let nobody = app.nobody();
    for n in 0..5 {
        let answer = nobody.post("/session", login("admin", "wrong")).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::UNAUTHORIZED, "bad_credentials"),
            "{n}"
        );
    }
    // The brake is on, for the right password too, and no header of the client lifts it.
    let spoofed = request(
        "POST",
        "/api/v1/session",
        &[
            ("content-type", "application/json"),
            ("x-forwarded-for", "203.0.113.77"),
        ],
        &login("admin", PASSWORD).to_string(),
    );
    let answer = nobody.send(spoofed).await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
    // A thousand more are not even looked at, and do not make the wait longer.
    for _ in 0..1000 {
        let answer = nobody.post("/session", login("admin", "wrong")).await;
        assert_eq!(answer.code(), "too_many_requests");
    }
    app.at.pass(1);
    assert_eq!(
        nobody.post("/session", login("admin", PASSWORD)).await.status,
        StatusCode::OK
    );
    let unknown = nobody.post("/session", login("nobody", "wrong")).await;
    assert_eq!(
        unknown.code(),
        "bad_credentials",
        "an unknown user looks like a wrong password"
    );
    app.stop().await;
}

#[tokio::test]
async fn an_own_password_is_changed_with_the_old_one() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        let change = |old: &str, new: &str| json!({"currentPassword": old, "newPassword": new});
        let wrong = admin
            .post("/session/password", change("wrong", "another password"))
            .await;
        assert_eq!(
            (wrong.status, wrong.fields()),
            (StatusCode::UNPROCESSABLE_ENTITY, vec!["currentPassword"])
        );
        let weak = admin.post("/session/password", change(PASSWORD, "short")).await;
        assert_eq!(weak.fields(), ["newPassword"]);
        let changed = admin
            .post("/session/password", change(PASSWORD, "another password"))
            .await;
        assert_eq!(changed.status, StatusCode::NO_CONTENT);
        assert_eq!(admin.get("/session").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            app.nobody()
                .post("/session", login("admin", PASSWORD))
                .await
                .code(),
            "bad_credentials"
        );
        let again = app
            .nobody()
            .post("/session", login("admin", "another password"))
            .await;
        assert_eq!(again.status, StatusCode::OK);
        app.stop().await;
    }
}

#[tokio::test]
async fn a_token_can_do_what_its_scope_says_until_it_ends() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        let nobody = app.nobody();
        let ask = async |token: &str, method: &str, path: &str, body: &str| {
            let bearer = format!("Bearer {token}");
            let headers = [
                ("authorization", bearer.as_str()),
                ("content-type", "application/json"),
            ];
            nobody.send(request(method, path, &headers, body)).await.status()
        };
        let made = admin
            .post("/tokens", json!({"name": "ci", "verbs": ["image:view"]}))
            .await;
        assert_eq!(made.status, StatusCode::CREATED);
        let token = made.body["token"].as_str().expect("a secret").to_owned();
        assert_eq!(ask(&token, "GET", "/api/v1/images", "").await, StatusCode::OK);
        assert_eq!(ask(&token, "GET", "/metrics", "").await, StatusCode::OK);
        assert_eq!(
            ask(&token, "GET", "/api/v1/users", "").await,
            StatusCode::FORBIDDEN
        );
        assert_eq!(
            ask("ift_nonsense", "GET", "/api/v1/images", "").await,
            StatusCode::UNAUTHORIZED
        );
        // A token that makes a token gives no more than it has.
        let made = ask(
            &token,
            "POST",
            "/api/v1/tokens",
            r#"{"name":"child","verbs":["image:view","user:manage"]}"#,
        );
        assert_eq!(made.await, StatusCode::CREATED);
        let tokens = admin.get("/tokens").await.body;
        let child = tokens["items"]
            .as_array()
            .expect("rows")
            .iter()
            .find(|row| row["name"] == "child");
        assert_eq!(child.expect("the child")["verbs"], json!(["image:view"]));
        assert!(!tokens.to_string().contains(&token), "the secret is shown once");

        assert_eq!(
            admin.post("/tokens", json!({"name": "ci"})).await.code(),
            "name_taken"
        );
        let past = json!({"name": "past", "expiresAt": "2020-01-01T00:00:00Z"});
        assert_eq!(admin.post("/tokens", past).await.fields(), ["expiresAt"]);
        assert_eq!(
            admin
                .post("/tokens", json!({"name": "x", "expiresAt": "soon"}))
                .await
                .fields(),
            ["expiresAt"]
        );
        assert_eq!(
            admin.post("/tokens", json!({"name": " "})).await.fields(),
            ["name"]
        );
        let soon = app.at.store.clock().now() + chrono::Duration::hours(1);
        let made = admin
            .post("/tokens", json!({"name": "soon", "expiresAt": soon.to_rfc3339()}))
            .await;
        let short = made.body["token"].as_str().expect("a secret").to_owned();
        assert_eq!(ask(&short, "GET", "/api/v1/session", "").await, StatusCode::OK);
        app.at.pass(HOUR + 1);
        assert_eq!(
            ask(&short, "GET", "/api/v1/session", "").await,
            StatusCode::UNAUTHORIZED
        );

        let id = tokens["items"]
            .as_array()
            .expect("rows")
            .iter()
            .find(|row| row["name"] == "ci");
        let id = id.and_then(|row| row["id"].as_i64()).expect("an id");
        assert_eq!(
            admin.delete(&format!("/tokens/{id}")).await.status,
            StatusCode::NO_CONTENT
        );
        assert_eq!(
            ask(&token, "GET", "/api/v1/images", "").await,
            StatusCode::UNAUTHORIZED
        );
        app.stop().await;
    }
}

#[tokio::test]
async fn another_site_cannot_make_a_browser_act() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let sync = async |headers: &[(&str, &str)]| {
        let answer = admin
            .send(request("POST", "/api/v1/images/sync", headers, ""))
            .await;
        answer.status()
    };
    let host = ("host", "fleet.example:8080");
    // 409: there is no server, but the request was let through.
    assert_eq!(sync(&[host]).await, StatusCode::CONFLICT);
    assert_eq!(
        sync(&[host, ("origin", "http://fleet.example:8080")]).await,
        StatusCode::CONFLICT
    );
    assert_eq!(
        sync(&[host, ("origin", "https://evil.example")]).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(sync(&[host, ("origin", "null")]).await, StatusCode::FORBIDDEN);
    assert_eq!(
        sync(&[host, ("sec-fetch-site", "cross-site")]).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        sync(&[host, ("sec-fetch-site", "same-site")]).await,
        StatusCode::FORBIDDEN
    );
    let login = request(
        "POST",
        "/api/v1/session",
        &[
            host,
            ("origin", "https://evil.example"),
            ("content-type", "application/json"),
        ],
        &login("admin", PASSWORD).to_string(),
    );
    assert_eq!(
        app.nobody().send(login).await.status(),
        StatusCode::FORBIDDEN,
        "nor log it in"
    );
    let socket = request(
        "GET",
        "/socket.io/?EIO=4&transport=polling",
        &[host, ("origin", "https://evil.example")],
        "",
    );
    assert_eq!(
        admin.send(socket).await.status(),
        StatusCode::FORBIDDEN,
        "nor open a socket"
    );
    // A form of another site cannot pass for JSON, wherever it comes from.
    let form = request(
        "POST",
        "/api/v1/images/pull",
        &[host, ("content-type", "text/plain")],
        r#"{"reference":"a","serverIds":[1]}"#,
    );
    assert_eq!(admin.send(form).await.status(), StatusCode::BAD_REQUEST);
    app.stop().await;
}

#[tokio::test]
async fn every_answer_has_its_headers_and_every_error_its_form() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    for path in [
        "/",
        "/images/1",
        "/api/v1/images",
        "/api/nothing",
        "/healthz",
        "/api/docs/",
        "/api/monitor/x",
    ] {
        let answer = admin.send(request("GET", path, &[], "")).await;
        let headers = answer.headers();
        assert!(
            headers["content-security-policy"]
                .to_str()
                .expect("text")
                .contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert!(
            headers.contains_key("referrer-policy") && headers.contains_key("x-request-id"),
            "{path}"
        );
    }
    let cases = [
        ("GET", "/api/v1/nothing", "", 404, "not_found"),
        ("PUT", "/api/v1/images", "", 405, "method_not_allowed"),
        ("GET", "/api/v1/images/abc", "", 404, "not_found"),
        ("GET", "/api/v1/images/77", "", 404, "image_not_found"),
        ("GET", "/api/v1/images?page=0", "", 422, "invalid_input"),
        ("GET", "/api/v1/images?size=10000", "", 422, "invalid_input"),
        ("GET", "/api/v1/images?size=x", "", 422, "invalid_input"),
        ("GET", "/api/v1/images?status=BROKEN", "", 422, "invalid_input"),
        ("GET", "/api/v1/operations/x", "", 404, "operation_not_found"),
        ("POST", "/api/v1/images/pull", "{", 400, "invalid_body"),
        ("POST", "/api/v1/images/pull", "{}", 422, "invalid_input"),
        (
            "POST",
            "/api/v1/images/pull",
            r#"{"reference":"A B","serverIds":[1]}"#,
            422,
            "invalid_reference",
        ),
        (
            "POST",
            "/api/v1/images/pull",
            r#"{"reference":"a","serverIds":[9]}"#,
            404,
            "server_not_found",
        ),
    ];
    for (method, path, body, status, code) in cases {
        let headers = [("content-type", "application/json"), ("x-request-id", "mine-1")];
        let answer = admin.send(request(method, path, &headers, body)).await;
        assert_eq!(answer.status().as_u16(), status, "{method} {path} {body}");
        assert_eq!(
            answer.headers()["content-type"],
            "application/problem+json",
            "{method} {path}"
        );
        let bytes = answer.into_body().collect().await.expect("a body").to_bytes();
        let problem: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(
            (&problem["code"], &problem["status"]),
            (&json!(code), &json!(status)),
            "{method} {path}"
        );
        assert_eq!(problem["requestId"], "mine-1");
        assert!(problem["title"].is_string() && problem["detail"].is_string() && problem["type"].is_string());
    }
    let large = request(
        "POST",
        "/api/v1/images/pull",
        &[("content-type", "application/json")],
        &" ".repeat(3 * 1024 * 1024),
    );
    assert_eq!(admin.send(large).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let injected = request("GET", "/api/v1/images", &[("x-request-id", "a b<script>")], "");
    let answer = admin.send(injected).await;
    assert!(
        !answer.headers()["x-request-id"]
            .to_str()
            .expect("text")
            .contains('<')
    );
    app.stop().await;
}

#[tokio::test]
async fn machines_ask_without_a_login_but_not_for_metrics() {
    let app = App::start(testing::sqlite().await).await;
    let nobody = app.nobody();
    for (path, status) in [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/", 200),
        ("/servers/1", 200),
        ("/api/docs/", 200),
        ("/metrics", 401),
        ("/api/v1/openapi.json", 401),
        ("/api/nothing", 401),
        ("/assets/missing.js", 404),
    ] {
        let answer = nobody.send(request("GET", path, &[], "")).await;
        assert_eq!(answer.status().as_u16(), status, "{path}");
    }
    let posted = nobody.send(request("POST", "/", &[], "")).await;
    assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
    let monitor = nobody
        .send(request("GET", "/api/monitor/system-soft-image/page", &[], ""))
        .await;
    assert_eq!(monitor.status(), StatusCode::UNAUTHORIZED);
    let bytes = monitor.into_body().collect().await.expect("a body").to_bytes();
    let envelope: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(
        (&envelope["code"], &envelope["success"]),
        (&json!("unauthenticated"), &json!(false))
    );
    assert_eq!(
        app.nobody().call(Method::PUT, "/session", None).await.status,
        StatusCode::UNAUTHORIZED
    );
    app.stop().await;
}
