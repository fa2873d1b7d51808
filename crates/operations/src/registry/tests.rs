use imagefleet_model::{ErrorCode, PageRequest, Registry};
use imagefleet_store::RegistryAccount;
use serde_json::json;
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{RegistryAddress, RegistryClient};

fn account(url: &str) -> RegistryAccount {
    let address = RegistryAddress::parse(url, true).expect("valid");
    RegistryAccount {
        registry: Registry {
            id: 1,
            name: "r".to_owned(),
            url: address.url,
            host: address.host,
            namespace: String::new(),
            username: None,
            has_password: false,
            ca: None,
            plain_http: true,
            step_limit: None,
            created_at: chrono::DateTime::default(),
            updated_at: chrono::DateTime::default(),
        },
        password: None,
    }
}

fn with_login(mut account: RegistryAccount, username: &str, password: &str) -> RegistryAccount {
    account.registry.username = Some(username.to_owned());
    account.password = Some(password.to_owned().into());
    account
}

async fn check(account: &RegistryAccount) -> Result<(), ErrorCode> {
    let client = RegistryClient::new(account).map_err(|failure| failure.code)?;
    let told = client.check().await.map_err(|failure| {
        assert!(!failure.message.contains("pass:word"), "{}", failure.message);
        failure.code
    });
    told.map(drop)
}

fn lab(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    assert!(
        value.is_some() || std::env::var_os("IMAGEFLEET_LAB_REQUIRED").is_none(),
        "IMAGEFLEET_LAB_REQUIRED is set, but {name} is not"
    );
    value
}

#[tokio::test]
async fn what_is_wrong_is_told_apart() {
    let server = MockServer::start().await;
    let other = |status: u16| ResponseTemplate::new(status).set_body_string("<html>hello</html>");
    assert_eq!(
        check(&account(&server.uri())).await,
        Err(ErrorCode::NotARegistry),
        "404 everywhere"
    );
    Mock::given(path("/v2/"))
        .respond_with(other(200).insert_header("content-type", "text/html"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    assert_eq!(
        check(&account(&server.uri())).await,
        Err(ErrorCode::NotARegistry),
        "a page"
    );
    Mock::given(path("/v2/"))
        .respond_with(other(503))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    assert_eq!(
        check(&account(&server.uri())).await,
        Err(ErrorCode::RegistryUnreachable)
    );
    Mock::given(path("/v2/"))
        .respond_with(other(403))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    assert_eq!(
        check(&account(&server.uri())).await,
        Err(ErrorCode::RegistryDenied)
    );
    Mock::given(path("/v2/"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({})))
        .mount(&server)
        .await;
    assert_eq!(check(&account(&server.uri())).await, Ok(()));

    let mut secure = account(&server.uri());
    secure.registry.url = secure.registry.url.replace("http://", "https://");
    assert_eq!(
        check(&secure).await,
        Err(ErrorCode::RegistryTlsFailed),
        "the other side speaks no TLS"
    );
    assert_eq!(
        check(&account("http://no-such-registry.invalid:5000")).await,
        Err(ErrorCode::RegistryNameUnresolved)
    );
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = nobody.local_addr().expect("an address").port();
    drop(nobody);
    assert_eq!(
        check(&account(&format!("http://127.0.0.1:{port}"))).await,
        Err(ErrorCode::RegistryUnreachable)
    );
    let mut forbidden = account("http://registry.test");
    forbidden.registry.plain_http = false;
    assert_eq!(
        check(&forbidden).await,
        Err(ErrorCode::RegistryTlsFailed),
        "plain HTTP is not allowed"
    );
}

#[tokio::test]
async fn what_its_clock_says_is_told() {
    let server = MockServer::start().await;
    for (date, at) in [
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
        ("yesterday", None),
    ] {
        let answer = ResponseTemplate::new(200).insert_header("date", date);
        let mock = Mock::given(path("/v2/")).respond_with(answer).up_to_n_times(1);
        mock.mount(&server).await;
        let client = RegistryClient::new(&account(&server.uri())).expect("made");
        let told = client.check().await.expect("a registry");
        assert_eq!(told.map(|date| date.timestamp()), at, "{date}");
    }
}

#[tokio::test]
async fn a_token_is_fetched_with_the_account_and_used_again() {
    let server = MockServer::start().await;
    let challenge = format!("Bearer realm=\"{}/token\",service=\"r\"", server.uri());
    Mock::given(path("/token"))
        .and(header("authorization", "Basic YW5uOnBhc3M6d29yZA=="))
        .and(query_param("service", "r"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"token": "t1"})))
        // Two scopes of the first client, one of the second: within a scope the token is used again.
        .expect(3)
        .mount(&server)
        .await;
    Mock::given(path("/token"))
        .respond_with(
            ResponseTemplate::new(401).set_body_json(json!({"details": "incorrect username or password"})),
        )
        .with_priority(9)
        .mount(&server)
        .await;
    Mock::given(path("/v2/"))
        .and(header("authorization", "Bearer t1"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    for page in ["/v2/_catalog", "/v2/more"] {
        Mock::given(path(page))
            .and(header("authorization", "Bearer t1"))
            .respond_with(if page.ends_with("more") {
                ResponseTemplate::new(200).set_body_json(json!({"repositories": ["team/b"]}))
            } else {
                ResponseTemplate::new(200)
                    .insert_header("link", "</v2/more>; rel=\"next\"")
                    .set_body_json(json!({"repositories": ["team/a", "other/a"]}))
            })
            .mount(&server)
            .await;
    }
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(401).insert_header("www-authenticate", challenge.as_str()))
        .with_priority(10)
        .mount(&server)
        .await;
    let good = with_login(account(&server.uri()), "ann", "pass:word");
    let client = RegistryClient::new(&good).expect("made");
    client.check().await.expect("it takes the account");
    let found = client
        .repositories("", PageRequest::default(), |_| true)
        .await
        .expect("listed");
    let names: Vec<_> = found
        .items
        .iter()
        .map(|repository| repository.name.as_str())
        .collect();
    assert_eq!(
        (names, found.total, found.complete),
        (vec!["other/a", "team/a", "team/b"], 3, true)
    );
    assert_eq!(
        found.items[0].full_name,
        format!("{}/other/a", good.registry.host)
    );
    let seen = client
        .repositories("/A", PageRequest::default(), |name| name.contains("/team/"))
        .await
        .expect("listed");
    assert_eq!(seen.items.len(), 1, "searched, and only what the caller may see");
    let mut below = good;
    below.registry.namespace = "team".to_owned();
    let client = RegistryClient::new(&below).expect("made");
    let page = PageRequest { page: 2, size: 1 };
    let second = client.repositories("", page, |_| true).await.expect("listed");
    assert_eq!((second.items[0].name.as_str(), second.total), ("team/b", 2));
    let wrong = with_login(account(&server.uri()), "ann", "wrong");
    assert_eq!(check(&wrong).await, Err(ErrorCode::BadCredentials));
}

#[tokio::test]
async fn docker_hub_is_searched_by_its_own_api() {
    let server = MockServer::start().await;
    Mock::given(path("/v2/search/repositories/"))
        .and(query_param("query", "redis"))
        .and(query_param("page", "2"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"count": 41, "results": [
            {"repo_name": "redis", "short_description": "Redis"}, {"repo_name": "bitnami/redis"}]})),
        )
        .mount(&server)
        .await;
    Mock::given(path("/v2/namespaces/team/repositories"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"count": 1, "results": [
            {"namespace": "team", "name": "app", "description": ""}]})),
        )
        .mount(&server)
        .await;
    let mut hub = account("https://docker.io");
    assert_eq!(hub.registry.host, "docker.io");
    let mut client = RegistryClient::new(&hub).expect("made");
    client.hub = Some(server.uri().parse().expect("a URL"));
    let page = PageRequest { page: 2, size: 20 };
    let found = client
        .repositories(" redis", page, |_| true)
        .await
        .expect("found");
    let names: Vec<_> = found
        .items
        .iter()
        .map(|item| (item.name.as_str(), item.full_name.as_str()))
        .collect();
    assert_eq!(
        (names, found.total),
        (
            vec![("library/redis", "redis"), ("bitnami/redis", "bitnami/redis")],
            41
        )
    );
    hub.registry.namespace = "team".to_owned();
    let mut client = RegistryClient::new(&hub).expect("made");
    client.hub = Some(server.uri().parse().expect("a URL"));
    let found = client
        .repositories("", PageRequest::default(), |_| true)
        .await
        .expect("found");
    assert_eq!(
        (
            found.items[0].name.as_str(),
            found.items[0].description.as_deref()
        ),
        ("team/app", None)
    );
}

#[tokio::test]
async fn harbor_is_searched_where_its_catalogue_is_closed() {
    let server = MockServer::start().await;
    Mock::given(path("/v2/_catalog"))
        .respond_with(ResponseTemplate::new(403).set_body_json(json!({"errors": [{"code": "DENIED"}]})))
        .mount(&server)
        .await;
    let client = RegistryClient::new(&account(&server.uri())).expect("made");
    let closed = client
        .repositories("app", PageRequest::default(), |_| true)
        .await
        .expect_err("closed");
    assert_eq!(closed.code, ErrorCode::RegistryDenied);
    Mock::given(path("/api/v2.0/search"))
        .and(query_param("q", "app"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"project": [], "repository": [
            {"repository_name": "team/app", "artifact_count": 3}]})),
        )
        .mount(&server)
        .await;
    let found = client
        .repositories("app", PageRequest::default(), |_| true)
        .await
        .expect("found");
    assert_eq!(found.items[0].name, "team/app");
}

#[tokio::test]
async fn a_tag_is_described_before_it_is_pulled() {
    let server = MockServer::start().await;
    let child = |size: u64| json!({"config": {"digest": "sha256:c", "size": 5}, "layers": [{"digest": "sha256:l", "size": size}]});
    Mock::given(path("/v2/team/app/tags/list"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({"name": "team/app", "tags": ["1.9", "1.10", "bad"]})),
        )
        .mount(&server)
        .await;
    Mock::given(path("/v2/team/app/manifests/1.10"))
        .respond_with(ResponseTemplate::new(200).insert_header("docker-content-digest", "sha256:index").set_body_json(json!({
            "manifests": [
                {"digest": "sha256:amd", "platform": {"os": "linux", "architecture": "amd64"}},
                {"digest": "sha256:arm", "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
                {"digest": "sha256:att", "platform": {"os": "unknown", "architecture": "unknown"}}]})))
        .mount(&server)
        .await;
    for (reference, size) in [("sha256:amd", 100), ("1.9", 50)] {
        Mock::given(path(format!("/v2/team/app/manifests/{reference}")))
            .respond_with(ResponseTemplate::new(200).set_body_json(child(size)))
            .mount(&server)
            .await;
    }
    Mock::given(path("/v2/team/app/blobs/sha256:c"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({"os": "linux", "architecture": "386", "rootfs": {}})),
        )
        .mount(&server)
        .await;
    let client = RegistryClient::new(&account(&server.uri())).expect("made");
    let page = client
        .tags("team/app", "", PageRequest::default())
        .await
        .expect("listed");
    let names: Vec<_> = page.items.iter().map(|tag| tag.name.as_str()).collect();
    assert_eq!((names, page.total), (vec!["1.10", "1.9", "bad"], 3));
    let index = &page.items[0];
    assert_eq!(
        (index.digest.as_deref(), index.size),
        (Some("sha256:index"), Some(105))
    );
    let platforms: Vec<_> = index
        .platforms
        .iter()
        .map(|it| (it.platform.as_deref(), it.size))
        .collect();
    assert_eq!(
        platforms,
        [(Some("linux/amd64"), Some(105)), (Some("linux/arm64/v8"), None)]
    );
    let single = &page.items[1];
    assert!(
        single.digest.as_deref().is_some_and(|digest| digest.len() == 71),
        "made from the bytes"
    );
    assert_eq!(single.platforms[0].platform.as_deref(), Some("linux/386"));
    assert_eq!(
        page.items[2].error.as_ref().map(|error| error.code.as_str()),
        Some("manifest_unknown")
    );
    let missing = client
        .tags("team/none", "", PageRequest::default())
        .await
        .expect_err("unknown");
    assert_eq!(missing.code, ErrorCode::ManifestUnknown);
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let server = MockServer::start().await;
    Mock::given(path("/v2/"))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(vec![b' '; 100_000]))
        .mount(&server)
        .await;
    assert_eq!(check(&account(&server.uri())).await, Err(ErrorCode::NotARegistry));
}

#[tokio::test]
async fn real_registries() {
    let (Some(plain), Some(secure), Some(private), Some(ca)) = (
        lab("IMAGEFLEET_LAB_REGISTRY"),
        lab("IMAGEFLEET_LAB_REGISTRY_TLS"),
        lab("IMAGEFLEET_LAB_REGISTRY_AUTH"),
        lab("IMAGEFLEET_LAB_TLS_CA"),
    ) else {
        return;
    };
    let open = account(&plain);
    assert_eq!(check(&open).await, Ok(()));
    let client = RegistryClient::new(&open).expect("made");
    let found = client
        .repositories("nginx", PageRequest::default(), |_| true)
        .await
        .expect("listed");
    assert_eq!(found.items[0].full_name, format!("{plain}/library/nginx"));
    let tags = client
        .tags("library/nginx", "", PageRequest::default())
        .await
        .expect("listed");
    let tag = tags.items.first().expect("a tag");
    assert!(
        tag.error.is_none() && tag.size.is_some_and(|size| size > 0),
        "{tag:?}"
    );
    assert_eq!(tag.platforms[0].platform.as_deref(), Some("linux/amd64"));
    assert!(
        tag.digest
            .as_deref()
            .is_some_and(imagefleet_model::is_sha256_digest)
    );
    let multi = client
        .tags("demo/multi", "", PageRequest::default())
        .await
        .expect("listed");
    assert!(multi.items.iter().any(|tag| tag.platforms.len() > 1), "{multi:?}");

    let mut trusted = account(&format!("https://{secure}"));
    assert_eq!(
        check(&trusted).await,
        Err(ErrorCode::RegistryTlsFailed),
        "its CA is not known"
    );
    trusted.registry.ca = Some(std::fs::read_to_string(ca).expect("the CA"));
    assert_eq!(check(&trusted).await, Ok(()));

    let mut parts = private.splitn(3, ',');
    let (host, user, password) = (
        parts.next().expect("host"),
        parts.next().expect("user"),
        parts.next().expect("password"),
    );
    assert_eq!(
        check(&account(host)).await,
        Err(ErrorCode::RegistryDenied),
        "it wants a login"
    );
    assert_eq!(
        check(&with_login(account(host), user, "wrong")).await,
        Err(ErrorCode::BadCredentials)
    );
    assert_eq!(check(&with_login(account(host), user, password)).await, Ok(()));
}
