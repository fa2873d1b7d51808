use std::collections::BTreeSet;
use std::time::Duration;

use imagefleet_engine::Engine as _;

use crate::fleet::{Fleet, Server};

/// How long a watcher may take to be back and in step.
const PATIENCE: u32 = 300;

const IMAGES: &str = "the inventory is what the engines hold, by itself";
const CONTAINERS: &str = "the containers are what the engines hold, by itself";
const COUNTS: &str = "the counts of a server are those of its list";

/// Compares what is stored with what each engine holds.
pub async fn check(fleet: &Fleet) {
    for server in &fleet.servers {
        agree(fleet, server, IMAGES, stored_images, held_images).await;
        agree(fleet, server, CONTAINERS, stored_containers, held_containers).await;
        let shown = fleet.get(&format!("/servers/{}", server.id)).await;
        let listed = fleet.list(&format!("/images?serverId={}", server.id)).await.len();
        fleet.tally.hold(
            COUNTS,
            shown["imageCount"].as_u64() == Some(listed as u64),
            || format!("{listed} listed: {shown}"),
        );
    }
}

type Set = BTreeSet<(String, String)>;

async fn agree(
    fleet: &Fleet,
    server: &Server,
    invariant: &'static str,
    stored: impl AsyncFn(&Fleet, i64) -> Set,
    held: impl AsyncFn(&Server) -> Set,
) {
    let (mut theirs, mut ours) = (Set::new(), Set::new());
    for _ in 0..PATIENCE {
        (theirs, ours) = (held(server).await, stored(fleet, server.id).await);
        if theirs == ours {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let shown = fleet.get(&format!("/servers/{}", server.id)).await;
    fleet.tally.hold(invariant, theirs == ours, || {
        let missing: Vec<_> = theirs.difference(&ours).collect();
        let surplus: Vec<_> = ours.difference(&theirs).collect();
        format!("missing {missing:?}, surplus {surplus:?} on {shown}")
    });
}

/// Rows that a failed first pull left name no content.
async fn stored_images(fleet: &Fleet, server: i64) -> Set {
    let rows = fleet.list(&format!("/images?serverId={server}")).await;
    let rows = rows
        .iter()
        .filter(|row| row["engineId"].as_str().is_some_and(|id| !id.is_empty()));
    rows.map(|row| (text(&row["fullName"]), text(&row["engineId"])))
        .collect()
}

async fn held_images(server: &Server) -> Set {
    let images = server.engine.images().await.expect("nothing is wrong any more");
    images
        .into_iter()
        .flat_map(|image| {
            let names = if image.repo_tags.is_empty() {
                vec![image.id.clone()]
            } else {
                image.repo_tags
            };
            names.into_iter().map(move |name| (name, image.id.clone()))
        })
        .collect()
}

async fn stored_containers(fleet: &Fleet, server: i64) -> Set {
    let rows = fleet.list(&format!("/containers?serverId={server}")).await;
    rows.iter()
        .map(|row| (text(&row["engineId"]), text(&row["state"])))
        .collect()
}

async fn held_containers(server: &Server) -> Set {
    let containers = server
        .engine
        .containers()
        .await
        .expect("nothing is wrong any more");
    containers
        .into_iter()
        .map(|container| (container.id, container.state))
        .collect()
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
