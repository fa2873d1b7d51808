use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use imagefleet_model::{Access, ErrorCode, ServerId, Timestamp, Verb};

use crate::Problem;
use crate::audit::{AuditNote, Trail};

/// Who makes a request, and what they may do. The authentication layer puts it into every request under `/api`
/// except the login, so a route that forgets to take it is closed to strangers all the same.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The user's row id.
    pub user_id: i64,
    /// The user's name.
    pub username: String,
    /// What they may do, read afresh for this request.
    pub access: Access,
    /// Where the request came from, proxies that we trust looked through.
    pub address: IpAddr,
    /// How they proved who they are.
    pub credential: Credential,
    /// Whether the password was made by the program and not changed yet.
    pub must_change_password: bool,
    pub(crate) trail: Trail,
}

/// How a caller proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// By the session cookie.
    Session {
        /// The session's public id.
        id: String,
        /// When it ends at the latest.
        expires_at: Timestamp,
    },
    /// By an API token.
    Token {
        /// The token's row id.
        id: i64,
        /// When it ends, if ever.
        expires_at: Option<Timestamp>,
    },
}

/// On what a right is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// On everything: what concerns no single server (users, registries, adding a server).
    Everything,
    /// On anything at all: what only leads to things that are checked one by one (an upload, a list).
    Anything,
    /// On a server, for some repository at least.
    Server(ServerId),
    /// On a server, for all of its repositories (sync, prune, edit the server).
    WholeServer(ServerId),
    /// On one familiar repository of a server.
    Image(ServerId, &'a str),
}

impl Caller {
    /// The one place of authorisation: whether the caller holds `verb` on `target`.
    ///
    /// What the caller may not even see is 404, so that nobody learns of it; what they may see but not do is 403.
    pub fn require(&self, verb: Verb, target: Target<'_>) -> Result<(), Problem> {
        if self.may(verb, target) {
            return Ok(());
        }
        let seen = match target {
            Target::Everything | Target::Anything => true,
            Target::Server(server) | Target::WholeServer(server) => self.sees_server(server),
            Target::Image(server, repository) => self.access.on_image(Verb::ImageView, server, repository),
        };
        Err(match target {
            _ if seen => Problem::new(
                ErrorCode::Forbidden,
                format!("You may not do this here: it needs the right {}.", verb.as_str()),
            ),
            Target::Image(server, _) if self.sees_server(server) => {
                Problem::new(ErrorCode::ImageNotFound, "There is no such image.")
            }
            _ => Problem::new(ErrorCode::ServerNotFound, "There is no such server."),
        })
    }

    /// Whether the caller holds `verb` on `target`.
    #[must_use]
    pub fn may(&self, verb: Verb, target: Target<'_>) -> bool {
        match target {
            Target::Everything => self.access.holds_everywhere(verb),
            Target::Anything => self.access.holds(verb),
            Target::Server(server) => self.access.on_server(verb, server),
            Target::WholeServer(server) => self.access.on_whole_server(verb, server),
            Target::Image(server, repository) => self.access.on_image(verb, server, repository),
        }
    }

    /// Whether the caller may know that the server exists.
    #[must_use]
    pub fn sees_server(&self, server: ServerId) -> bool {
        Verb::ALL.iter().any(|verb| self.access.on_server(*verb, server))
    }

    /// Tells the audit log what this request does. Without it the log has method and route alone; called several
    /// times, it has a line for each. The outcome is added from the response.
    pub fn audit(&self, note: AuditNote) {
        self.trail.note(note);
    }

    /// Leaves this request out of the audit log: a part of something that has its own line (a chunk of an upload).
    pub fn audit_nothing(&self) {
        self.trail.skip();
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Problem::new(ErrorCode::Unauthenticated, "Nobody is logged in."))
    }
}
