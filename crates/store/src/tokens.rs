use imagefleet_model::{Timestamp, Verb};
use sea_orm::FromQueryResult;

use crate::{Result, Store, sql};

/// Writing "last used" at every request would make every reading request a writing one.
const TOUCH_EVERY_MS: i64 = 60_000;

/// An API token, without its secret: that is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Row id.
    pub id: i64,
    /// Whose it is.
    pub user_id: i64,
    /// That user's name.
    pub username: String,
    /// What its owner calls it.
    pub name: String,
    /// Only these of the user's rights; `None` for all.
    pub verbs: Option<Vec<Verb>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// The moment after which it no longer works.
    pub expires_at: Option<Timestamp>,
}

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Whose it is.
    pub user_id: i64,
    /// What its owner calls it, unique for the owner.
    pub name: String,
    /// SHA-256 (hexadecimal) of the secret.
    pub hash: String,
    /// Only these of the user's rights.
    pub verbs: Option<Vec<Verb>>,
    /// The moment after which it no longer works.
    pub expires_at: Option<Timestamp>,
}

#[derive(FromQueryResult)]
struct TokenRow {
    id: i64,
    user_id: i64,
    username: String,
    name: String,
    verbs: Option<String>,
    created_at: i64,
    last_used_at: Option<i64>,
    expires_at: Option<i64>,
}

impl TokenRow {
    fn token(self) -> Result<Token> {
        let words: Option<Vec<String>> = sql::maybe_json(self.verbs.as_deref())?;
        Ok(Token {
            id: self.id,
            user_id: self.user_id,
            username: self.username,
            name: self.name,
            verbs: words.map(|words| words.iter().filter_map(|word| Verb::from_word(word)).collect()),
            created_at: sql::time(self.created_at),
            last_used_at: sql::maybe_time(self.last_used_at),
            expires_at: sql::maybe_time(self.expires_at),
        })
    }
}

const SELECT: &str =
    "SELECT t.id, t.user_id, u.username, t.name, t.verbs, t.created_at, t.last_used_at, t.expires_at
    FROM tokens t JOIN users u ON u.id = t.user_id";

impl Store {
    /// Keeps a token; its id. A name that its owner uses already is [`crate::StoreError::Taken`].
    pub async fn create_token(&self, new: NewToken) -> Result<i64> {
        let verbs = new.verbs.as_ref().map(sql::json).transpose()?;
        let now = self.now_ms();
        self.write(async |tx| {
            sql::number(
                tx,
                "INSERT INTO tokens (user_id, name, hash, verbs, created_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
                vec![
                    new.user_id.into(),
                    new.name.clone().into(),
                    new.hash.clone().into(),
                    verbs.clone().into(),
                    now.into(),
                    new.expires_at.map(|at| at.timestamp_millis()).into(),
                ],
            )
            .await
        })
        .await
    }

    /// The valid token of that hash, its user not disabled.
    pub async fn token(&self, hash: &str) -> Result<Option<Token>> {
        let now = self.now_ms();
        let row: Option<TokenRow> = sql::one(
            &self.db,
            &format!(
                "{SELECT} WHERE t.hash = $1 AND (t.expires_at IS NULL OR t.expires_at > $2) AND u.disabled = FALSE"
            ),
            vec![hash.into(), now.into()],
        )
        .await?;
        let Some(row) = row else { return Ok(None) };
        if row.last_used_at.is_none_or(|at| now - at >= TOUCH_EVERY_MS) {
            let id = row.id;
            self.write(async |tx| {
                sql::run(
                    tx,
                    "UPDATE tokens SET last_used_at = $2 WHERE id = $1",
                    vec![id.into(), now.into()],
                )
                .await
            })
            .await?;
        }
        row.token().map(Some)
    }

    /// Every token that is still valid.
    pub async fn valid_tokens(&self) -> Result<Vec<Token>> {
        let rows: Vec<TokenRow> = sql::all(
            &self.db,
            &format!("{SELECT} WHERE (t.expires_at IS NULL OR t.expires_at > $1) AND u.disabled = FALSE"),
            vec![self.now_ms().into()],
        )
        .await?;
        rows.into_iter().map(TokenRow::token).collect()
    }

    /// A user's tokens, the latest first.
    pub async fn tokens(&self, user_id: i64) -> Result<Vec<Token>> {
        let rows: Vec<TokenRow> = sql::all(
            &self.db,
            &format!("{SELECT} WHERE t.user_id = $1 ORDER BY t.id DESC"),
            vec![user_id.into()],
        )
        .await?;
        rows.into_iter().map(TokenRow::token).collect()
    }

    /// Revokes a user's token; its name, if there was one.
    pub async fn delete_token(&self, id: i64, user_id: i64) -> Result<Option<String>> {
        #[derive(FromQueryResult)]
        struct Deleted {
            name: String,
        }
        self.write(async |tx| {
            let deleted: Option<Deleted> = sql::one(
                tx,
                "DELETE FROM tokens WHERE id = $1 AND user_id = $2 RETURNING name",
                vec![id.into(), user_id.into()],
            )
            .await?;
            Ok(deleted.map(|deleted| deleted.name))
        })
        .await
    }
}
