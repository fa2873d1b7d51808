use imagefleet_model::Image;
use sea_orm::FromQueryResult;

use super::conditions::Conditions;
use super::filter::SortKey;
use super::list::Question;
use super::selection::{Selection, servers_to_count};
use crate::{Result, Store, sql};

/// When one image in so many matches, they are met soon enough along an index of all.
const MANY: u64 = 16;

#[derive(FromQueryResult)]
struct Id {
    id: i64,
}

impl Store {
    /// Images in the order of one of their columns that is not in memory.
    pub(super) async fn by_column(&self, question: Question<'_>, key: SortKey) -> Result<(u64, Vec<Image>)> {
        let Question {
            filter, access, page, ..
        } = question;
        let (total, all, references) = self
            .in_memory(&servers_to_count(filter, access), |known| {
                let selection = Selection::new(known, filter, access);
                (
                    selection.total(),
                    known.references.placements(),
                    selection.reference_ids(),
                )
            })
            .await?;
        let mut conditions = Conditions::of(filter, access);
        let column = match key {
            SortKey::Size => "i.size",
            SortKey::Created => "i.created_at",
            _ => "i.updated_at",
        };
        let mut by = column.to_owned();
        if let Some(ids) = references {
            let ids = conditions.value(sql::json(&ids)?.into());
            let among = sql::numbers_of(&self.db, ids);
            // Few are gathered and sorted. A plus keeps an index out that would lead the other way.
            if total.saturating_mul(MANY) >= all {
                conditions.and(format!("+i.reference_id IN ({among})"));
            } else {
                conditions.and(format!("i.reference_id IN ({among})"));
                by.insert(0, '+');
            }
        }
        // Beyond the middle of everything the way from the end is shorter.
        let from_end = total == all && page.offset() > total / 2;
        let rest = total.saturating_sub(page.offset());
        let size = page.size.min(rest);
        let offset = if from_end { rest - size } else { page.offset() };
        let order = order(&by, question.descending != from_end);
        let (tables, condition) = (conditions.tables(), conditions.text());
        let limit = conditions.value(sql::signed(size).into());
        let offset = conditions.value(sql::signed(offset).into());
        let query = format!(
            "SELECT i.id FROM {tables} WHERE {condition} ORDER BY {order} LIMIT ${limit} OFFSET ${offset}"
        );
        let rows: Vec<Id> = sql::all(&self.db, &query, conditions.values).await?;
        let mut ids: Vec<i64> = rows.into_iter().map(|row| row.id).collect();
        if from_end {
            ids.reverse();
        }
        Ok((total, self.images_by_ids(&ids).await?))
    }
}

/// As the indexes are, or from their end.
fn order(by: &str, descending: bool) -> String {
    if descending {
        format!("{by} DESC NULLS LAST, i.id DESC")
    } else {
        format!("{by} ASC NULLS FIRST, i.id ASC")
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait as _, Statement, TransactionTrait as _};

    use super::order;
    use crate::testing;

    #[tokio::test]
    async fn every_order_is_that_of_an_index() {
        for at in testing::stores().await {
            let store = &at.store;
            let (explain, column, sort) = if store.is_sqlite() {
                ("EXPLAIN QUERY PLAN", "detail", "TEMP B-TREE")
            } else {
                ("EXPLAIN", "QUERY PLAN", "Sort")
            };
            let tx = store.connection().begin().await.expect("begun");
            if !store.is_sqlite() {
                // Of no images it would sort all rather than look into an index.
                let without = "SET LOCAL enable_sort = off; SET LOCAL enable_incremental_sort = off";
                tx.execute_unprepared(without).await.expect("set");
            }
            for by in ["i.size", "i.created_at", "i.updated_at"] {
                for descending in [false, true] {
                    let order = order(by, descending);
                    let query = format!("{explain} SELECT i.id FROM images i ORDER BY {order} LIMIT 20");
                    let statement = Statement::from_string(store.backend(), query);
                    let plan = tx.query_all_raw(statement).await.expect("explained");
                    for line in plan {
                        let line: String = line.try_get("", column).expect("a line");
                        assert!(!line.contains(sort), "{order}: {line}");
                    }
                }
            }
        }
    }
}
