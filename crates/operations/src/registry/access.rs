use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use imagefleet_model::{ErrorCode, Failure};
use reqwest::{Response, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::RegistryClient;

/// What `WWW-Authenticate` asks for (RFC 9110, section 11.6.1; Docker's token authentication).
#[derive(Debug, PartialEq, Eq)]
pub enum Challenge {
    Basic,
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

impl Challenge {
    /// The challenge of an answer; Bearer goes before Basic when both are offered.
    pub fn of(response: &Response) -> Option<Self> {
        let offered: Vec<Self> = response
            .headers()
            .get_all(header::WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| Self::parse(value.to_str().ok()?))
            .collect();
        let bearer = offered.iter().position(|challenge| *challenge != Self::Basic);
        offered.into_iter().nth(bearer.unwrap_or(0))
    }

    pub fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (mut realm, mut service, mut scope) = (None, None, None);
        for (name, value) in parameters(rest) {
            match name.to_ascii_lowercase().as_str() {
                "realm" => realm = Some(value),
                "service" => service = Some(value),
                "scope" => scope = Some(value),
                _ => {}
            }
        }
        Some(Self::Bearer {
            realm: realm?,
            service,
            scope,
        })
    }
}

/// `name="value", name=value`: commas inside quotes belong to the value (`scope="repository:a:pull,push"`).
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.push((name.trim_matches([' ', ',']).to_owned(), value.trim().to_owned()));
        rest = after;
    }
    found
}

impl RegistryClient {
    /// The `Authorization` value that answers a challenge for that scope.
    pub(super) async fn answer(&self, challenge: Challenge, scope: &str) -> Result<SecretString, Failure> {
        match challenge {
            Challenge::Basic => self.basic().ok_or_else(|| {
                Failure::new(
                    ErrorCode::RegistryDenied,
                    format!("{}: the registry asks for an account.", self.place()),
                )
            }),
            Challenge::Bearer {
                realm,
                service,
                scope: asked,
            } => {
                let scope = asked
                    .filter(|asked| !asked.is_empty())
                    .unwrap_or_else(|| scope.to_owned());
                self.token(&realm, service.as_deref(), &scope).await
            }
        }
    }

    /// `Basic` with the account.
    pub(super) fn basic(&self) -> Option<SecretString> {
        let (username, password) = (self.username.as_ref()?, self.password.as_ref()?);
        let pair = format!("{username}:{}", password.expose_secret());
        Some(format!("Basic {}", STANDARD.encode(pair)).into())
    }

    /// A token of the realm, with the account when there is one.
    async fn token(&self, realm: &str, service: Option<&str>, scope: &str) -> Result<SecretString, Failure> {
        let mut url = Url::parse(realm).map_err(|_| self.no_registry("its realm is no URL"))?;
        // The account must not leave over a worse way than the registry's own.
        if self.base.scheme() == "https" && url.scheme() != "https" {
            return Err(Failure::new(
                ErrorCode::RegistryTlsFailed,
                format!("{}: it sends logins to a place without TLS.", self.place()),
            ));
        }
        {
            let mut query = url.query_pairs_mut();
            if let Some(service) = service {
                query.append_pair("service", service);
            }
            if !scope.is_empty() {
                query.append_pair("scope", scope);
            }
            query.append_pair("client_id", "imagefleet");
        }
        let mut request = self.http.get(url);
        if let Some(basic) = self.basic() {
            request = request.header(header::AUTHORIZATION, basic.expose_secret());
        }
        let response = request.send().await.map_err(|error| self.no_answer(error))?;
        let status = response.status();
        let body = self.body(response, 1024 * 1024).await?;
        if status == StatusCode::FORBIDDEN && self.username.is_some() {
            // Token services refuse a wrong password with either of the two.
            return Err(self.refused(StatusCode::UNAUTHORIZED, None, &body));
        }
        if !status.is_success() {
            return Err(self.refused(status, None, &body));
        }
        let answer: TokenAnswer =
            serde_json::from_slice(&body).map_err(|_| self.no_registry("its realm gave no token"))?;
        let token = answer
            .token
            .or(answer.access_token)
            .filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| self.no_registry("its realm gave no token"))?;
        Ok(format!("Bearer {token}").into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Challenge;

    proptest! {
        #[test]
        fn a_written_challenge_is_read(
            realm in "https://[a-z.]{1,20}/[a-z/=&?]{0,20}", scope in "[a-z:/,]{1,30}", space in " {0,2}"
        ) {
            let header = format!("Bearer realm=\"{realm}\",{space}service=r.test,{space}scope=\"{scope}\"");
            let service = Some("r.test".to_owned());
            prop_assert_eq!(
                Challenge::parse(&header),
                Some(Challenge::Bearer { realm, service, scope: Some(scope) })
            );
        }

        #[test]
        fn anything_is_read_without_harm(header in "(Bearer |Basic )?[ -~]{0,80}|\\PC{0,40}") {
            let _ = Challenge::parse(&header);
        }
    }

    #[test]
    fn reads_challenges() {
        let header =
            r#"Bearer realm="https://auth.test/token",service="r.test",scope="repository:a/b:pull,push""#;
        assert_eq!(
            Challenge::parse(header),
            Some(Challenge::Bearer {
                realm: "https://auth.test/token".to_owned(),
                service: Some("r.test".to_owned()),
                scope: Some("repository:a/b:pull,push".to_owned()),
            })
        );
        assert_eq!(Challenge::parse("Basic realm=\"x\""), Some(Challenge::Basic));
        assert_eq!(Challenge::parse("basic"), Some(Challenge::Basic));
        for bad in ["", "Bearer", "Bearer service=\"x\"", "Negotiate", "Bearer realm"] {
            assert_eq!(Challenge::parse(bad), None, "{bad}");
        }
    }
}
