use imagefleet_model::{ContainerPort, PortBinding};

/// What to say of ports that were asked for and that the running container does not have: an engine without a bridge
/// takes them and publishes nothing.
pub fn unpublished(wanted: &[PortBinding], there: &[ContainerPort]) -> Vec<String> {
    wanted
        .iter()
        .filter(|port| {
            !there.iter().any(|published| {
                published.container == port.container
                    && published.protocol == port.protocol
                    && published.host.is_some()
            })
        })
        .map(|port| {
            format!(
                "The engine did not publish port {}/{}: check the network of the container and the bridge of the server.",
                port.container,
                port.protocol.as_str()
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use imagefleet_model::{ContainerPort, PortBinding, PortProtocol};

    use super::unpublished;

    #[test]
    fn ports_that_are_missing_are_told() {
        let wanted = |container, protocol| PortBinding {
            host: Some(8080),
            container,
            protocol,
            host_ip: None,
        };
        let there = |host| ContainerPort {
            container: 80,
            host,
            host_ip: None,
            protocol: PortProtocol::Tcp,
        };
        let both = [wanted(80, PortProtocol::Tcp), wanted(53, PortProtocol::Udp)];
        let said = unpublished(&both, &[there(Some(8080))]);
        assert!(said.len() == 1 && said[0].contains("53/udp"), "{said:?}");
        assert_eq!(
            unpublished(&both[..1], &[there(Some(8080))]),
            Vec::<String>::new()
        );
        // Exposed by the image, and not published.
        assert_eq!(unpublished(&both[..1], &[there(None)]).len(), 1);
        assert_eq!(unpublished(&both, &[]).len(), 2);
    }
}
