use imagefleet_model::{ErrorCode, Failure, Role, Verb, builtin_roles};
use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::{Result, Store, StoreError, sql};

#[derive(FromQueryResult)]
struct RoleRow {
    name: String,
    verbs: String,
}

impl Store {
    /// All roles: the built-in ones first, then own ones by name.
    pub async fn roles(&self) -> Result<Vec<Role>> {
        roles(&self.db).await
    }

    /// Makes an own role.
    pub async fn create_role(&self, name: &str, verbs: &[Verb]) -> Result<Role> {
        let now = self.now_ms();
        self.write(async |tx| {
            if roles(tx).await?.iter().any(|role| role.name == name) {
                return Err(StoreError::Taken("roles.name".to_owned()));
            }
            sql::run(
                tx,
                "INSERT INTO roles (name, verbs, created_at, updated_at) VALUES ($1, $2, $3, $3)",
                vec![name.into(), sql::json(&verbs)?.into(), now.into()],
            )
            .await?;
            Ok(own(name, verbs))
        })
        .await
    }

    /// Gives an own role other verbs. Everybody who holds it has them at once.
    pub async fn update_role(&self, name: &str, verbs: &[Verb]) -> Result<Role> {
        let now = self.now_ms();
        self.write(async |tx| {
            refuse_builtin(name)?;
            let changed = sql::run(
                tx,
                "UPDATE roles SET verbs = $2, updated_at = $3 WHERE name = $1",
                vec![name.into(), sql::json(&verbs)?.into(), now.into()],
            );
            if changed.await? == 0 {
                return Err(not_found());
            }
            Ok(own(name, verbs))
        })
        .await
    }

    /// Removes an own role that nobody holds.
    pub async fn delete_role(&self, name: &str) -> Result<()> {
        self.write(async |tx| {
            refuse_builtin(name)?;
            let held = sql::number(
                tx,
                "SELECT COUNT(*) FROM grants WHERE role = $1",
                vec![name.into()],
            );
            if held.await? > 0 {
                return Err(StoreError::Refused(Failure::new(
                    ErrorCode::Conflict,
                    "The role is granted to users; take it from them first.",
                )));
            }
            if sql::run(tx, "DELETE FROM roles WHERE name = $1", vec![name.into()]).await? == 0 {
                return Err(not_found());
            }
            Ok(())
        })
        .await
    }
}

pub(crate) async fn roles(db: &impl ConnectionTrait) -> Result<Vec<Role>> {
    let rows: Vec<RoleRow> = sql::all(db, "SELECT name, verbs FROM roles ORDER BY name", vec![]).await?;
    let mut roles = builtin_roles();
    for row in rows {
        // A word that a later version knew is no right in this one.
        let words: Vec<String> = sql::from_json(&row.verbs)?;
        let verbs: Vec<Verb> = words.iter().filter_map(|word| Verb::from_word(word)).collect();
        roles.push(own(&row.name, &verbs));
    }
    Ok(roles)
}

fn own(name: &str, verbs: &[Verb]) -> Role {
    Role {
        name: name.to_owned(),
        verbs: verbs.to_vec(),
        builtin: false,
    }
}

fn refuse_builtin(name: &str) -> Result<()> {
    if builtin_roles().iter().any(|role| role.name == name) {
        return Err(StoreError::Refused(Failure::new(
            ErrorCode::Conflict,
            "A built-in role cannot be changed; make an own one.",
        )));
    }
    Ok(())
}

fn not_found() -> StoreError {
    StoreError::Refused(Failure::new(ErrorCode::NotFound, "There is no such role."))
}
