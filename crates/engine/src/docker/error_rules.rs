//! What engines and registries write, by what it means. The first rule that fits decides, so narrow ones stand first.

use imagefleet_model::ErrorCode;

/// All of `all` and, unless `any` is empty, one of `any` must be in the words (in small letters).
pub(super) struct Rule {
    all: &'static [&'static str],
    any: &'static [&'static str],
    pub code: ErrorCode,
    pub passing: bool,
}

impl Rule {
    const fn any(code: ErrorCode, any: &'static [&'static str]) -> Self {
        Self {
            all: &[],
            any,
            code,
            passing: false,
        }
    }

    const fn all(mut self, all: &'static [&'static str]) -> Self {
        self.all = all;
        self
    }

    const fn passing(mut self) -> Self {
        self.passing = true;
        self
    }

    pub fn fits(&self, lower: &str) -> bool {
        self.all.iter().all(|word| lower.contains(word))
            && (self.any.is_empty() || self.any.iter().any(|word| lower.contains(word)))
    }
}

pub(super) const COMMON: &[Rule] = &[
    Rule::any(
        ErrorCode::DiskFull,
        &[
            "no space left on device",
            "disk quota exceeded",
            "not enough space",
        ],
    ),
    Rule::any(
        ErrorCode::InvalidReference,
        &["invalid reference format", "invalid tag format"],
    ),
    Rule::any(
        ErrorCode::PlatformMismatch,
        &[
            "no matching manifest for",
            "no match for platform",
            "does not match the specified platform",
            "does not match the expected platform",
            "does not provide the specified platform",
            "does not match the detected host platform",
            "no image found in image index for",
            "no image found in manifest list for",
            "choosing an image from manifest list",
            "cannot be used on this platform",
            "exec format error",
        ],
    ),
];

pub(super) const REGISTRY: &[Rule] = &[
    Rule::any(
        ErrorCode::RateLimited,
        &[
            "toomanyrequests",
            "too many requests",
            "pull rate limit",
            "status code 429",
        ],
    )
    .passing(),
    Rule::any(
        ErrorCode::RegistryNameUnresolved,
        &["temporary failure in name resolution", "server misbehaving"],
    )
    .passing(),
    Rule::any(
        ErrorCode::RegistryNameUnresolved,
        &["i/o timeout", "connection refused"],
    )
    .all(&["lookup "])
    .passing(),
    Rule::any(
        ErrorCode::RegistryNameUnresolved,
        &["no such host", "name or service not known"],
    ),
    Rule::any(ErrorCode::RegistryUnreachable, &["tls handshake timeout"]).passing(),
    Rule::any(
        ErrorCode::RegistryTlsFailed,
        &["x509:", "certificate", "tls: ", "http response to https client"],
    ),
    Rule::any(
        ErrorCode::RegistryUnreachable,
        &[
            "connection refused",
            "i/o timeout",
            "connection timed out",
            "deadline exceeded",
            "client.timeout",
            "no route to host",
            "network is unreachable",
            "connection reset",
            "broken pipe",
            "unexpected eof",
            ": eof",
            "request canceled",
            "context canceled",
            "proxyconnect",
            "500 internal server error",
            "502 bad gateway",
            "503 service unavailable",
            "504 gateway",
            "status code 500",
            "status code 502",
            "status code 503",
            "status code 504",
            "received unexpected http status: 5",
            "filesystem layer verification failed",
        ],
    )
    .passing(),
    Rule::any(
        ErrorCode::RegistryDenied,
        &[
            "unauthorized",
            "authentication required",
            "authorization failed",
            "access denied",
            "access forbidden",
            "access to the resource is denied",
            "insufficient_scope",
            "insufficient scope",
            "denied:",
            "403 forbidden",
            "no basic auth credentials",
            "incorrect username or password",
            "invalid username/password",
        ],
    ),
    Rule::any(
        ErrorCode::ManifestUnknown,
        &[
            "manifest unknown",
            "manifest_unknown",
            "name unknown",
            "name_unknown",
            "not known to registry",
            "not found",
        ],
    ),
    // Pushing what the engine does not hold.
    Rule::any(
        ErrorCode::ImageNotFound,
        &["does not exist locally", "no such image", "image not known"],
    ),
];

pub(super) const IMAGE: &[Rule] = &[
    Rule::any(
        ErrorCode::ImageInUse,
        &[
            "is using its referenced image",
            "is being used by",
            "image is in use by",
            "image used by",
            "is in use by a container",
        ],
    ),
    Rule::any(
        ErrorCode::ImageHasDependents,
        &[
            "dependent child images",
            "has dependent children",
            "is referenced in multiple repositories",
            "more than one tag",
            "image is referenced in",
        ],
    ),
    Rule::any(
        ErrorCode::ImageNotFound,
        &[
            "no such image",
            "image not known",
            "reference does not exist",
            "unable to find a name and tag match",
        ],
    ),
];

pub(super) const LOAD: &[Rule] = &[
    Rule::any(
        ErrorCode::ArchiveCorrupt,
        &[
            "failed to resolve layers",
            "invalid diffid",
            "layers from manifest don't match",
            "digest mismatch",
            "failed to verify",
            "invalid manifest",
            "unexpected commit digest",
        ],
    ),
    Rule::any(
        ErrorCode::ArchiveTruncated,
        &["unexpected eof", "unexpected end of", "truncated"],
    ),
    Rule::any(
        ErrorCode::NotAnArchive,
        &[
            "invalid tar header",
            "archive/tar",
            "unrecognized image format",
            "payload does not match any of the supported image formats",
            "manifest.json: no such file",
            "repositories: no such file",
            "no such file or directory",
            "invalid archive",
            "unsupported archive",
            "error processing tar file",
        ],
    ),
];

pub(super) const CONTAINER: &[Rule] = &[
    Rule::any(
        ErrorCode::ContainerNameTaken,
        &["is already in use by container", "is already in use by"],
    )
    .all(&["name"]),
    Rule::any(
        ErrorCode::ContainerNameTaken,
        &["the container name", "container name already"],
    )
    .all(&["already in use"]),
    Rule::any(
        ErrorCode::PortInUse,
        &[
            "port is already allocated",
            "address already in use",
            "ports are not available",
            "port is already in use",
        ],
    ),
    // Before the missing mount: newer runtimes say `exec: "/x": stat /x: no such file or directory`.
    Rule::any(
        ErrorCode::CommandNotFound,
        &[
            "no such file or directory",
            "permission denied",
            "is a directory",
            "not a directory",
        ],
    )
    .all(&["exec: \""]),
    Rule::any(
        ErrorCode::MountMissing,
        &["bind source path does not exist", "statfs /", "stat /"],
    ),
    Rule::any(ErrorCode::MountMissing, &["no such file", "not a directory"]).all(&["error mounting"]),
    Rule::any(
        ErrorCode::NetworkNotFound,
        &[
            "unable to find network",
            "network not found",
            "could not find network",
        ],
    ),
    Rule::any(ErrorCode::NetworkNotFound, &[" not found"]).all(&["network "]),
    Rule::any(
        ErrorCode::CommandNotFound,
        &[
            "executable file not found",
            "executable file `",
            "no command specified",
            "no command or entrypoint",
        ],
    ),
    Rule::any(
        ErrorCode::CommandNotFound,
        &["no such file or directory", "permission denied", "is a directory"],
    )
    .all(&["exec"]),
    Rule::any(
        ErrorCode::InvalidInput,
        &[
            "unable to find user",
            "no matching entries in passwd",
            "chdir to cwd",
        ],
    ),
    Rule::any(
        ErrorCode::ContainerNotFound,
        &["no such container", "no container with name or id"],
    ),
];
