use imagefleet_model::ImageRef;
use imagefleet_operations::certificates;
use imagefleet_operations::registry::RegistryAddress;

use crate::FieldError;
use crate::routes::servers::step_limit;

const LONGEST: usize = 200;

/// A registry's name.
pub fn name(text: &str) -> Result<String, FieldError> {
    let name = text.trim();
    if (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        Ok(name.to_owned())
    } else {
        Err(fault("name", "must have 1 to 100 printable characters"))
    }
}

/// Its address and the host under which references know it.
pub fn address(url: &str, plain_http: bool) -> Result<(String, String), FieldError> {
    RegistryAddress::parse(url, plain_http)
        .map(|address| (address.url, address.host))
        .map_err(|error| fault(error.field, &error.message))
}

/// The namespace that its account is for, without slashes around it.
pub fn namespace(text: &str) -> Result<String, FieldError> {
    let namespace = text.trim().trim_matches('/');
    if namespace.is_empty() {
        return Ok(String::new());
    }
    // A namespace is the beginning of a repository's path.
    match ImageRef::parse(&format!("docker.io/{namespace}/x")) {
        Ok(reference) if reference.tag().is_none() && reference.digest().is_none() => {
            Ok(namespace.to_owned())
        }
        _ => Err(fault(
            "namespace",
            "must be the beginning of a repository's path, such as team or team/backend",
        )),
    }
}

/// The account; none when empty.
pub fn username(text: Option<String>) -> Result<Option<String>, FieldError> {
    let Some(username) = text
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
    else {
        return Ok(None);
    };
    // Basic authentication ends the name at the first colon (RFC 7617, section 2).
    if username.chars().count() > LONGEST || username.contains(':') || username.chars().any(char::is_control)
    {
        return Err(fault(
            "username",
            "must have at most 200 printable characters and no colon",
        ));
    }
    Ok(Some(username))
}

/// Certificates to trust; none when empty.
pub fn ca(text: Option<String>) -> Result<Option<String>, FieldError> {
    let Some(ca) = text.filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    match certificates::read(&ca) {
        Ok(_) => Ok(Some(ca)),
        Err(message) => Err(fault("ca", &message)),
    }
}

/// How many steps may use its host at once.
pub fn limit(limit: u32) -> Result<u32, FieldError> {
    step_limit(limit).map_err(|message| fault("stepLimit", &message))
}

fn fault(field: &str, message: &str) -> FieldError {
    FieldError {
        field: field.to_owned(),
        message: message.to_owned(),
    }
}
