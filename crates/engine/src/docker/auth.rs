use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use imagefleet_model::RegistryAuth;

/// The name under which engines know the account of Docker Hub.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// The value of `X-Registry-Auth` (Docker API, "Authentication"): base64url of a JSON object, `{}` without an account.
pub(super) fn header(auth: Option<&RegistryAuth>) -> String {
    let value = match auth {
        // The containerd store sends the account only to the host that it names.
        Some(auth) => serde_json::json!({
            "username": auth.username,
            "password": auth.password,
            "serveraddress": match auth.server_address.as_str() {
                "docker.io" | "index.docker.io" | "registry-1.docker.io" => DOCKER_HUB,
                other => other,
            },
        }),
        None => serde_json::json!({}),
    };
    URL_SAFE.encode(value.to_string())
}
