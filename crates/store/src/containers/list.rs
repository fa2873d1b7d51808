use imagefleet_model::{Access, Container, Page, PageRequest, ServerId, Verb};
use sea_orm::{FromQueryResult, Value};

use crate::{Result, Store, scope, sql};

/// Which containers to list.
#[derive(Debug, Clone, Default)]
pub struct ContainerFilter {
    /// Those of this server.
    pub server_id: Option<ServerId>,
    /// Those that run this image row's content.
    pub image_id: Option<i64>,
    /// Those of this catalogue entry: of their image's, else of their repository's.
    pub software_id: Option<i64>,
    /// Part of the name or of the image, in any case.
    pub q: Option<String>,
    /// `running`, `exited`, …
    pub state: Option<String>,
}

#[derive(FromQueryResult)]
struct Row {
    id: i64,
    server_id: i64,
    server_name: String,
    engine_id: String,
    name: String,
    image: String,
    image_id: Option<i64>,
    image_engine_id: String,
    software_id: Option<i64>,
    state: String,
    status: String,
    ports: String,
    image_outdated: bool,
    created_at: Option<i64>,
    updated_at: i64,
}

/// The image row of a container: that of its reference when it still has the container's content, else any row with
/// that content. `n` is the row that its reference names now.
const SELECT: &str = "SELECT c.id, c.server_id, s.name AS server_name, c.engine_id, c.name, c.image, \
    COALESCE((SELECT MIN(i.id) FROM images i JOIN image_references r ON r.id = i.reference_id \
      WHERE i.server_id = c.server_id AND i.engine_id = c.image_engine_id AND r.full_name = c.image_name), \
     (SELECT MIN(i.id) FROM images i \
      WHERE i.server_id = c.server_id AND i.engine_id = c.image_engine_id)) AS image_id, \
    c.image_engine_id, COALESCE((SELECT r.software_id FROM image_references r \
      WHERE r.full_name = c.image_name AND r.repository = c.repository), \
     (SELECT w.id FROM software w WHERE w.repository = c.repository ORDER BY w.builtin LIMIT 1)) AS software_id, \
    c.state, c.status, c.ports, \
    EXISTS (SELECT 1 FROM image_references r JOIN images n ON n.reference_id = r.id \
     WHERE r.full_name = c.image_name AND n.server_id = c.server_id AND n.engine_id <> '' \
     AND n.engine_id <> c.image_engine_id) AS image_outdated, c.created_at, c.updated_at \
    FROM containers c JOIN servers s ON s.id = c.server_id";

impl Store {
    /// One page of the containers that the caller may see, by server and name.
    pub async fn list_containers(
        &self,
        filter: &ContainerFilter,
        access: &Access,
        page: PageRequest,
    ) -> Result<Page<Container>> {
        let mut values = Vec::new();
        let conditions = conditions(filter, access, &mut values);
        let total = sql::number(
            &self.db,
            &format!("SELECT COUNT(*) FROM containers c {conditions}"),
            values.clone(),
        )
        .await?;
        values.push(sql::signed(page.size).into());
        values.push(sql::signed(page.offset()).into());
        let rows: Vec<Row> = sql::all(
            &self.db,
            &format!(
                "{SELECT} {conditions} ORDER BY s.name, c.name, c.id LIMIT ${} OFFSET ${}",
                values.len() - 1,
                values.len()
            ),
            values,
        )
        .await?;
        let items = rows.into_iter().map(container).collect::<Result<_>>()?;
        Ok(Page::new(items, sql::unsigned(total), page))
    }

    /// One container.
    pub async fn container(&self, id: i64) -> Result<Option<Container>> {
        let row = sql::one(&self.db, &format!("{SELECT} WHERE c.id = $1"), vec![id.into()]).await?;
        row.map(container).transpose()
    }

    /// The repository that the rights on a container are checked with.
    pub async fn container_repository(&self, id: i64) -> Result<Option<String>> {
        #[derive(FromQueryResult)]
        struct Repository {
            repository: String,
        }
        let row: Option<Repository> = sql::one(
            &self.db,
            "SELECT repository FROM containers WHERE id = $1",
            vec![id.into()],
        )
        .await?;
        Ok(row.map(|row| row.repository))
    }

    /// The container of that engine id on that server.
    pub async fn container_by_engine_id(
        &self,
        server_id: ServerId,
        engine_id: &str,
    ) -> Result<Option<Container>> {
        let row = sql::one(
            &self.db,
            &format!("{SELECT} WHERE c.server_id = $1 AND c.engine_id = $2"),
            vec![server_id.into(), engine_id.into()],
        )
        .await?;
        row.map(container).transpose()
    }

    /// Every container of a server, by name: what a new one has to get along with.
    pub async fn containers_of_server(&self, server_id: ServerId) -> Result<Vec<Container>> {
        let rows: Vec<Row> = sql::all(
            &self.db,
            &format!("{SELECT} WHERE c.server_id = $1 ORDER BY c.name, c.id"),
            vec![server_id.into()],
        )
        .await?;
        rows.into_iter().map(container).collect()
    }

    /// The containers that run this image row's content, those of them that the caller sees.
    pub async fn containers_using(&self, image_id: i64, access: &Access) -> Result<Vec<Container>> {
        let mut values = vec![image_id.into()];
        let seen = scope::condition(
            access,
            Verb::ImageView,
            "c.server_id",
            "c.repository",
            &mut values,
        )
        .unwrap_or_else(|| "TRUE".to_owned());
        let rows: Vec<Row> = sql::all(
            &self.db,
            &format!(
                "{SELECT} JOIN images u ON u.server_id = c.server_id AND u.engine_id = c.image_engine_id \
                 WHERE u.id = $1 AND {seen} ORDER BY c.name"
            ),
            values,
        )
        .await?;
        rows.into_iter().map(container).collect()
    }
}

fn conditions(filter: &ContainerFilter, access: &Access, values: &mut Vec<Value>) -> String {
    let mut conditions = vec!["1 = 1".to_owned()];
    if let Some(server_id) = filter.server_id {
        values.push(server_id.into());
        conditions.push(format!("c.server_id = ${}", values.len()));
    }
    if let Some(image_id) = filter.image_id {
        values.push(image_id.into());
        conditions.push(format!(
            "EXISTS (SELECT 1 FROM images u WHERE u.id = ${} AND u.server_id = c.server_id \
             AND u.engine_id = c.image_engine_id)",
            values.len()
        ));
    }
    if let Some(software_id) = filter.software_id {
        values.push(software_id.into());
        let software = values.len();
        let reference = "SELECT 1 FROM image_references r WHERE r.full_name = c.image_name AND r.repository = c.repository";
        conditions.push(format!(
            "(EXISTS ({reference} AND r.software_id = ${software}) OR (NOT EXISTS ({reference} AND r.software_id IS NOT NULL) \
             AND c.repository = (SELECT w.repository FROM software w WHERE w.id = ${software})))"
        ));
    }
    if let Some(q) = filter.q.as_deref().map(str::trim).filter(|q| !q.is_empty()) {
        values.push(sql::contains(q).into());
        let q = values.len();
        conditions.push(format!(
            "(LOWER(c.name) LIKE ${q} ESCAPE '\\' OR LOWER(c.image) LIKE ${q} ESCAPE '\\')"
        ));
    }
    if let Some(state) = &filter.state {
        values.push(state.to_lowercase().into());
        conditions.push(format!("c.state = ${}", values.len()));
    }
    if let Some(seen) = scope::condition(access, Verb::ImageView, "c.server_id", "c.repository", values) {
        conditions.push(seen);
    }
    format!("WHERE {}", conditions.join(" AND "))
}

fn container(row: Row) -> Result<Container> {
    Ok(Container {
        id: row.id,
        server_id: row.server_id,
        server_name: row.server_name,
        engine_id: row.engine_id,
        name: row.name,
        image: row.image,
        image_id: row.image_id,
        image_engine_id: row.image_engine_id,
        software_id: row.software_id,
        state: row.state,
        status: row.status,
        ports: sql::from_json(&row.ports)?,
        image_outdated: row.image_outdated,
        created_at: sql::maybe_time(row.created_at),
        updated_at: sql::time(row.updated_at),
    })
}
