use imagefleet_model::{Mount, PortBinding, PortProtocol};

const PORT_FORM: &str = "must be a port such as 8080:80/tcp, 127.0.0.1:8080:80/udp or 80";

/// `[[address:]host:]container[/protocol]`, as `docker run --publish` takes it, one port a line.
pub fn port(line: &str) -> Result<PortBinding, String> {
    let (ports, protocol) = match line.trim().split_once('/') {
        None | Some((_, "tcp")) => (
            line.trim().split('/').next().unwrap_or_default(),
            PortProtocol::Tcp,
        ),
        Some((ports, "udp")) => (ports, PortProtocol::Udp),
        Some(_) => return Err("must end with /tcp or /udp".to_owned()),
    };
    let (rest, container) = match ports.rsplit_once(':') {
        Some((rest, container)) => (Some(rest), container),
        None => (None, ports),
    };
    let (address, host) = match rest {
        None => (None, None),
        Some(rest) => match rest.rsplit_once(':') {
            Some((address, host)) if !rest.ends_with(']') => (Some(address), Some(host)),
            _ if rest.starts_with('[') => (Some(rest), None),
            _ => (None, Some(rest)),
        },
    };
    Ok(PortBinding {
        host: host.filter(|host| !host.is_empty()).map(number).transpose()?,
        container: number(container)?,
        protocol,
        host_ip: address
            .map(|address| address.trim_start_matches('[').trim_end_matches(']').to_owned())
            .filter(|address| !address.is_empty()),
    })
}

fn number(text: &str) -> Result<u16, String> {
    if text.contains('-') && text.split('-').all(|part| part.parse::<u16>().is_ok()) {
        return Err("must be one port: write a line for each port of a range".to_owned());
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PORT_FORM.to_owned());
    }
    match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err("must have ports from 1 to 65535".to_owned()),
    }
}

/// `source:target[:ro]`.
pub fn volume(line: &str) -> Result<Mount, String> {
    let mut parts = line.trim().split(':');
    let (Some(source), Some(target), mode, None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(
            "must be /on/server:/in/container or volume:/in/container, with :ro when read-only".to_owned(),
        );
    };
    let read_only = match mode {
        None | Some("rw") => false,
        Some("ro") => true,
        Some(_) => return Err("must end with :ro or :rw, or with neither".to_owned()),
    };
    Ok(Mount {
        source: source.to_owned(),
        target: target.to_owned(),
        read_only,
    })
}

/// `K=V`; the value is taken as it is, with everything that is in it.
pub fn env(line: &str) -> Result<(String, String), String> {
    let (name, value) = line
        .split_once('=')
        .ok_or_else(|| "must be NAME=value: the equals sign is missing".to_owned())?;
    if name.is_empty() {
        return Err("must be NAME=value: the name is missing".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// `k=v`; a label may have no value.
pub fn label(line: &str) -> Result<(String, String), String> {
    let (name, value) = line.split_once('=').unwrap_or((line, ""));
    if name.trim().is_empty() {
        return Err("must be name=value: the name is missing".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}
