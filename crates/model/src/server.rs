use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Whether a server can be worked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServerStatus {
    /// Its engine answers.
    Online,
    /// Its engine does not answer; `statusReason` says why.
    Offline,
    /// Somebody switched it off here.
    Disabled,
}

impl ServerStatus {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Disabled => "disabled",
        }
    }

    /// The status of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Online, Self::Offline, Self::Disabled]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

/// How an engine keeps images; it decides which archives it takes and what its ids mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImageStore {
    /// Docker's graph drivers.
    Classic,
    /// Docker on containerd's content store and snapshotters.
    Containerd,
    /// containers/storage.
    Podman,
}

impl ImageStore {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Containerd => "containerd",
            Self::Podman => "podman",
        }
    }

    /// The store of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Classic, Self::Containerd, Self::Podman]
            .into_iter()
            .find(|store| store.as_str() == word)
    }
}

/// What an engine says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineInfo {
    /// `20.10.24`, `28.5.2`, …
    pub engine_version: String,
    /// The API version that was negotiated with it, `1.41`.
    pub api_version: String,
    /// How it keeps images.
    pub image_store: ImageStore,
    /// Its own platform, `linux/amd64`.
    pub platform: String,
    /// Bytes of memory of the machine, when told.
    pub memory_bytes: Option<u64>,
    /// Processors of the machine, when told.
    pub cpus: Option<u32>,
    /// The time by the machine's clock, when told.
    pub system_time: Option<crate::Timestamp>,
}

/// The way to a server's engine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A socket of this machine.
    Unix(String),
    /// Plain HTTP.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// HTTP over TLS with a client certificate.
    Tcps {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// Through SSH to the engine's socket there.
    Ssh {
        /// Login name.
        user: String,
        /// Name or address.
        host: String,
        /// Port, 22 by default.
        port: u16,
    },
}

/// Why a text is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidEndpoint(pub String);

impl Endpoint {
    /// Whether the way can be read by others: plain TCP to anything but this machine.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        match self {
            Self::Tcp { host, .. } => {
                let host = host.trim_start_matches('[').trim_end_matches(']');
                host != "localhost"
                    && !host
                        .parse::<std::net::IpAddr>()
                        .is_ok_and(|address| address.is_loopback())
            }
            _ => false,
        }
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |why: &str| {
            InvalidEndpoint(format!(
                "{why}: write unix:///path, tcp://host:port, tcps://host:port or ssh://user@host[:port]"
            ))
        };
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(invalid("contains white space"));
        }
        let (scheme, rest) = text.split_once("://").ok_or_else(|| invalid("has no scheme"))?;
        match scheme {
            "unix" if rest.len() > 108 => Err(invalid("has a socket path longer than 107 characters")),
            "unix" if rest.starts_with('/') && rest.len() > 1 => Ok(Self::Unix(rest.to_owned())),
            "unix" => Err(invalid("needs an absolute path")),
            "tcp" | "tcps" => {
                let (host, port) = host_and_port(rest, None).map_err(invalid)?;
                Ok(if scheme == "tcp" {
                    Self::Tcp { host, port }
                } else {
                    Self::Tcps { host, port }
                })
            }
            "ssh" => {
                let (user, rest) = rest.split_once('@').ok_or_else(|| invalid("needs a user"))?;
                if user.is_empty() || user.contains([':', '/', '@']) {
                    return Err(invalid(
                        "has a malformed user (a password belongs into ssh.password)",
                    ));
                }
                let (host, port) = host_and_port(rest, Some(22)).map_err(invalid)?;
                Ok(Self::Ssh {
                    user: user.to_owned(),
                    host,
                    port,
                })
            }
            _ => Err(invalid("has an unknown scheme")),
        }
    }
}

/// Both parts, or what is wrong with them.
fn host_and_port(text: &str, default_port: Option<u16>) -> Result<(String, u16), &'static str> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let (host, port) = match text.rfind(':').filter(|colon| !text[*colon..].contains(']')) {
        Some(colon) => (&text[..colon], Some(&text[colon + 1..])),
        None => (text, None),
    };
    let bracketed = host.starts_with('[')
        && host.ends_with(']')
        && host[1..host.len() - 1].parse::<std::net::Ipv6Addr>().is_ok();
    let named = !host.is_empty()
        && host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if !bracketed && !named {
        return Err("needs a host");
    }
    let port = match port {
        Some(port) => port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or("needs a port from 1 to 65535")?,
        None => default_port.ok_or("needs a port")?,
    };
    Ok((host.to_owned(), port))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{path}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Tcps { host, port } => write!(f, "tcps://{host}:{port}"),
            Self::Ssh { user, host, port } => write!(f, "ssh://{user}@{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn reads_the_four_ways() {
        for (text, printed) in [
            ("unix:///var/run/docker.sock", "unix:///var/run/docker.sock"),
            ("tcp://127.0.0.1:2375", "tcp://127.0.0.1:2375"),
            ("tcp://[::1]:2375/", "tcp://[::1]:2375"),
            ("tcps://docker.example.com:2376", "tcps://docker.example.com:2376"),
            ("ssh://root@a", "ssh://root@a:22"),
            ("ssh://root@a:2222", "ssh://root@a:2222"),
        ] {
            assert_eq!(
                text.parse::<Endpoint>().map(|e| e.to_string()),
                Ok(printed.to_owned())
            );
        }
        for bad in [
            "",
            "docker.sock",
            "unix://",
            "unix://x",
            "tcp://a",
            "tcp://a:0",
            "tcp://a:99999",
            "tcp://a:b",
            "tcp://:1",
            "tcp://a b:1",
            "http://a:1",
            "ssh://a",
            "ssh://@a",
            "ssh://a:pw@b",
            "tcp://a/b:1",
            "tcp://a:1?x",
        ] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad} was taken");
        }
        for (bad, why) in [
            ("ssh://u@h:0", "needs a port from 1 to 65535: write"),
            ("tcp://127.0.0.1:99999", "needs a port from 1 to 65535: write"),
            ("tcp://a", "needs a port: write"),
            ("tcp://:2375", "needs a host: write"),
        ] {
            let told = bad.parse::<Endpoint>().expect_err("refused").0;
            assert!(told.starts_with(why), "{bad}: {told}");
        }
    }

    #[test]
    fn plain_tcp_is_exposed_unless_local() {
        let exposed = |text: &str| text.parse::<Endpoint>().expect("valid").is_exposed();
        assert!(exposed("tcp://10.0.0.1:2375") && exposed("tcp://a:1"));
        assert!(!exposed("tcp://127.0.0.1:1") && !exposed("tcp://[::1]:1") && !exposed("tcps://a:1"));
    }
}
