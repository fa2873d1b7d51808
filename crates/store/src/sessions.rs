use std::collections::HashMap;
use std::time::Duration;

use imagefleet_model::{Timestamp, millis};
use sea_orm::FromQueryResult;

use crate::{Result, Store, sql};

/// Writing "last seen" at every request would make every reading request a writing one.
const TOUCH_EVERY_MS: i64 = 60_000;

/// A session to be opened.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// SHA-256 (hexadecimal) of the cookie's value.
    pub hash: String,
    /// What lists show and revoking names.
    pub public_id: String,
    /// Whose it is.
    pub user_id: i64,
    /// From where the login came.
    pub address: String,
    /// The browser's name for itself.
    pub agent: String,
    /// The moment after which it ends however busy it is.
    pub expires_at: Timestamp,
}

/// An open session with its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// What lists show and revoking names.
    pub public_id: String,
    /// Whose it is.
    pub user_id: i64,
    /// That user's name.
    pub username: String,
    /// Whether that user's password is to be changed.
    pub must_change_password: bool,
    /// From where the login came.
    pub address: String,
    /// The browser's name for itself.
    pub agent: String,
    /// When the login was.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// The moment after which it ends however busy it is.
    pub expires_at: Timestamp,
}

#[derive(FromQueryResult)]
struct SessionRow {
    public_id: String,
    user_id: i64,
    username: String,
    must_change_password: bool,
    address: String,
    agent: String,
    created_at: i64,
    last_seen_at: i64,
    expires_at: i64,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            public_id: row.public_id,
            user_id: row.user_id,
            username: row.username,
            must_change_password: row.must_change_password,
            address: row.address,
            agent: row.agent,
            created_at: sql::time(row.created_at),
            last_seen_at: sql::time(row.last_seen_at),
            expires_at: sql::time(row.expires_at),
        }
    }
}

const SELECT: &str = "SELECT s.public_id, s.user_id, u.username, u.must_change_password, s.address, s.agent,
        s.created_at, s.last_seen_at, s.expires_at
    FROM sessions s JOIN users u ON u.id = s.user_id";

impl Store {
    /// Opens a session and notes the login at its user.
    pub async fn open_session(&self, new: NewSession) -> Result<()> {
        let now = self.now_ms();
        self.write(async |tx| {
            sql::run(
                tx,
                "INSERT INTO sessions (id, public_id, user_id, address, agent, created_at, last_seen_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $6, $7)",
                vec![
                    new.hash.clone().into(),
                    new.public_id.clone().into(),
                    new.user_id.into(),
                    new.address.clone().into(),
                    new.agent.clone().into(),
                    now.into(),
                    new.expires_at.timestamp_millis().into(),
                ],
            )
            .await?;
            sql::run(
                tx,
                "UPDATE users SET last_login_at = $2 WHERE id = $1",
                vec![new.user_id.into(), now.into()],
            )
            .await?;
            Ok(())
        })
        .await
    }

    /// The open session of that cookie: neither expired nor idle for longer than `idle`, its user not disabled.
    pub async fn session(&self, hash: &str, idle: Duration) -> Result<Option<Session>> {
        let now = self.now_ms();
        let row: Option<SessionRow> = sql::one(
            &self.db,
            &format!("{SELECT} WHERE s.id = $1 AND s.expires_at > $2 AND s.last_seen_at > $3 AND u.disabled = FALSE"),
            vec![hash.into(), now.into(), (now - millis(idle)).into()],
        )
        .await?;
        let Some(row) = row else { return Ok(None) };
        if now - row.last_seen_at >= TOUCH_EVERY_MS {
            self.write(async |tx| {
                sql::run(
                    tx,
                    "UPDATE sessions SET last_seen_at = $2 WHERE id = $1",
                    vec![hash.into(), now.into()],
                )
                .await
            })
            .await?;
        }
        Ok(Some(row.into()))
    }

    /// Whose each open session is, by public id.
    pub async fn session_owners(&self, idle: Duration) -> Result<HashMap<String, i64>> {
        #[derive(FromQueryResult)]
        struct Row {
            public_id: String,
            user_id: i64,
        }
        let now = self.now_ms();
        let rows: Vec<Row> = sql::all(
            &self.db,
            "SELECT s.public_id, s.user_id FROM sessions s JOIN users u ON u.id = s.user_id
             WHERE s.expires_at > $1 AND s.last_seen_at > $2 AND u.disabled = FALSE",
            vec![now.into(), (now - millis(idle)).into()],
        )
        .await?;
        Ok(rows.into_iter().map(|row| (row.public_id, row.user_id)).collect())
    }

    /// The open sessions, of one user or of all, the latest first.
    pub async fn sessions(&self, user_id: Option<i64>, idle: Duration) -> Result<Vec<Session>> {
        let now = self.now_ms();
        let rows: Vec<SessionRow> = sql::all(
            &self.db,
            &format!(
                "{SELECT} WHERE s.expires_at > $1 AND s.last_seen_at > $2
                   AND (CAST($3 AS BIGINT) IS NULL OR s.user_id = $3)
                 ORDER BY s.last_seen_at DESC, s.public_id LIMIT 1000"
            ),
            vec![now.into(), (now - millis(idle)).into(), user_id.into()],
        )
        .await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Ends a session, only when it is `user_id`'s if given. Whether there was one.
    pub async fn end_session(&self, public_id: &str, user_id: Option<i64>) -> Result<bool> {
        self.write(async |tx| {
            let ended = sql::run(
                tx,
                "DELETE FROM sessions WHERE public_id = $1 AND (CAST($2 AS BIGINT) IS NULL OR user_id = $2)",
                vec![public_id.into(), user_id.into()],
            );
            Ok(ended.await? > 0)
        })
        .await
    }

    /// Removes what ended by itself. How many there were.
    pub async fn sweep_sessions(&self, idle: Duration) -> Result<u64> {
        let now = self.now_ms();
        self.write(async |tx| {
            sql::run(
                tx,
                "DELETE FROM sessions WHERE expires_at <= $1 OR last_seen_at <= $2",
                vec![now.into(), (now - millis(idle)).into()],
            )
            .await
        })
        .await
    }
}
