use std::net::IpAddr;

use url::{Host, Url};

use super::HUB;

/// A registry's address as a person wrote it, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryAddress {
    /// Where its API answers, without a path: `https://registry.example.com:5000`.
    pub url: String,
    /// Host and port as references spell it.
    pub host: String,
}

/// Why a text is no registry address: which field is wrong, and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidAddress {
    /// `url` or `plainHttp`.
    pub field: &'static str,
    /// A sentence for people.
    pub message: String,
}

impl RegistryAddress {
    /// Reads `https://host[:port]`, `http://…` where that is allowed, or a bare `host[:port]`. Every name of Docker Hub
    /// is `docker.io`.
    pub fn parse(text: &str, plain_http: bool) -> Result<Self, InvalidAddress> {
        let invalid = |message: &str| InvalidAddress {
            field: "url",
            message: message.to_owned(),
        };
        let text = text.trim();
        if text.is_empty() || text.len() > 500 {
            return Err(invalid(
                "must be an address such as https://registry.example.com:5000",
            ));
        }
        let url = if text.contains("://") {
            Url::parse(text)
        } else {
            Url::parse(&format!("https://{text}")).and_then(|secure| {
                let plain = plain_http || is_local(&secure);
                if plain {
                    Url::parse(&format!("http://{text}"))
                } else {
                    Ok(secure)
                }
            })
        };
        let url = url.map_err(|_| invalid("must be an address such as https://registry.example.com:5000"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid(
                "must begin with https:// (or http:// where that is allowed)",
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid(
                "must not hold a password: there are fields for the account",
            ));
        }
        let host = url.host_str().ok_or_else(|| invalid("has no host"))?;
        if matches!(
            host,
            "docker.io"
                | "index.docker.io"
                | "registry-1.docker.io"
                | "hub.docker.com"
                | "registry.hub.docker.com"
        ) {
            return Ok(Self {
                url: format!("https://{HUB}"),
                host: HUB.to_owned(),
            });
        }
        if !matches!(url.path(), "" | "/" | "/v1/" | "/v2/" | "/v1" | "/v2") || url.query().is_some() {
            return Err(invalid(
                "must be the address of the registry alone; what follows the host belongs into namespace",
            ));
        }
        if url.scheme() == "http" && !may_be_plain(&url, plain_http) {
            return Err(InvalidAddress {
                field: "plainHttp",
                message: "must be true for an address that begins with http://: passwords and images go unprotected".to_owned(),
            });
        }
        let host = url
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Self {
            url: format!("{}://{host}", url.scheme()),
            host,
        })
    }
}

/// Plain HTTP is for registries that somebody allowed it for, and for this machine, as engines have it.
pub fn may_be_plain(url: &Url, allowed: bool) -> bool {
    allowed || is_local(url)
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::RegistryAddress;

    #[test]
    fn what_people_write() {
        for (text, plain, url, host) in [
            (
                "https://r.test:5000/",
                false,
                "https://r.test:5000",
                "r.test:5000",
            ),
            ("r.test", false, "https://r.test", "r.test"),
            ("https://r.test:443", false, "https://r.test", "r.test"),
            ("R.test:5000", true, "http://r.test:5000", "r.test:5000"),
            ("http://r.test:5000", true, "http://r.test:5000", "r.test:5000"),
            ("127.0.0.1:5000", false, "http://127.0.0.1:5000", "127.0.0.1:5000"),
            (
                "http://localhost:5000",
                false,
                "http://localhost:5000",
                "localhost:5000",
            ),
            (
                "https://index.docker.io/v1/",
                false,
                "https://docker.io",
                "docker.io",
            ),
            ("docker.io", false, "https://docker.io", "docker.io"),
            (
                "https://[::1]:5000/v2/",
                false,
                "https://[::1]:5000",
                "[::1]:5000",
            ),
        ] {
            let address =
                RegistryAddress::parse(text, plain).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(
                (address.url.as_str(), address.host.as_str()),
                (url, host),
                "{text}"
            );
        }
    }

    #[test]
    fn what_cannot_be_one() {
        for (text, field) in [
            ("", "url"),
            ("ftp://r.test", "url"),
            ("https://", "url"),
            ("https://user:pw@r.test", "url"),
            ("https://r.test/team", "url"),
            ("https://r.test/?x=1", "url"),
            ("r test", "url"),
            ("http://r.test", "plainHttp"),
        ] {
            let error = RegistryAddress::parse(text, false).expect_err(text);
            assert_eq!(error.field, field, "{text}");
            assert!(!error.message.contains("pw"));
        }
    }
}
