use imagefleet_model::{ErrorCode, Failure};
use sea_orm::{DbErr, SqlErr};

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed; its words are for the log.
    #[error("database: {0}")]
    Database(DbErr),
    /// A name that must be unique is taken. The text says which constraint.
    #[error("already taken: {0}")]
    Taken(String),
    /// A rule of the data refuses it; the failure is for people.
    #[error("{0}")]
    Refused(Failure),
    /// Another program has this `SQLite` database open.
    #[error(
        "another imagefleet uses this SQLite database already ({0}); only PostgreSQL can be shared by several"
    )]
    Locked(String),
    /// Another program has this `PostgreSQL` database open, and one of the two must be alone.
    #[error(
        "another imagefleet uses this database; its key can only be changed while no program runs, and no program starts while it is changed"
    )]
    InUse,
    /// The key is not the one that the database was written with.
    #[error(
        "the secret key is not the one that this database was written with; start with the key file that belongs to it"
    )]
    WrongKey,
    /// A program that is newer than this one has changed the schema.
    #[error(
        "a newer imagefleet has changed this database ({0}), and nothing was touched: start that version or a later one, or restore a backup from before its first start"
    )]
    Newer(String),
    /// Something stored cannot be read.
    #[error("unreadable: {0}")]
    Unreadable(String),
    /// The file system failed.
    #[error("{path}: {cause}")]
    File {
        /// Which file.
        path: String,
        /// Why. Told above, and so no source: whoever prints a chain of causes would tell it twice.
        cause: std::io::Error,
    },
}

impl StoreError {
    /// Whether there is no such thing; every other error leaves that open.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(failure) if failure.code == ErrorCode::NotFound)
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(constraint)) => Self::Taken(constraint),
            _ => Self::Database(error),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(failure) => failure,
            StoreError::Taken(_) => Self::new(ErrorCode::NameTaken, "That name is taken already."),
            // What a database says may hold values of other people's rows: it goes to the log alone.
            StoreError::Database(error) => {
                tracing::error!(%error, "the database failed");
                Self::passing(
                    ErrorCode::DatabaseUnavailable,
                    "The database could not do it.",
                    std::time::Duration::ZERO,
                )
            }
            other => {
                tracing::error!(error = %other, "the store failed");
                Self::new(ErrorCode::Internal, "Something stored could not be read.")
            }
        }
    }
}
