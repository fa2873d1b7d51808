use std::net::IpAddr;
use std::time::Duration;

/// What an operator may set of the HTTP surfaces.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// A session unused for so long has ended.
    pub session_idle: Duration,
    /// A session this old has ended, however busy it is.
    pub session_lifetime: Duration,
    /// Refuse everything but changing the password while one is in place that was made up, or that its user is to
    /// change.
    pub require_password_change: bool,
    /// Proxies whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// How long lines of the audit log are kept; `None` for ever.
    pub audit_retention: Option<Duration>,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            session_idle: Duration::from_hours(12),
            session_lifetime: Duration::from_hours(7 * 24),
            require_password_change: true,
            trusted_proxies: Vec::new(),
            audit_retention: Some(Duration::from_hours(365 * 24)),
        }
    }
}

/// A range of addresses, `10.0.0.0/8` or a single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

/// Why a text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is neither an address nor a network such as 10.0.0.0/8")]
pub struct InvalidNetwork(String);

impl std::str::FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidNetwork(text.to_owned());
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| invalid())?)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        if bits > width {
            return Err(invalid());
        }
        Ok(Self { address, bits })
    }
}

impl Network {
    /// Whether the address lies in it.
    #[must_use]
    pub fn contains(self, other: IpAddr) -> bool {
        match (self.address, other.to_canonical()) {
            (IpAddr::V4(mine), IpAddr::V4(other)) => {
                let shift = 32 - self.bits;
                mine.to_bits().checked_shr(shift) == other.to_bits().checked_shr(shift)
            }
            (IpAddr::V6(mine), IpAddr::V6(other)) => {
                let shift = 128 - self.bits;
                mine.to_bits().checked_shr(shift) == other.to_bits().checked_shr(shift)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Network;

    #[test]
    fn contains_its_range_alone() {
        let inside = |network: &str, address: &str| {
            let network: Network = network.parse().expect("a network");
            network.contains(address.parse().expect("an address"))
        };
        assert!(inside("10.0.0.0/8", "10.9.8.7") && !inside("10.0.0.0/8", "11.0.0.1"));
        assert!(inside("127.0.0.1", "127.0.0.1") && !inside("127.0.0.1", "127.0.0.2"));
        assert!(inside("127.0.0.1", "::ffff:127.0.0.1"));
        assert!(inside("0.0.0.0/0", "1.2.3.4") && !inside("0.0.0.0/0", "::1"));
        assert!(inside("fd00::/8", "fd12::1") && !inside("fd00::/8", "fe80::1"));
        for bad in ["", "10.0.0.0/33", "a/8", "10.0.0.0/x"] {
            assert!(bad.parse::<Network>().is_err(), "{bad} was taken");
        }
    }
}
