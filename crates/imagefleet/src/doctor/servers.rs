use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use imagefleet_model::{Access, Clock as _, ErrorCode, Failure, PageRequest, Server, SystemClock};
use imagefleet_operations::{EnginePool, EngineSource as _};
use imagefleet_store::{ServerFilter, Store};

use super::clock::skew;
use super::report::Finding;

/// How many servers are asked at once, and how long one may take.
const AT_ONCE: usize = 16;
const PATIENCE: Duration = Duration::from_secs(15);

/// Asks every server.
pub async fn look(store: &Store) -> Vec<Finding> {
    let servers = match all(store).await {
        Ok(servers) => servers,
        Err(error) => {
            return vec![Finding::problem(
                "servers",
                error.to_string(),
                "See the database above.",
            )];
        }
    };
    if servers.is_empty() {
        return vec![Finding::ok("servers", "there are none yet")];
    }
    let pool = EnginePool::new(store.clone());
    let pool = &pool;
    let found: Vec<Vec<Finding>> = stream::iter(servers)
        .map(|server| async move { one(store, pool, &server).await })
        .buffered(AT_ONCE)
        .collect()
        .await;
    found.into_iter().flatten().collect()
}

async fn all(store: &Store) -> imagefleet_store::Result<Vec<Server>> {
    let mut servers = Vec::new();
    let mut page = PageRequest::default();
    loop {
        let found = store
            .list_servers(&ServerFilter::default(), &Access::full(), page)
            .await?;
        let total = found.total;
        if found.items.is_empty() {
            return Ok(servers);
        }
        servers.extend(found.items);
        if servers.len() as u64 >= total {
            return Ok(servers);
        }
        page.page += 1;
    }
}

async fn one(store: &Store, pool: &EnginePool, server: &Server) -> Vec<Finding> {
    let what = format!("server {}", server.name);
    if !server.enabled {
        return vec![Finding::ok(what, "switched off here, not asked")];
    }
    let way = match store.server_for_engine(server.id).await {
        Ok(way) => way,
        Err(error) => {
            return vec![Finding::problem(
                what,
                error.to_string(),
                "Its TLS or SSH secrets cannot be opened: see the secret key above.",
            )];
        }
    };
    let began = SystemClock.now();
    let engine = pool.connect(&way);
    let asked = tokio::time::timeout(PATIENCE, engine.info()).await;
    let info = asked.unwrap_or_else(|_| {
        Err(Failure::new(
            ErrorCode::EngineTimeout,
            format!("The engine did not answer within {} s.", PATIENCE.as_secs()),
        ))
    });
    let ended = SystemClock.now();
    match info {
        Ok(info) => {
            let mut findings = vec![Finding::ok(
                what.clone(),
                format!(
                    "engine {} answers with API {}, its image store is {}",
                    info.engine_version,
                    info.api_version,
                    info.image_store.as_str()
                ),
            )];
            findings.extend(
                info.system_time
                    .and_then(|there| skew(&what, there, began, ended)),
            );
            findings.extend(server.warnings.iter().map(|warning| {
                Finding::warning(
                    what.clone(),
                    warning.message.clone(),
                    "Edit the server's connection.",
                )
            }));
            if server.paused {
                findings.push(Finding::warning(
                    what,
                    "its queue is paused",
                    "Resume it when work should go on there.",
                ));
            }
            findings
        }
        Err(failure) => {
            let told = failure.info();
            let advice = told.hint.unwrap_or_else(|| "Check its endpoint.".to_owned());
            vec![Finding::problem(what, told.message, advice)]
        }
    }
}
