//! What a caller may see, as a condition in SQL: the same grants that [`Access`] checks in memory.

use imagefleet_model::{Access, Glob, Verb};
use sea_orm::Value;

/// The condition under which `verb` is held on a row's server and repository, its values added to `values`; `None`
/// when it is held everywhere. A row whose repository is NULL is about the server alone: the server decides.
pub fn condition(
    access: &Access,
    verb: Verb,
    server: &str,
    repository: &str,
    values: &mut Vec<Value>,
) -> Option<String> {
    let mut parts = Vec::new();
    for (servers, globs) in access.scopes(verb) {
        let on_servers = servers.map(|ids| on_servers(server, ids));
        let on_repositories = globs.map(|globs| on_repositories(repository, globs, values));
        match (on_servers, on_repositories) {
            (None, None) => return None,
            (Some(one), None) | (None, Some(one)) => parts.push(one),
            (Some(one), Some(other)) => parts.push(format!("({one} AND {other})")),
        }
    }
    if parts.is_empty() {
        Some("1 = 0".to_owned())
    } else {
        Some(format!("({})", parts.join(" OR ")))
    }
}

/// Ids are our own integers: written out, they leave the parameters to texts.
fn on_servers(column: &str, ids: &[i64]) -> String {
    if ids.is_empty() {
        return "1 = 0".to_owned();
    }
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("{column} IN ({})", ids.join(", "))
}

fn on_repositories(column: &str, globs: &[Glob], values: &mut Vec<Value>) -> String {
    let mut likes = vec![format!("{column} IS NULL")];
    for glob in globs {
        values.push(glob.to_like().into());
        likes.push(format!("{column} LIKE ${} ESCAPE '\\'", values.len()));
    }
    format!("({})", likes.join(" OR "))
}

#[cfg(test)]
mod tests {
    use imagefleet_model::{Access, Glob, Verb};

    use super::condition;
    use crate::{sql, testing};

    /// A list must show exactly what a check would allow.
    #[tokio::test]
    async fn both_databases_match_as_the_check_in_memory_does() {
        let patterns = [
            "team/*", "Team/*", "t?am/*", "*/app", "*", "a_b", "a%b", "100%", "镜像/*", "TEAM/APP",
        ];
        let names = [
            "team/app", "Team/app", "tXam/app", "app", "a_b", "axb", "a%b", "100%", "1000", "镜像/x", "镜/x",
        ];
        for at in testing::stores().await {
            for (pattern, name) in patterns.iter().flat_map(|p| names.iter().map(move |n| (p, n))) {
                let mut access = Access::default();
                access.add(vec![Verb::ImageView], None, &[(*pattern).to_owned()]);
                let mut values = Vec::new();
                let column = format!("CAST('{name}' AS TEXT)");
                let sql = condition(&access, Verb::ImageView, "1", &column, &mut values);
                let sql = format!(
                    "SELECT COUNT(*) WHERE {}",
                    sql.unwrap_or_else(|| "TRUE".to_owned())
                );
                let listed = sql::number(&at.store.db, &sql, values).await.expect("a count") == 1;
                assert_eq!(
                    listed,
                    Glob::new(pattern).matches(name),
                    "{pattern} {name} on {:?}",
                    at.store
                );
            }
        }
    }

    #[test]
    fn everything_nothing_and_something() {
        let mut values = Vec::new();
        assert_eq!(
            condition(&Access::full(), Verb::ImageView, "s", "r", &mut values),
            None
        );
        assert_eq!(
            condition(&Access::default(), Verb::ImageView, "s", "r", &mut values).as_deref(),
            Some("1 = 0")
        );
        let mut access = Access::default();
        access.add(vec![Verb::ImageView], Some(vec![1, 2]), &["team/*".to_owned()]);
        let sql = condition(&access, Verb::ImageView, "s", "r", &mut values).expect("a condition");
        assert_eq!(sql, "((s IN (1, 2) AND (r IS NULL OR r LIKE $1 ESCAPE '\\')))");
        assert_eq!(values.len(), 1);
    }
}
