use std::fmt;

/// Operating system, architecture and variant, as `os/arch[/variant]` (OCI image index, `platform`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Platform {
    /// `linux`, `windows`, …
    pub os: String,
    /// `amd64`, `arm64`, …
    pub architecture: String,
    /// `v7`, `v8`, …
    pub variant: Option<String>,
}

impl Platform {
    /// Reads `os/arch` or `os/arch/variant`; `None` when it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let good = |part: &str| {
            !part.is_empty()
                && part.len() <= 32
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        let parts: Vec<&str> = text.trim().split('/').collect();
        if !(2..=3).contains(&parts.len()) || !parts.iter().all(|part| good(part)) {
            return None;
        }
        Some(Self {
            os: parts[0].to_ascii_lowercase(),
            architecture: normal_architecture(parts[1]),
            variant: parts.get(2).map(|v| v.to_ascii_lowercase()),
        })
    }
}

/// The names that kernels use, in the words that images use.
fn normal_architecture(name: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "x86_64" | "x86-64" => "amd64".to_owned(),
        "aarch64" => "arm64".to_owned(),
        "i386" | "i686" => "386".to_owned(),
        other => other.to_owned(),
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant
            .as_ref()
            .map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Platform;

    proptest! {
        #[test]
        fn what_is_read_is_written_and_read_again(text in "[a-zA-Z0-9._-]{0,9}(/[a-zA-Z0-9._-]{0,9}){0,3}|\\PC{0,30}") {
            if let Some(platform) = Platform::parse(&text) {
                prop_assert_eq!(Platform::parse(&platform.to_string()), Some(platform));
            }
        }
    }

    #[test]
    fn reads_and_prints() {
        assert_eq!(
            Platform::parse("linux/x86_64").map(|p| p.to_string()),
            Some("linux/amd64".to_owned())
        );
        assert_eq!(
            Platform::parse("linux/arm/v7").map(|p| p.to_string()),
            Some("linux/arm/v7".to_owned())
        );
        for bad in [
            "",
            "linux",
            "linux/",
            "/amd64",
            "a/b/c/d",
            "li nux/amd64",
            "linux/am;d64",
        ] {
            assert_eq!(Platform::parse(bad), None, "{bad}");
        }
    }
}
