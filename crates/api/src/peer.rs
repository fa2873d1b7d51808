use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::config::Network;

/// The other end of the connection as the listener saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// Its address.
    pub address: SocketAddr,
    /// Whether the connection to us is TLS.
    pub tls: bool,
}

/// From where a request came, proxies that we trust looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The client's address.
    pub address: IpAddr,
    /// Whether the client's connection is TLS.
    pub secure: bool,
}

impl Peer {
    /// Of a request. Without a listener (tests) it is this machine.
    #[must_use]
    pub fn of(parts: &Parts, trusted: &[Network]) -> Self {
        let connection = parts
            .extensions
            .get::<ConnectInfo<Connection>>()
            .map_or_else(local, |info| info.0);
        let direct = Self {
            address: connection.address.ip().to_canonical(),
            secure: connection.tls,
        };
        if is_trusted(direct.address, trusted) {
            direct.forwarded(&parts.headers, trusted)
        } else {
            direct
        }
    }

    /// The last address of `X-Forwarded-For` that is no trusted proxy: what stands before it anybody may have
    /// written.
    fn forwarded(self, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let mut address = self.address;
        let hops = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim);
        for hop in hops.collect::<Vec<_>>().into_iter().rev() {
            let Ok(hop) = hop.parse::<IpAddr>() else { break };
            address = hop.to_canonical();
            if !is_trusted(address, trusted) {
                break;
            }
        }
        let secure = headers
            .get("x-forwarded-proto")
            .and_then(|value| value.to_str().ok())
            .map_or(self.secure, |proto| {
                proto.rsplit(',').next().unwrap_or_default().trim() == "https"
            });
        Self { address, secure }
    }
}

fn is_trusted(address: IpAddr, trusted: &[Network]) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

fn local() -> Connection {
    Connection {
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        tls: false,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::Peer;
    use crate::config::Network;

    fn peer(trusted: &[&str], forwarded: &str) -> String {
        let networks: Vec<Network> = trusted
            .iter()
            .map(|text| text.parse().expect("a network"))
            .collect();
        let request = Request::builder()
            .header("x-forwarded-for", forwarded)
            .header("x-forwarded-proto", "https")
            .body(())
            .expect("a request");
        let peer = Peer::of(&request.into_parts().0, &networks);
        format!("{} {}", peer.address, peer.secure)
    }

    #[test]
    fn believes_trusted_proxies_alone() {
        assert_eq!(peer(&[], "203.0.113.9"), "127.0.0.1 false");
        assert_eq!(peer(&["10.0.0.0/8"], "203.0.113.9"), "127.0.0.1 false");
        assert_eq!(peer(&["127.0.0.1"], "203.0.113.9"), "203.0.113.9 true");
    }

    #[test]
    fn does_not_believe_what_clients_wrote_before() {
        assert_eq!(peer(&["127.0.0.1"], "1.1.1.1, 203.0.113.9"), "203.0.113.9 true");
        assert_eq!(
            peer(&["127.0.0.1", "10.0.0.0/8"], "1.1.1.1, 203.0.113.9, 10.0.0.2"),
            "203.0.113.9 true"
        );
        assert_eq!(peer(&["127.0.0.1"], "1.1.1.1, nonsense"), "127.0.0.1 true");
    }
}
