use imagefleet_model::{Access, Image, Page, PageRequest};

use super::filter::{Conditions, ImageFilter, ImageSort, SortKey};
use super::row::{self, COLUMNS, ImageRow, TABLES};
use crate::{Result, Store, sql};

impl Store {
    /// One page of the images that match and that the caller may see.
    pub async fn list_images(
        &self,
        filter: &ImageFilter,
        sort: ImageSort,
        access: &Access,
        page: PageRequest,
    ) -> Result<Page<Image>> {
        let mut conditions = Conditions::new(filter, access, self.is_sqlite());
        let all = conditions.all();
        let total = sql::number(
            &self.db,
            &format!("SELECT COUNT(*) FROM {TABLES} WHERE {all}"),
            conditions.values.clone(),
        )
        .await?;
        let limit = conditions.value(sql::signed(page.size).into());
        let offset = conditions.value(sql::signed(page.offset()).into());
        let rows: Vec<ImageRow> = sql::all(
            &self.db,
            &format!(
                "SELECT {COLUMNS} FROM {TABLES} WHERE {all} ORDER BY {} LIMIT ${limit} OFFSET ${offset}",
                order(sort)
            ),
            conditions.values,
        )
        .await?;
        let items = row::images(&self.db, rows).await?;
        Ok(Page::new(items, sql::unsigned(total), page))
    }
}

fn order(sort: ImageSort) -> String {
    let down = if sort.descending { " DESC" } else { "" };
    match sort.key {
        SortKey::Name => format!("r.full_name{down}, s.name{down}, i.id{down}"),
        SortKey::Size => format!("i.size{down}, r.full_name, s.name, i.id"),
        SortKey::Created => format!("i.created_at{down}, r.full_name, s.name, i.id"),
        SortKey::Updated => format!("i.updated_at{down}, r.full_name, s.name, i.id"),
        SortKey::Server => format!("s.name{down}, r.full_name, i.id"),
        SortKey::Status => format!("i.status{down}, r.full_name, s.name, i.id"),
    }
}
