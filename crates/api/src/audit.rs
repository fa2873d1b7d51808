//! What the audit log will say of a request, gathered while it is handled.

use std::sync::{Arc, Mutex, PoisonError};

use imagefleet_model::ServerId;

/// What a request does, for the audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditNote {
    /// `noun.verb`, such as `image.pull`.
    pub action: &'static str,
    /// On which server.
    pub server_id: Option<ServerId>,
    /// Its name.
    pub server_name: Option<String>,
    /// On what: a reference, a user's name, …
    pub subject: String,
    /// More for people; never a secret.
    pub detail: String,
}

impl AuditNote {
    /// That was done, on `subject`.
    pub fn new(action: &'static str, subject: impl Into<String>) -> Self {
        Self {
            action,
            subject: subject.into(),
            ..Self::default()
        }
    }

    /// On that server.
    #[must_use]
    pub fn on(mut self, server_id: ServerId, server_name: impl Into<String>) -> Self {
        self.server_id = Some(server_id);
        self.server_name = Some(server_name.into());
        self
    }

    /// With more for people.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

/// What the audit log will say of one request; handlers fill it, the audit layer writes it.
#[derive(Debug, Clone, Default)]
pub struct Trail(Arc<Mutex<TrailState>>);

/// What has been gathered.
#[derive(Debug, Clone, Default)]
pub struct TrailState {
    /// Who, once known.
    pub username: Option<String>,
    /// What the handler noted.
    pub notes: Vec<AuditNote>,
    /// Whether it shall be left out.
    pub skipped: bool,
    /// The operation that it began.
    pub operation: Option<String>,
}

impl Trail {
    /// Adds a line.
    pub fn note(&self, note: AuditNote) {
        self.with(|state| state.notes.push(note));
    }

    /// Says who it is.
    pub fn user(&self, username: &str) {
        self.with(|state| state.username = Some(username.to_owned()));
    }

    /// Says which operation it began.
    pub fn operation(&self, id: &str) {
        self.with(|state| state.operation = Some(id.to_owned()));
    }

    /// Leaves the request out.
    pub fn skip(&self) {
        self.with(|state| state.skipped = true);
    }

    /// What has been gathered.
    #[must_use]
    pub fn gathered(&self) -> TrailState {
        self.with(|state| state.clone())
    }

    fn with<T>(&self, f: impl FnOnce(&mut TrailState) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
