use imagefleet_model::{Failure, Timestamp};
use reqwest::{StatusCode, header};

use super::RegistryClient;

impl RegistryClient {
    /// Whether a registry answers there and takes this account; the failure tells what is wrong: the name, the way,
    /// TLS, the login, the rights, or that it is something else (OCI distribution specification, "Determining Support").
    /// What its clock says, where its answer tells.
    pub async fn check(&self) -> Result<Option<Timestamp>, Failure> {
        let response = self.get("/v2/", "application/json", "").await?;
        let status = response.status();
        let says_so = response
            .headers()
            .get("docker-distribution-api-version")
            .is_some_and(|value| value.as_bytes().starts_with(b"registry/2"));
        let html = response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
        let date = response.headers().get(header::DATE).and_then(|value| {
            let date = chrono::DateTime::parse_from_rfc2822(value.to_str().ok()?);
            Some(date.ok()?.to_utc())
        });
        let body = self.body(response, 64 * 1024).await?;
        if status == StatusCode::FORBIDDEN
            || status == StatusCode::TOO_MANY_REQUESTS
            || status.is_server_error()
        {
            return Err(self.refused(status, None, &body));
        }
        let looks_so = body.iter().all(u8::is_ascii_whitespace)
            || (!html && serde_json::from_slice::<serde_json::Value>(&body).is_ok());
        if !status.is_success() || !(says_so || looks_so) {
            return Err(self.no_registry(&format!("it answered {status}")));
        }
        Ok(date)
    }
}
