use std::time::Duration;

use hyper::StatusCode;
use imagefleet_model::ErrorCode;
use rstest::rstest;

use super::{Topic, refused, reported};

#[rstest]
#[case(
    "manifest for 127.0.0.1:5000/x:y not found: manifest unknown: manifest unknown",
    ErrorCode::ManifestUnknown
)]
#[case("repository demo/none not found: name unknown", ErrorCode::ManifestUnknown)]
#[case(
    "failed to resolve reference \"127.0.0.1:5000/x:y\": 127.0.0.1:5000/x:y: not found",
    ErrorCode::ManifestUnknown
)]
#[case(
    "pull access denied for x, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    ErrorCode::RegistryDenied
)]
#[case(
    "Head \"https://r/v2/a/manifests/b\": unauthorized: authentication required",
    ErrorCode::RegistryDenied
)]
#[case("unexpected status: 401 Unauthorized", ErrorCode::RegistryDenied)]
#[case(
    "Get \"https://r:1/v2/\": dial tcp 10.0.0.1:1: connect: connection refused",
    ErrorCode::RegistryUnreachable
)]
#[case(
    "Get \"https://r/v2/\": dial tcp 10.0.0.1:443: i/o timeout",
    ErrorCode::RegistryUnreachable
)]
#[case(
    "Get \"https://r/v2/\": net/http: TLS handshake timeout",
    ErrorCode::RegistryUnreachable
)]
#[case(
    "Get \"https://r/v2/\": dial tcp: lookup r on 10.0.0.2:53: no such host",
    ErrorCode::RegistryNameUnresolved
)]
#[case(
    "dial tcp: lookup r on 10.0.0.2:53: read udp 1:2->3:53: i/o timeout",
    ErrorCode::RegistryNameUnresolved
)]
#[case(
    "Get \"https://r/v2/\": x509: certificate signed by unknown authority",
    ErrorCode::RegistryTlsFailed
)]
#[case(
    "Get \"https://r/v2/\": http: server gave HTTP response to HTTPS client",
    ErrorCode::RegistryTlsFailed
)]
#[case(
    "toomanyrequests: You have reached your pull rate limit. You may increase the limit",
    ErrorCode::RateLimited
)]
#[case("write /var/lib/docker/tmp/x: no space left on device", ErrorCode::DiskFull)]
#[case(
    "no matching manifest for linux/arm64/v8 in the manifest list entries",
    ErrorCode::PlatformMismatch
)]
#[case("no match for platform in manifest: not found", ErrorCode::PlatformMismatch)]
#[case("something nobody has seen", ErrorCode::EngineError)]
fn words_of_a_pull(#[case] words: &str, #[case] code: ErrorCode) {
    assert_eq!(reported(Topic::Registry, words).code, code);
}

#[rstest]
#[case(Topic::Image, 404, "No such image: x:y", ErrorCode::ImageNotFound)]
#[case(
    Topic::Image,
    409,
    "conflict: unable to remove repository reference \"a:1\" (must force) - container 1 is using its referenced image 2",
    ErrorCode::ImageInUse
)]
#[case(
    Topic::Image,
    409,
    "conflict: unable to delete 1 (cannot be forced) - image has dependent child images",
    ErrorCode::ImageHasDependents
)]
#[case(
    Topic::Image,
    409,
    "conflict: unable to delete 1 (must be forced) - image is referenced in multiple repositories",
    ErrorCode::ImageHasDependents
)]
#[case(
    Topic::Container,
    409,
    "Conflict. The container name \"/web\" is already in use by container \"1\".",
    ErrorCode::ContainerNameTaken
)]
#[case(
    Topic::Container,
    500,
    "driver failed programming external connectivity on endpoint web: Bind for 0.0.0.0:80 failed: port is already allocated",
    ErrorCode::PortInUse
)]
#[case(
    Topic::Container,
    500,
    "error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use",
    ErrorCode::PortInUse
)]
#[case(
    Topic::Container,
    400,
    "invalid mount config for type \"bind\": bind source path does not exist: /nope",
    ErrorCode::MountMissing
)]
#[case(
    Topic::Container,
    400,
    "failed to create task: OCI runtime create failed: exec: \"nope\": executable file not found in $PATH: unknown",
    ErrorCode::CommandNotFound
)]
#[case(Topic::Container, 404, "network nope not found", ErrorCode::NetworkNotFound)]
#[case(Topic::Container, 404, "No such image: x:y", ErrorCode::ImageNotFound)]
#[case(Topic::Container, 404, "No such container: x", ErrorCode::ContainerNotFound)]
#[case(Topic::Container, 409, "Container 1 is not running", ErrorCode::Conflict)]
#[case(
    Topic::Registry,
    404,
    "pull access denied for x, may require 'docker login'",
    ErrorCode::RegistryDenied
)]
#[case(Topic::Registry, 404, "", ErrorCode::ManifestUnknown)]
#[case(Topic::Engine, 418, "", ErrorCode::EngineError)]
fn words_of_an_answer(
    #[case] topic: Topic,
    #[case] status: u16,
    #[case] words: &str,
    #[case] code: ErrorCode,
) {
    let body = serde_json::json!({ "message": words }).to_string();
    let status = StatusCode::from_u16(status).expect("a status");
    assert_eq!(refused(topic, status, None, body.as_bytes()).code, code);
}

#[test]
fn passing_failures_say_when() {
    let limited = reported(
        Topic::Registry,
        "toomanyrequests: retry-after: 1500ms, allowed: 1/minute",
    );
    assert_eq!(limited.retry_after, Some(Duration::from_millis(1_500)));
    let eof = reported(Topic::Registry, "Get \"https://r/v2/\": EOF");
    assert_eq!(eof.retry_after, Some(Duration::ZERO));
    assert_eq!(reported(Topic::Registry, "manifest unknown").retry_after, None);
    let told = refused(
        Topic::Engine,
        StatusCode::SERVICE_UNAVAILABLE,
        Some(Duration::from_secs(7)),
        b"busy",
    );
    assert_eq!(told.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(
        refused(Topic::Engine, StatusCode::INTERNAL_SERVER_ERROR, None, b"").retry_after,
        Some(Duration::ZERO)
    );
}

#[test]
fn the_engines_words_stay_and_secrets_go() {
    let failure = reported(
        Topic::Registry,
        "Get \"https://ana:hunter2@r/v2/\": connection refused",
    );
    assert_eq!(failure.message, "Get \"https://***@r/v2/\": connection refused");
    let podman = refused(
        Topic::Engine,
        StatusCode::INTERNAL_SERVER_ERROR,
        None,
        br#"{"cause":"why","message":"what","response":500}"#,
    );
    assert_eq!(podman.message, "what: why");
}
