use std::net::IpAddr;

use super::{Errors, has_control, is_name};
use crate::{ContainerPort, ContainerSpec, FieldError, PortBinding};

/// More than any container publishes; each costs the engine a rule and a process.
const MOST_PORTS: usize = 1_000;

impl PortBinding {
    /// Whether a container that publishes `port` stands in the way.
    #[must_use]
    pub fn collides(&self, port: &ContainerPort) -> bool {
        self.host.is_some()
            && self.host == port.host
            && self.protocol == port.protocol
            && overlap(self.host_ip.as_deref(), port.host_ip.as_deref())
    }
}

pub fn check(spec: &ContainerSpec, errors: &mut Errors) {
    let network = spec.network_mode.as_str();
    if !network.is_empty() && (has_control(network) || !is_name(network)) {
        errors.push(FieldError::new(
            "networkMode",
            "must be bridge, host, none or the name of a network",
        ));
    }
    if network == "none" && !spec.ports.is_empty() {
        errors.push(FieldError::new(
            "ports",
            "cannot be published without a network (networkMode none)",
        ));
    }
    if spec.ports.len() > MOST_PORTS {
        errors.push(FieldError::new("ports", format!("must be at most {MOST_PORTS}")));
        return;
    }
    for (at, port) in spec.ports.iter().enumerate() {
        check_one(at, port, errors);
        if let Some(first) = spec.ports[..at].iter().position(|other| collide(other, port)) {
            let (field, what) = match port.host {
                Some(_) => ("host", "host port"),
                None => ("container", "port"),
            };
            errors.push(FieldError::new(
                format!("ports[{at}].{field}"),
                format!("is the same {what} as that of ports[{first}]"),
            ));
        }
    }
}

fn check_one(at: usize, port: &PortBinding, errors: &mut Errors) {
    if port.container == 0 {
        errors.push(FieldError::new(
            format!("ports[{at}].container"),
            "must be from 1 to 65535",
        ));
    }
    if port.host == Some(0) {
        errors.push(FieldError::new(
            format!("ports[{at}].host"),
            "must be from 1 to 65535; leave it out for one that the engine chooses",
        ));
    }
    if let Some(address) = port.host_ip.as_deref()
        && !address.is_empty()
        && address.parse::<IpAddr>().is_err()
    {
        errors.push(FieldError::new(
            format!("ports[{at}].hostIp"),
            "must be an IP address of the server, such as 127.0.0.1",
        ));
    }
}

/// Whether both cannot be published: the same host port of one protocol on overlapping addresses, or, where the
/// engine chooses, twice the same wish.
fn collide(one: &PortBinding, other: &PortBinding) -> bool {
    if one.protocol != other.protocol || one.host != other.host {
        return false;
    }
    match one.host {
        Some(_) => overlap(one.host_ip.as_deref(), other.host_ip.as_deref()),
        None => one.container == other.container && one.host_ip == other.host_ip,
    }
}

/// No address means all; `0.0.0.0` and `::` mean all of their family.
fn overlap(one: Option<&str>, other: Option<&str>) -> bool {
    let read = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::parse::<IpAddr>);
    match (read(one), read(other)) {
        (Some(Ok(one)), Some(Ok(other))) => {
            one == other
                || (one.is_ipv4() == other.is_ipv4() && (one.is_unspecified() || other.is_unspecified()))
        }
        // Something that is no address is reported by itself.
        (Some(Err(_)), _) | (_, Some(Err(_))) => false,
        _ => true,
    }
}
