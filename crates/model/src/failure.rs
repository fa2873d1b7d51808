use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What went wrong, as every surface reports it: problem documents, operations, steps and events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErrorInfo {
    /// A stable word for programs and for the page's translations, such as `image_not_found`.
    pub code: String,
    /// A sentence for people; the engine's or registry's own words where they say more than ours.
    pub message: String,
    /// What to check, where we know it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
}

/// A failure on its way up: what people read, and whether trying again may help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.as_str())]
pub struct Failure {
    /// What kind of failure.
    pub code: ErrorCode,
    /// A sentence for people, secrets removed.
    pub message: String,
    /// `Some` when the same attempt may succeed later: how long to wait at least (`Retry-After`, or zero).
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure that trying again will not mend.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after: None,
        }
    }

    /// A failure that may pass by itself.
    #[must_use]
    pub fn passing(code: ErrorCode, message: impl Into<String>, after: Duration) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after: Some(after),
        }
    }

    /// As the surfaces show it.
    #[must_use]
    pub fn info(&self) -> ErrorInfo {
        ErrorInfo {
            code: self.code.as_str().to_owned(),
            message: self.message.clone(),
            hint: self.code.hint().map(ToOwned::to_owned),
        }
    }
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal $(, $hint:literal)?;)*) => {
        /// Every failure that a person may meet, with its HTTP status and what to check.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $name,)* }

        impl ErrorCode {
            /// All of them, for documents and for tests of the translations.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The HTTP status when a request fails with it.
            #[must_use]
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// What to check, where we know it.
            #[must_use]
            pub const fn hint(self) -> Option<&'static str> {
                match self { $(Self::$name => error_codes!(@hint $($hint)?),)* }
            }
        }
    };
    (@hint) => { None };
    (@hint $hint:literal) => { Some($hint) };
}

error_codes! {
    // --- requests
    /// A field of the request is wrong; the message names it.
    InvalidInput = "invalid_input", 422;
    /// The text is no image reference.
    InvalidReference = "invalid_reference", 422, "Write it as registry/repository:tag, for example nginx:1.27 or registry.example.com:5000/team/app:2.0.";
    /// The body is not what the route reads.
    InvalidBody = "invalid_body", 400, "Send the body that the API documents describe, with the right Content-Type.";
    /// The body is larger than the route takes.
    BodyTooLarge = "body_too_large", 413;
    /// No such thing, or not visible to this user.
    NotFound = "not_found", 404;
    /// The route exists, but not with this method.
    MethodNotAllowed = "method_not_allowed", 405;
    /// The thing changed or exists already.
    Conflict = "conflict", 409;
    /// A name that must be unique is taken.
    NameTaken = "name_taken", 409, "Choose another name.";
    /// Nobody is logged in.
    Unauthenticated = "unauthenticated", 401, "Log in, or send a valid token as Authorization: Bearer.";
    /// User name or password is wrong.
    BadCredentials = "bad_credentials", 401, "Check the user name and the password.";
    /// Logged in, but without this right.
    Forbidden = "forbidden", 403, "Ask an administrator for a role that holds this right on this server and repository.";
    /// The first password is still in place.
    PasswordChangeRequired = "password_change_required", 403, "Change the password of this account first.";
    /// The request came from another site.
    CrossSite = "cross_site", 403;
    /// Too many attempts.
    TooManyRequests = "too_many_requests", 429, "Wait a little before trying again.";
    /// The range of bytes is outside the file.
    RangeNotSatisfiable = "range_not_satisfiable", 416;
    /// Something of ours broke; the log knows more.
    Internal = "internal", 500, "Look into the program's log under the request id.";
    /// The database does not answer or cannot write.
    DatabaseUnavailable = "database_unavailable", 503, "Check that the database runs and that its disk is not full.";
    /// The program is ending.
    ShuttingDown = "shutting_down", 503;

    // --- servers and engines
    /// No server with this id.
    ServerNotFound = "server_not_found", 404, "Check that the server id is valid.";
    /// The server is disabled.
    ServerDisabled = "server_disabled", 409, "Enable the server first.";
    /// The engine does not answer.
    EngineUnreachable = "engine_unreachable", 502, "Check that its Docker service is running and that the way to it is open: the network, or a socket's path and who may use it.";
    /// Something answers, but no Docker engine.
    NotAnEngine = "not_an_engine", 502, "Check the address and port: what answers there is not a Docker API.";
    /// The engine stopped sending.
    EngineTimeout = "engine_timeout", 504, "Check the load of the server and its network.";
    /// The engine closed the connection in the middle.
    EngineDisconnected = "engine_disconnected", 502, "Check whether the Docker service of the server was restarted.";
    /// The engine refused or failed in its own words.
    EngineError = "engine_error", 502, "Look into the Docker service's log on the server.";
    /// No API version that both sides speak.
    ApiVersionUnsupported = "api_version_unsupported", 502, "Update the engine: API 1.41 (Docker 20.10) or later is needed.";
    /// The engine cannot do this.
    Unsupported = "unsupported", 501;
    /// TLS failed: certificate or key.
    TlsFailed = "tls_failed", 502, "Check the CA, the client certificate, its key and their dates.";
    /// SSH login failed.
    SshAuthFailed = "ssh_auth_failed", 502, "Check the user, the key and its passphrase, or the password.";
    /// SSH host key is not the pinned one.
    SshHostKeyChanged = "ssh_host_key_changed", 502, "Someone may be in between. If the server was reinstalled, clear the pinned host key and test again.";
    /// The server's disk is full.
    DiskFull = "disk_full", 507, "Free space on the disk of the server's Docker data root.";

    // --- images and registries
    /// No such image on the engine.
    ImageNotFound = "image_not_found", 404, "Sync the server: the image may be gone.";
    /// The registry does not know the repository or tag.
    ManifestUnknown = "manifest_unknown", 404, "Check that the image name and tag exist in the registry.";
    /// No content for this platform.
    PlatformMismatch = "platform_mismatch", 409, "Choose a platform that the image has, or servers of its platform.";
    /// The registry wants a login or refuses this one.
    RegistryDenied = "registry_denied", 403, "Check the name, and that the registry account may pull this repository.";
    /// The registry does not answer.
    RegistryUnreachable = "registry_unreachable", 502, "Check the server's network and the registry's address.";
    /// The registry's name does not resolve.
    RegistryNameUnresolved = "registry_name_unresolved", 502, "Check the spelling of the registry's host and the DNS.";
    /// The registry's certificate is not trusted.
    RegistryTlsFailed = "registry_tls_failed", 502, "Give the registry's CA, or allow plain HTTP for it.";
    /// Answers, but not like a registry.
    NotARegistry = "not_a_registry", 502, "Check the address: what answers there is not a registry API v2.";
    /// The engine says that it is still at it, but no byte moves any more.
    TransferStalled = "transfer_stalled", 504, "Check the network between the server and the registry, and whether a proxy between them keeps dead connections open.";
    /// The registry limits our pulls.
    RateLimited = "rate_limited", 429, "Log in to the registry or wait; the pull is tried again by itself.";
    /// A container uses the image.
    ImageInUse = "image_in_use", 409, "Remove the containers that use it, or delete with force.";
    /// The image has several tags or children.
    ImageHasDependents = "image_has_dependents", 409, "Delete the other tags or the images built on it first.";

    // --- containers
    /// The container name is taken on that server.
    ContainerNameTaken = "container_name_taken", 409, "Choose another name or remove the other container.";
    /// A host port is in use.
    PortInUse = "port_in_use", 409, "Check which container or program uses the port, and choose another.";
    /// A bind source is missing.
    MountMissing = "mount_missing", 422, "Check that the mount path exists on the server.";
    /// The command is not in the image.
    CommandNotFound = "command_not_found", 422, "Check the command and entry point.";
    /// The network does not exist on that server.
    NetworkNotFound = "network_not_found", 422, "Choose a network of that server.";
    /// The container ended right after its start.
    ContainerExited = "container_exited", 409, "Look at its last log lines.";
    /// No such container.
    ContainerNotFound = "container_not_found", 404;

    // --- archives
    /// The file is no image archive.
    NotAnArchive = "not_an_archive", 422, "Choose a file made by docker save, or an OCI layout, as .tar, .tar.gz, .tgz or .tar.zst.";
    /// The file ends too early.
    ArchiveTruncated = "archive_truncated", 422, "The file is incomplete: copy or upload it again.";
    /// A blob is missing, a digest lies, or an entry is unsafe.
    ArchiveCorrupt = "archive_corrupt", 422, "Export the image again from where it came.";
    /// More entries, longer names or larger manifests than any image has.
    ArchiveTooComplex = "archive_too_complex", 422, "No image is like this: save the image again with docker save, and do not trust where the file came from.";
    /// Not enough room in the archive store.
    NoSpace = "no_space", 507, "Delete old exports and uploads, or give the archive store more room.";
    /// The upload is gone or not finished.
    UploadIncomplete = "upload_incomplete", 409, "Finish the upload first.";
    /// The checksum of an upload's part is wrong.
    ChecksumMismatch = "checksum_mismatch", 460, "Send the part again.";
    /// The export is being made, failed, or is gone.
    ExportUnavailable = "export_unavailable", 410, "Wait for the end of its operation; if it has failed or expired, export the images again.";

    // --- operations
    /// No such operation.
    OperationNotFound = "operation_not_found", 404;
    /// It has ended already.
    OperationEnded = "operation_ended", 409;
    /// It has not failed, so nothing can be retried.
    NothingToRetry = "nothing_to_retry", 409;
    /// Somebody cancelled it.
    Cancelled = "cancelled", 409;
    /// The program died in the middle.
    Interrupted = "interrupted", 409, "Retry: only the steps that did not succeed run again.";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::ErrorCode;

    #[test]
    fn codes_are_unique_words() {
        let words: HashSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), ErrorCode::ALL.len());
        assert!(
            words
                .iter()
                .all(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        );
    }
}
