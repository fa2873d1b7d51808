use std::path::Path;
use std::time::Instant;

use sea_orm::{ConnectionTrait as _, Statement};

use crate::generate::{self, Shape};
use crate::table::Times;

/// How long the database takes for one row by its id, through the same pool and driver: the yardstick of every page.
pub async fn query(folder: &Path, url: Option<&str>, shape: Shape) -> anyhow::Result<Times> {
    let store = generate::open(folder, url).await?;
    let mut times = Times::default();
    for step in 0..500 {
        let id = i64::try_from(shape.servers * shape.images * step / 500 + 1)?;
        let query = "SELECT id, size FROM images WHERE id = $1";
        let start = Instant::now();
        store
            .connection()
            .query_one_raw(Statement::from_sql_and_values(
                store.backend(),
                query,
                [id.into()],
            ))
            .await?;
        times.push(start.elapsed());
    }
    store.connection().clone().close().await?;
    Ok(times)
}
