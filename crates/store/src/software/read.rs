use std::fmt::Write as _;

use imagefleet_model::{ErrorCode, Failure, Image, Page, PageRequest, Software};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::SoftwareFilter;
use crate::{Result, Store, StoreError, sql};

pub const COLUMNS: &str =
    "id, name, icon, category, description, description_zh, repository, default_tag, form, builtin";

#[derive(FromQueryResult)]
pub struct SoftwareRow {
    id: i64,
    name: String,
    icon: String,
    category: String,
    description: String,
    description_zh: String,
    repository: String,
    default_tag: String,
    form: String,
    builtin: bool,
}

impl SoftwareRow {
    pub fn into_software(self) -> Result<Software> {
        Ok(Software {
            id: self.id,
            name: self.name,
            icon: self.icon,
            category: self.category,
            description: self.description,
            description_zh: self.description_zh,
            repository: self.repository,
            default_tag: self.default_tag,
            form: sql::from_json(&self.form)?,
            builtin: self.builtin,
        })
    }
}

impl Store {
    /// A page of the catalogue, by name.
    pub async fn list_software(&self, filter: &SoftwareFilter, page: PageRequest) -> Result<Page<Software>> {
        let mut values: Vec<Value> = Vec::new();
        let mut matches = "TRUE".to_owned();
        if let Some(search) = filter.search.as_deref().filter(|search| !search.is_empty()) {
            values.push(sql::contains(search).into());
            let columns = ["name", "repository", "description", "description_zh"];
            let likes = columns.map(|column| format!("lower({column}) LIKE $1 ESCAPE '\\'"));
            write!(matches, " AND ({})", likes.join(" OR ")).ok();
        }
        if let Some(category) = &filter.category {
            values.push(category.clone().into());
            write!(matches, " AND category = ${}", values.len()).ok();
        }
        if let Some(builtin) = filter.builtin {
            values.push(builtin.into());
            write!(matches, " AND builtin = ${}", values.len()).ok();
        }
        let total = sql::number(
            &self.db,
            &format!("SELECT COUNT(*) FROM software WHERE {matches}"),
            values.clone(),
        )
        .await?;
        let (limit, offset) = (values.len() + 1, values.len() + 2);
        values.push(sql::signed(page.size).into());
        values.push(sql::signed(page.offset()).into());
        let rows: Vec<SoftwareRow> = sql::all(
            &self.db,
            &format!(
                "SELECT {COLUMNS} FROM software WHERE {matches} ORDER BY lower(name), id LIMIT ${limit} OFFSET ${offset}"
            ),
            values,
        )
        .await?;
        let items = rows
            .into_iter()
            .map(SoftwareRow::into_software)
            .collect::<Result<_>>()?;
        Ok(Page::new(items, sql::unsigned(total), page))
    }

    /// One entry that must be there.
    pub async fn software(&self, id: i64) -> Result<Software> {
        software(&self.db, id).await
    }

    /// The entry of an image, if it has one.
    pub async fn software_of(&self, image: &Image) -> Result<Option<Software>> {
        match image.software_id {
            Some(id) => find(&self.db, id).await,
            None => Ok(None),
        }
    }

    /// The entry of exactly this familiar repository: an own one before a built-in one.
    #[cfg(test)]
    pub(crate) async fn software_for(&self, repository: &str) -> Result<Option<Software>> {
        let row: Option<SoftwareRow> = sql::one(
            &self.db,
            &format!("SELECT {COLUMNS} FROM software WHERE repository = $1 ORDER BY builtin LIMIT 1"),
            vec![repository.into()],
        )
        .await?;
        row.map(SoftwareRow::into_software).transpose()
    }
}

async fn find(db: &impl ConnectionTrait, id: i64) -> Result<Option<Software>> {
    let row: Option<SoftwareRow> = sql::one(
        db,
        &format!("SELECT {COLUMNS} FROM software WHERE id = $1"),
        vec![id.into()],
    )
    .await?;
    row.map(SoftwareRow::into_software).transpose()
}

pub async fn software(db: &impl ConnectionTrait, id: i64) -> Result<Software> {
    let missing = || {
        StoreError::Refused(Failure::new(
            ErrorCode::NotFound,
            format!("There is no catalogue entry with the id {id}."),
        ))
    };
    find(db, id).await?.ok_or_else(missing)
}
