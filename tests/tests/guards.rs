//! What guards the surfaces from outside: proxies and what they claim, TLS and cookies, first passwords, bodies without
//! end, and paths and headers that mean something else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use futures_util::stream;
use imagefleet_api::{ApiConfig, Connection};
use imagefleet_store::testing;
use imagefleet_tests::app::{App, Client, PASSWORD, everywhere};
use serde_json::{Value, json};

/// A login that comes over that connection with these headers; its cookie, and from where the program saw it come.
async fn login(app: &App, from: &str, tls: bool, headers: &[(&str, &str)]) -> (String, String, bool) {
    let body = json!({"username": "admin", "password": PASSWORD}).to_string();
    let mut request = Request::post("/api/v1/session").header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::from(body)).expect("a request");
    let address: SocketAddr = format!("{from}:1234").parse().expect("an address");
    request
        .extensions_mut()
        .insert(ConnectInfo(Connection { address, tls }));
    let answer = app.nobody().send(request).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let cookie = answer.headers()[header::SET_COOKIE]
        .to_str()
        .expect("text")
        .to_owned();
    let strict = answer.headers().contains_key(header::STRICT_TRANSPORT_SECURITY);
    let admin = app.login("admin").await;
    let lines = admin.get("/audit?action=session.login&size=2").await.body;
    let address = lines["items"][1]["address"].as_str().expect("text").to_owned();
    (cookie, address, strict)
}

#[tokio::test]
async fn a_cookie_is_secure_behind_tls_and_only_trusted_proxies_are_believed() {
    let config = ApiConfig {
        trusted_proxies: vec!["10.0.0.0/8".parse().expect("a network")],
        ..ApiConfig::default()
    };
    let app = App::start_with(testing::sqlite().await, config).await;
    let proxied = [
        ("x-forwarded-for", "1.1.1.1, 203.0.113.9"),
        ("x-forwarded-proto", "https"),
    ];
    let plain = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "http")];
    for (from, tls, headers, secure, seen) in [
        ("192.0.2.1", false, &[][..], false, "192.0.2.1"),
        ("192.0.2.1", true, &[], true, "192.0.2.1"),
        // Anybody may write these headers.
        ("192.0.2.1", false, &proxied, false, "192.0.2.1"),
        ("192.0.2.1", true, &plain, true, "192.0.2.1"),
        // What stands before the last address anybody may have written too.
        ("10.1.2.3", false, &proxied, true, "203.0.113.9"),
        ("10.1.2.3", false, &plain, false, "203.0.113.9"),
    ] {
        let (cookie, address, strict) = login(&app, from, tls, headers).await;
        assert_eq!(
            (cookie.contains("Secure"), strict, address.as_str()),
            (secure, secure, seen),
            "{from} {tls} {headers:?}: {cookie}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn a_login_gets_a_new_id_and_ends_the_one_before() {
    let app = App::start(testing::sqlite().await).await;
    let body = json!({"username": "admin", "password": PASSWORD}).to_string();
    let typed = ("content-type", "application/json");
    // An id that somebody else has put there is not taken over.
    let planted = ("cookie", "imagefleet_session=chosen-by-somebody-else");
    let nobody = app.nobody();
    let answer = nobody
        .raw("POST", "/api/v1/session", &[typed, planted], body.clone())
        .await;
    let first = answer
        .header("set-cookie")
        .split(';')
        .next()
        .expect("a cookie")
        .to_owned();
    assert!(!first.contains("chosen"));
    let answer = nobody
        .raw("POST", "/api/v1/session", &[typed, ("cookie", &first)], body)
        .await;
    let second = answer
        .header("set-cookie")
        .split(';')
        .next()
        .expect("a cookie")
        .to_owned();
    assert_ne!(first, second);
    for (cookie, status) in [(&first, 401), (&second, 200)] {
        let asked = nobody
            .raw("GET", "/api/v1/session", &[("cookie", cookie)], "")
            .await;
        assert_eq!(asked.status.as_u16(), status);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_first_password_is_changed_before_anything_else() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        let new = json!({"username": "eve", "password": PASSWORD, "mustChangePassword": true,
                         "grants": [{"role": "admin", "servers": {"all": true}, "repositories": ["*"]}]});
        assert_eq!(admin.post("/users", new).await.status, StatusCode::CREATED);
        let eve = app.login("eve").await;
        assert_eq!(eve.get("/session").await.body["user"]["mustChangePassword"], true);
        for path in ["/images", "/users", "/openapi.json", "/operations"] {
            assert_eq!(eve.get(path).await.code(), "password_change_required", "{path}");
        }
        let monitor = eve
            .raw("GET", "/api/monitor/system-soft-image/page", &[], "")
            .await;
        assert_eq!(monitor.status, StatusCode::FORBIDDEN);
        assert_eq!(
            eve.raw("GET", "/metrics", &[], "").await.status,
            StatusCode::FORBIDDEN
        );
        assert_eq!(
            eve.post("/tokens", json!({"name": "t"})).await.code(),
            "password_change_required"
        );
        let refused = eve.socket(None).await.err().expect("refused");
        assert!(refused.contains("password_change_required"), "{refused}");
        let change = json!({"currentPassword": PASSWORD, "newPassword": "another password"});
        assert_eq!(
            eve.post("/session/password", change).await.status,
            StatusCode::NO_CONTENT
        );
        let body = json!({"username": "eve", "password": "another password"});
        let again = app.nobody().post("/session", body).await;
        assert_eq!(again.body["user"]["mustChangePassword"], false);
        app.stop().await;
    }
}

/// A body of a gibibyte that is made as it is read; how much of it was.
fn endless() -> (Body, Arc<AtomicU64>) {
    let taken = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&taken);
    let chunk = Bytes::from(vec![b' '; 64 << 10]);
    let chunks = stream::iter((0..16_384).map(move |_| {
        counted.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        Ok::<_, std::io::Error>(chunk.clone())
    }));
    (Body::from_stream(chunks), taken)
}

#[tokio::test]
async fn a_gigabyte_of_json_is_refused_after_two_megabytes_everywhere() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let document = admin.get("/openapi.json").await.body;
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            let json = &operation["requestBody"]["content"]["application/json"];
            if json.is_null() {
                continue;
            }
            let path = path.replace("{id}", "1").replace("{name}", "x");
            let method = method.to_uppercase();
            for announced in [true, false] {
                for caller in [&admin, &app.nobody()] {
                    refuse(caller, &method, &path, announced).await;
                }
            }
            tried += 1;
        }
    }
    assert!(tried >= 30, "{tried} routes read JSON");
    app.stop().await;
}

async fn refuse(caller: &Client<'_>, method: &str, path: &str, announced: bool) {
    let (body, taken) = endless();
    let mut headers = vec![("content-type", "application/json")];
    if announced {
        headers.push(("content-length", "1073741824"));
    }
    let answer = caller.raw(method, path, &headers, body).await;
    assert!(
        answer.status.is_client_error(),
        "{method} {path}: {}",
        answer.status
    );
    let taken = taken.load(Ordering::Relaxed);
    let most = if announced { 0 } else { 3 << 20 };
    assert!(
        taken <= most,
        "{method} {path}: {taken} bytes were read, announced: {announced}"
    );
}

#[tokio::test]
async fn paths_and_headers_mean_what_they_say() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    for path in [
        "/api/v1/exports/..%2f..%2fsecret.key/file",
        "/api/v1/exports/%2e%2e/file",
        "/api/v1/uploads/..%2f..%2fsecret.key/archive",
        "/api/v1/operations/..%2f..",
        "/api/v1/images/1%2f..%2f..%2fusers",
        "/api/v1/users/1%00",
        "/api/v1/../../etc/passwd",
        "/api/v1//users",
        "/api/monitor/system-soft-image/..%2f..%2fv1%2fusers",
        "/assets/../../etc/passwd",
        "/assets/..%2f..%2fetc%2fpasswd",
    ] {
        let answer = admin.raw("GET", path, &[], "").await;
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {text}");
        assert!(!text.contains("root:"), "{path}");
    }
    // Nobody gets past the login by spelling a path in another way.
    for path in [
        "/api/v1//users",
        "/api//v1/users",
        "/api/./v1/users",
        "/api/v1/users/",
        "/API/v1/users",
        "/api/v1/users%2f",
        "/api;/v1/users",
    ] {
        let answer = app.nobody().raw("GET", path, &[], "").await;
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert!(!text.contains("admin"), "{path}: {} {text}", answer.status);
    }
    // Text that would break a header, a line of the log or a file of the audit is kept as text, or refused.
    let nasty = "a\r\nset-cookie: x=1\r\n.tar";
    let encoded = "YQ0Kc2V0LWNvb2tpZTogeD0xDQoudGFy";
    let headers = [
        ("tus-resumable", "1.0.0"),
        ("upload-length", "1"),
        ("upload-metadata", &format!("filename {encoded}")[..]),
    ];
    let begun = admin.raw("POST", "/api/v1/uploads", &headers, "").await;
    assert!(begun.headers.get("set-cookie").is_none());
    if begun.status == StatusCode::CREATED {
        let listed = admin.get("/uploads").await.body;
        assert_ne!(listed["items"][0]["fileName"], json!(nasty));
    }
    nul_is_nowhere().await;
    app.user("bob", vec![everywhere("viewer")]).await;
    for name in ["a\nb", "a\u{0}b", "../x", "<b>", "a b"] {
        let body = json!({"username": name, "password": PASSWORD});
        assert_eq!(
            admin.post("/users", body).await.fields(),
            ["username"],
            "{name:?}"
        );
    }
    let agent = [
        ("content-type", "application/json"),
        ("user-agent", "<script>alert(1)</script>"),
    ];
    let body = json!({"username": "bob", "password": PASSWORD}).to_string();
    let answer = app.nobody().raw("POST", "/api/v1/session", &agent, body).await;
    assert_eq!(
        answer.header("content-type"),
        "application/json",
        "it is no page, whatever is in it"
    );
    let sniffed: Value = serde_json::from_slice(&answer.bytes).expect("JSON");
    assert_eq!(sniffed["user"]["username"], "bob");
    app.stop().await;
}

/// On both databases: one of them keeps no text with it.
async fn nul_is_nowhere() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        for (method, path, body, status) in [
            (
                "POST",
                "/api/v1/images/pull",
                r#"{"reference":"a\u0000b","serverIds":[1]}"#,
                422,
            ),
            (
                "POST",
                "/api/v1/session",
                r#"{"username":"a\u0000b","password":"x"}"#,
                422,
            ),
            ("GET", "/api/v1/images?q=a%00b", "", 422),
            ("GET", "/api/v1/operations/a%00b", "", 404),
            ("DELETE", "/api/v1/roles/a%00b", "", 404),
            (
                "GET",
                "/api/monitor/system-soft-image/page?keyword=a%00b",
                "",
                422,
            ),
        ] {
            let typed = [("content-type", "application/json")];
            let answer = admin.raw(method, path, &typed, body).await;
            assert_eq!(
                answer.status.as_u16(),
                status,
                "{method} {path}: {}",
                answer.code()
            );
        }
        let refused = admin.get("/audit?outcome=failed").await.body;
        assert!(
            refused["total"].as_u64().is_some_and(|lines| lines >= 3),
            "{refused}"
        );
        app.stop().await;
    }
}

#[tokio::test]
async fn guesses_are_slowed_per_account_and_per_address() {
    let app = App::start(testing::sqlite().await).await;
    let attempt = async |name: &str, from: &str| {
        let body = json!({"username": name, "password": "wrong"}).to_string();
        let mut request = Request::post("/api/v1/session")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .expect("a request");
        let address: SocketAddr = format!("{from}:1").parse().expect("an address");
        request
            .extensions_mut()
            .insert(ConnectInfo(Connection { address, tls: false }));
        app.nobody().send(request).await.status().as_u16()
    };
    // One account from everywhere.
    for n in 0..5 {
        assert_eq!(attempt("admin", &format!("192.0.2.{n}")).await, 401);
    }
    assert_eq!(attempt("admin", "192.0.2.77").await, 429);
    // Every account from one address.
    for n in 0..20 {
        assert_eq!(attempt(&format!("user{n}"), "198.51.100.1").await, 401);
    }
    assert_eq!(attempt("another", "198.51.100.1").await, 429);
    assert_eq!(attempt("another", "198.51.100.2").await, 401);
    app.stop().await;
}
