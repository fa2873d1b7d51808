use imagefleet_model::{ErrorCode, Failure, Grant, Page, PageRequest, Timestamp};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use crate::{Result, Store, StoreError, sql};

/// Somebody who may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Row id.
    pub id: i64,
    /// The name to log in with, unique.
    pub username: String,
    /// Whether logging in is refused.
    pub disabled: bool,
    /// Whether the password was made by the program and not changed yet.
    pub must_change_password: bool,
    /// What was granted.
    pub grants: Vec<Grant>,
    /// When the user was made.
    pub created_at: Timestamp,
    /// When the user was last changed.
    pub updated_at: Timestamp,
    /// When the user last logged in.
    pub last_login_at: Option<Timestamp>,
}

/// A user to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The name to log in with.
    pub username: String,
    /// The password's hash (PHC text), never the password.
    pub password_hash: String,
    /// Whether the first password is to be changed.
    pub must_change_password: bool,
    /// What is granted.
    pub grants: Vec<Grant>,
}

/// What to change of a user; `None` leaves as it is.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// Refuse or allow logging in. Disabling ends the user's sessions.
    pub disabled: Option<bool>,
    /// A new password's hash, and whether it is to be changed. Ends the user's sessions.
    pub password: Option<(String, bool)>,
    /// All grants, instead of the present ones.
    pub grants: Option<Vec<Grant>>,
}

/// What a login needs to know of a user.
#[derive(Debug, Clone, FromQueryResult)]
pub struct LoginRow {
    /// Row id.
    pub id: i64,
    /// The name as it is stored.
    pub username: String,
    /// The password's hash.
    pub password_hash: String,
    /// Whether logging in is refused.
    pub disabled: bool,
}

#[derive(FromQueryResult)]
struct UserRow {
    id: i64,
    username: String,
    disabled: bool,
    must_change_password: bool,
    created_at: i64,
    updated_at: i64,
    last_login_at: Option<i64>,
}

#[derive(FromQueryResult)]
struct GrantRow {
    user_id: i64,
    role: String,
    servers: String,
    repositories: String,
}

const COLUMNS: &str = "id, username, disabled, must_change_password, created_at, updated_at, last_login_at";

impl Store {
    /// How many users there are; none means that this is the first start.
    pub async fn user_count(&self) -> Result<u64> {
        Ok(sql::unsigned(
            sql::number(&self.db, "SELECT COUNT(*) FROM users", vec![]).await?,
        ))
    }

    /// Users by name, those whose name contains `search` when given.
    pub async fn users(&self, search: Option<&str>, request: PageRequest) -> Result<Page<User>> {
        let search = search.unwrap_or_default().to_lowercase();
        let pattern = format!(
            "%{}%",
            search
                .replace('\\', "\\\\")
                .replace('%', "\\%")
                .replace('_', "\\_")
        );
        let total = sql::number(
            &self.db,
            "SELECT COUNT(*) FROM users WHERE lower(username) LIKE $1 ESCAPE '\\'",
            vec![pattern.clone().into()],
        )
        .await?;
        let rows: Vec<UserRow> = sql::all(
            &self.db,
            &format!(
                "SELECT {COLUMNS} FROM users WHERE lower(username) LIKE $1 ESCAPE '\\'
                 ORDER BY username LIMIT $2 OFFSET $3"
            ),
            vec![
                pattern.into(),
                sql::signed(request.size).into(),
                sql::signed(request.offset()).into(),
            ],
        )
        .await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let mut grants = grants_of(&self.db, &ids).await?;
        let users = rows.into_iter().map(|row| user(row, &mut grants)).collect();
        Ok(Page::new(users, sql::unsigned(total), request))
    }

    /// The user of that id.
    pub async fn user(&self, id: i64) -> Result<Option<User>> {
        read_user(&self.db, id).await
    }

    /// What a login needs, by name in any case.
    pub async fn login_row(&self, username: &str) -> Result<Option<LoginRow>> {
        sql::one(
            &self.db,
            "SELECT id, username, password_hash, disabled FROM users WHERE lower(username) = $1",
            vec![username.to_lowercase().into()],
        )
        .await
    }

    /// Makes a user. A taken name is [`StoreError::Taken`].
    pub async fn create_user(&self, new: NewUser) -> Result<User> {
        let now = self.now_ms();
        self.write(async |tx| {
            check_roles(tx, &new.grants).await?;
            let same = sql::number(
                tx,
                "SELECT COUNT(*) FROM users WHERE lower(username) = $1",
                vec![new.username.to_lowercase().into()],
            );
            if same.await? > 0 {
                return Err(StoreError::Taken("users.username".to_owned()));
            }
            let id = sql::number(
                tx,
                "INSERT INTO users (username, password_hash, must_change_password, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $4) RETURNING id",
                vec![
                    new.username.clone().into(),
                    new.password_hash.clone().into(),
                    new.must_change_password.into(),
                    now.into(),
                ],
            )
            .await?;
            write_grants(tx, id, &new.grants).await?;
            read_user(tx, id).await?.ok_or_else(user_not_found)
        })
        .await
    }

    /// Changes a user. Refused when nobody would be left who can manage everything.
    pub async fn update_user(&self, id: i64, change: UserChange) -> Result<User> {
        let now = self.now_ms();
        self.write(async |tx| {
            let touched = sql::run(
                tx,
                "UPDATE users SET updated_at = $2 WHERE id = $1",
                vec![id.into(), now.into()],
            );
            if touched.await? == 0 {
                return Err(user_not_found());
            }
            if let Some(disabled) = change.disabled {
                sql::run(
                    tx,
                    "UPDATE users SET disabled = $2 WHERE id = $1",
                    vec![id.into(), disabled.into()],
                )
                .await?;
            }
            if let Some((hash, must_change)) = &change.password {
                sql::run(
                    tx,
                    "UPDATE users SET password_hash = $2, must_change_password = $3 WHERE id = $1",
                    vec![id.into(), hash.clone().into(), (*must_change).into()],
                )
                .await?;
            }
            if let Some(grants) = &change.grants {
                check_roles(tx, grants).await?;
                sql::run(tx, "DELETE FROM grants WHERE user_id = $1", vec![id.into()]).await?;
                write_grants(tx, id, grants).await?;
            }
            if change.disabled == Some(true) || change.password.is_some() {
                sql::run(tx, "DELETE FROM sessions WHERE user_id = $1", vec![id.into()]).await?;
            }
            check_admin_left(tx).await?;
            read_user(tx, id).await?.ok_or_else(user_not_found)
        })
        .await
    }

    /// Removes a user with grants, sessions and tokens. Refused for the last who can manage everything.
    pub async fn delete_user(&self, id: i64) -> Result<()> {
        self.write(async |tx| {
            if sql::run(tx, "DELETE FROM users WHERE id = $1", vec![id.into()]).await? == 0 {
                return Err(user_not_found());
            }
            check_admin_left(tx).await
        })
        .await
    }
}

fn user_not_found() -> StoreError {
    StoreError::Refused(Failure::new(ErrorCode::NotFound, "There is no such user."))
}

fn user(row: UserRow, grants: &mut Vec<(i64, Grant)>) -> User {
    let mine = grants.extract_if(.., |(user_id, _)| *user_id == row.id);
    User {
        id: row.id,
        username: row.username,
        disabled: row.disabled,
        must_change_password: row.must_change_password,
        grants: mine.map(|(_, grant)| grant).collect(),
        created_at: sql::time(row.created_at),
        updated_at: sql::time(row.updated_at),
        last_login_at: sql::maybe_time(row.last_login_at),
    }
}

async fn read_user(db: &impl ConnectionTrait, id: i64) -> Result<Option<User>> {
    let row: Option<UserRow> = sql::one(
        db,
        &format!("SELECT {COLUMNS} FROM users WHERE id = $1"),
        vec![id.into()],
    )
    .await?;
    let Some(row) = row else { return Ok(None) };
    let mut grants = grants_of(db, &[id]).await?;
    Ok(Some(user(row, &mut grants)))
}

/// The grants of these users, each with its user.
pub(crate) async fn grants_of(db: &impl ConnectionTrait, users: &[i64]) -> Result<Vec<(i64, Grant)>> {
    if users.is_empty() {
        return Ok(vec![]);
    }
    let these = format!("g.user_id IN ({})", sql::placeholders(0, users.len()));
    read_grants(db, &these, users.iter().map(|id| (*id).into()).collect()).await
}

/// The grants of all users who may log in, each with its user.
pub(crate) async fn grants_of_enabled(db: &impl ConnectionTrait) -> Result<Vec<(i64, Grant)>> {
    read_grants(db, "u.disabled = FALSE", vec![]).await
}

async fn read_grants(
    db: &impl ConnectionTrait,
    condition: &str,
    values: Vec<Value>,
) -> Result<Vec<(i64, Grant)>> {
    let rows: Vec<GrantRow> = sql::all(
        db,
        &format!(
            "SELECT g.user_id, g.role, g.servers, g.repositories FROM grants g JOIN users u ON u.id = g.user_id
             WHERE {condition} ORDER BY g.id"
        ),
        values,
    )
    .await?;
    rows.into_iter()
        .map(|row| {
            let grant = Grant {
                role: row.role,
                servers: sql::from_json(&row.servers)?,
                repositories: sql::from_json(&row.repositories)?,
            };
            Ok((row.user_id, grant))
        })
        .collect()
}

async fn write_grants(db: &impl ConnectionTrait, user_id: i64, grants: &[Grant]) -> Result<()> {
    for grant in grants {
        sql::run(
            db,
            "INSERT INTO grants (user_id, role, servers, repositories) VALUES ($1, $2, $3, $4)",
            vec![
                user_id.into(),
                grant.role.clone().into(),
                sql::json(&grant.servers)?.into(),
                sql::json(&grant.repositories)?.into(),
            ],
        )
        .await?;
    }
    Ok(())
}

async fn check_roles(db: &impl ConnectionTrait, grants: &[Grant]) -> Result<()> {
    let known = crate::roles::roles(db).await?;
    match grants
        .iter()
        .find(|grant| !known.iter().any(|role| role.name == grant.role))
    {
        Some(grant) => Err(StoreError::Refused(Failure::new(
            ErrorCode::InvalidInput,
            format!("grants: there is no role \"{}\"", grant.role),
        ))),
        None => Ok(()),
    }
}

/// Somebody must be able to manage everything: an enabled user with the role `admin` everywhere.
async fn check_admin_left(db: &impl ConnectionTrait) -> Result<()> {
    let rows: Vec<GrantRow> = sql::all(
        db,
        "SELECT g.user_id, g.role, g.servers, g.repositories FROM grants g JOIN users u ON u.id = g.user_id
         WHERE g.role = 'admin' AND u.disabled = FALSE",
        vec![],
    )
    .await?;
    for row in rows {
        let servers: imagefleet_model::GrantServers = sql::from_json(&row.servers)?;
        let repositories: Vec<String> = sql::from_json(&row.repositories)?;
        if servers.all && repositories.iter().any(|pattern| pattern == "*") {
            return Ok(());
        }
    }
    Err(StoreError::Refused(Failure::new(
        ErrorCode::Conflict,
        "This is the last enabled user with the role admin on everything; nobody could manage imagefleet afterwards.",
    )))
}
