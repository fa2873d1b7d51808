use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// Where a name without a registry points.
const DEFAULT_REGISTRY: &str = "docker.io";
/// The name that Docker's first commands gave to the default registry.
const OLD_DEFAULT_REGISTRY: &str = "index.docker.io";
/// Where a name without a namespace lives on the default registry.
const DEFAULT_NAMESPACE: &str = "library/";

/// A reference to an image, `[registry/]repository[:tag][@digest]` (OCI distribution specification, "Pulling
/// manifests"), in Docker's terms: a missing registry is Docker Hub, a missing namespace there is `library`.
///
/// The *familiar* form drops these defaults again: it is what `docker images` shows and what people search for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageRef {
    registry: String,
    path: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// Why a text is no reference. The sentence is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidReference(pub String);

impl ImageRef {
    /// Reads a reference. A tag is never invented: see [`ImageRef::with_default_tag`].
    pub fn parse(text: &str) -> Result<Self, InvalidReference> {
        let invalid =
            |why: &str| InvalidReference(format!("\"{}\" is not an image reference: {why}", shown(text)));
        if text.is_empty() {
            return Err(invalid("it is empty"));
        }
        if text.contains("://") {
            return Err(invalid("leave out the scheme (https://)"));
        }
        if let Some(bad) = text.chars().find(|c| c.is_whitespace() || c.is_control()) {
            return Err(invalid(&format!("it contains the character {bad:?}")));
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) if is_sha256_digest(digest) => (name, Some(digest.to_owned())),
            Some(_) => {
                return Err(invalid(
                    "what follows the @ must be sha256: and 64 hexadecimal digits",
                ));
            }
            None => (text, None),
        };
        // A colon after the last slash begins the tag; one before it belongs to the registry's port.
        let colon = name
            .rfind(':')
            .filter(|colon| name.rfind('/').is_none_or(|slash| *colon > slash));
        let (name, tag) = match colon {
            Some(colon) if is_tag(&name[colon + 1..]) => (&name[..colon], Some(name[colon + 1..].to_owned())),
            Some(_) => {
                return Err(invalid(
                    "a tag is 1 to 128 letters, digits, _, . or -, and begins with none of . and -",
                ));
            }
            None => (name, None),
        };
        if name.is_empty() {
            return Err(invalid("the repository is missing"));
        }
        if name[name.rfind('/').map_or(0, |slash| slash + 1)..].contains(':') {
            return Err(invalid("it has two tags"));
        }
        if is_hexadecimal_id(name) || is_sha256_digest(text) {
            return Err(invalid("64 hexadecimal digits are an image id, not a name"));
        }
        let (registry, path) = split_registry(name);
        if !is_path(&path) || !is_registry(registry) && !is_path(name) {
            return Err(if name.chars().any(|c| c.is_ascii_uppercase()) {
                invalid("a repository is written in small letters")
            } else {
                invalid(
                    "a repository has small letters, digits and the separators . _ - /, and ends with none of them",
                )
            });
        }
        Ok(Self {
            registry: registry.to_owned(),
            path: path.into_owned(),
            tag,
            digest,
        })
    }

    /// The same reference, with the tag `latest` when it has neither tag nor digest, as every Docker command does.
    #[must_use]
    pub fn with_default_tag(mut self) -> Self {
        if self.tag.is_none() && self.digest.is_none() {
            self.tag = Some("latest".to_owned());
        }
        self
    }

    /// The same repository under another tag, without a digest.
    pub fn with_tag(&self, tag: &str) -> Result<Self, InvalidReference> {
        if !is_tag(tag) {
            return Err(InvalidReference(format!("\"{}\" is not a tag", shown(tag))));
        }
        Ok(Self {
            registry: self.registry.clone(),
            path: self.path.clone(),
            tag: Some(tag.to_owned()),
            digest: None,
        })
    }

    /// Host and port of the registry; `docker.io` for Docker Hub.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository within its registry, in full: `library/nginx`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tag, when there is one.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// `sha256:…`, when there is one.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The familiar repository: `nginx`, `bitnami/redis`, `127.0.0.1:5000/ns/app`.
    #[must_use]
    pub fn repository(&self) -> String {
        if self.registry == DEFAULT_REGISTRY {
            let path = self
                .path
                .strip_prefix(DEFAULT_NAMESPACE)
                .filter(|rest| !rest.contains('/'));
            path.unwrap_or(&self.path).to_owned()
        } else {
            format!("{}/{}", self.registry, self.path)
        }
    }

    /// The canonical repository, always with registry and namespace: `docker.io/library/nginx`.
    #[must_use]
    pub fn canonical_repository(&self) -> String {
        format!("{}/{}", self.registry, self.path)
    }
}

/// The familiar form, `nginx:1.27` or `nginx@sha256:…`.
impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository())?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl FromStr for ImageRef {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Whether `text` is `sha256:` and 64 small hexadecimal digits (OCI image specification, "Digests").
#[must_use]
pub fn is_sha256_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(is_hexadecimal_id)
}

fn is_hexadecimal_id(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// `[\w][\w.-]{0,127}` (OCI distribution specification).
fn is_tag(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
        && !text.starts_with(['.', '-'])
}

/// What of a name is the registry and what the path in it: what stands before the first slash is a registry when it could be a
/// host and no namespace, as every engine reads it.
fn split_registry(name: &str) -> (&str, Cow<'_, str>) {
    let (registry, path) = match name.split_once('/') {
        Some((OLD_DEFAULT_REGISTRY, rest)) => (DEFAULT_REGISTRY, rest),
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
        _ => (DEFAULT_REGISTRY, name),
    };
    if registry == DEFAULT_REGISTRY && !path.contains('/') {
        (registry, format!("{DEFAULT_NAMESPACE}{path}").into())
    } else {
        (registry, path.into())
    }
}

/// A host name or an address, with or without a port: parts of letters, digits and inner `-` between dots, or an IPv6 address
/// in brackets.
fn is_registry(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => host.split('.').all(|part| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !part.starts_with('-')
                && !part.ends_with('-')
        }),
    };
    is_host && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` a component (OCI distribution specification).
fn is_path(path: &str) -> bool {
    path.len() <= 255
        && path.split('/').all(|component| {
            let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            component.starts_with(alphanumeric)
                && component.ends_with(alphanumeric)
                && component.split(alphanumeric).all(|separator| {
                    matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-')
                })
        })
}

/// What is echoed back of a bad text: enough to know it again, never a screenful.
fn shown(text: &str) -> String {
    if text.chars().count() <= 120 {
        text.to_owned()
    } else {
        text.chars().take(120).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use oci_spec::distribution::Reference;
    use proptest::prelude::*;

    use super::ImageRef;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn familiar_and_canonical() {
        for (text, repository, canonical, tag) in [
            ("nginx", "nginx", "docker.io/library/nginx", None),
            ("nginx:1.27", "nginx", "docker.io/library/nginx", Some("1.27")),
            (
                "docker.io/library/nginx:1",
                "nginx",
                "docker.io/library/nginx",
                Some("1"),
            ),
            (
                "index.docker.io/bitnami/redis:7",
                "bitnami/redis",
                "docker.io/bitnami/redis",
                Some("7"),
            ),
            (
                "127.0.0.1:5000/ns/app:1.2",
                "127.0.0.1:5000/ns/app",
                "127.0.0.1:5000/ns/app",
                Some("1.2"),
            ),
            ("host:5000/a", "host:5000/a", "host:5000/a", None),
            ("localhost/a:b", "localhost/a", "localhost/a", Some("b")),
            ("ghcr.io/a/b/c:v1", "ghcr.io/a/b/c", "ghcr.io/a/b/c", Some("v1")),
            ("[::1]:5000/a:b", "[::1]:5000/a", "[::1]:5000/a", Some("b")),
            ("[fd00::7]/a", "[fd00::7]/a", "[fd00::7]/a", None),
        ] {
            let parsed = ImageRef::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(parsed.repository(), repository, "{text}");
            assert_eq!(parsed.canonical_repository(), canonical, "{text}");
            assert_eq!(parsed.tag(), tag, "{text}");
        }
    }

    #[test]
    fn digest_and_default_tag() {
        let pinned = ImageRef::parse(&format!("nginx:1@{DIGEST}")).expect("valid");
        assert_eq!((pinned.tag(), pinned.digest()), (Some("1"), Some(DIGEST)));
        assert_eq!(pinned.to_string(), format!("nginx:1@{DIGEST}"));
        let pinned = ImageRef::parse(&format!("nginx@{DIGEST}"))
            .expect("valid")
            .with_default_tag();
        assert_eq!(pinned.tag(), None);
        assert_eq!(
            ImageRef::parse("a/b")
                .expect("valid")
                .with_default_tag()
                .to_string(),
            "a/b:latest"
        );
    }

    #[test]
    fn refuses_what_no_engine_takes() {
        let long_tag = format!("a:{}", "t".repeat(129));
        for bad in [
            "",
            " ",
            ":",
            "nginx:",
            ":1",
            "@",
            "Nginx",
            "a/B:1",
            "a b",
            "a\n",
            "https://a/b",
            "a@sha256:12",
            "a@md5:x",
            "a:-x",
            "a:b:c",
            "-a",
            "a//b",
            "a/",
            "/a",
            "a:b/c d",
            "host:port/a",
            "host:/a",
            "-host.io/a",
            "host..io/a",
            "[::1/a",
            "[::1]x/a",
            "[nginx]:5000/a",
            "[::1]",
            "x'; DROP TABLE images;--",
            "<b>x</b>",
            &long_tag,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            DIGEST,
        ] {
            assert!(ImageRef::parse(bad).is_err(), "{bad:?} was taken");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_round_trips(text in "[a-zA-Z0-9:/@._ -]{0,60}") {
            if let Ok(parsed) = ImageRef::parse(&text) {
                prop_assert_eq!(ImageRef::parse(&parsed.to_string()), Ok(parsed.clone()));
                prop_assert_eq!(
                    ImageRef::parse(&parsed.canonical_repository()).map(|r| r.repository()), Ok(parsed.repository())
                );
                // As every engine and every command would write it.
                prop_assert!(parsed.path().len() <= 255 && !parsed.path().contains("//"));
                prop_assert!(parsed.tag().is_none_or(|tag| parsed.with_tag(tag).is_ok()));
            }
        }

        /// The specification's own library reads names as we do. What it takes and we do not is what no engine takes: it lets a
        /// part of a name fit.
        #[test]
        fn reads_names_as_the_specification_does(name in "([a-zA-Z0-9._-]{1,10}(:[0-9]{1,5})?/)?[a-z0-9._/-]{1,20}") {
            let theirs = Reference::from_str(&name).ok().filter(|theirs| super::is_path(theirs.repository()));
            let ours = ImageRef::parse(&name).ok();
            prop_assert_eq!(
                ours.as_ref().map(|ours| (ours.registry(), ours.path())),
                theirs.as_ref().map(|theirs| (theirs.registry(), theirs.repository()))
            );
        }

        #[test]
        fn any_text_is_read_without_harm(text in "\\PC{0,80}|[a-z]{1,4}@sha256:[0-9a-fA-F]{60,66}") {
            if let Ok(parsed) = ImageRef::parse(&text) {
                prop_assert!(parsed.digest().is_none_or(super::is_sha256_digest));
            }
        }
    }
}
