use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use bytes::Bytes;
use imagefleet_archive::build::docker_archive;
use imagefleet_tests::archives::image;
use serde_json::{Value, json};

use crate::fleet::Fleet;
use crate::random::Random;

/// Bytes of a layer of an archive that is brought along.
const LAYER: usize = 40_000;

/// Does one thing that a person might do.
pub async fn one(fleet: &Fleet, random: &mut Random) {
    match random.below(20) {
        0..=4 => pull(fleet, random).await,
        5 => sync(fleet, random).await,
        6 | 7 => delete(fleet, random).await,
        8 | 9 => export(fleet, random).await,
        10 => import_export(fleet, random).await,
        11 => import_new(fleet, random).await,
        12 | 13 => copy(fleet, random).await,
        14 => create(fleet, random).await,
        15 => change_container(fleet, random).await,
        16 | 17 => cancel(fleet, random).await,
        18 => retry(fleet, random).await,
        _ => remove_archive(fleet, random).await,
    }
}

/// Begins an operation; a refusal is an answer too.
async fn begin(fleet: &Fleet, path: &str, body: Value) {
    let answer = fleet.ask(Method::POST, path, Some(body)).await;
    if answer.status == StatusCode::ACCEPTED {
        fleet.began(answer.body["id"].as_str().expect("an id"));
    }
}

fn servers(fleet: &Fleet, random: &mut Random) -> Vec<i64> {
    random.some(&fleet.server_ids(), 3)
}

/// Some of the first images that the list shows; those that a failed pull left are among them.
async fn images(fleet: &Fleet, random: &mut Random, most: u64) -> Vec<i64> {
    let server = random.of(&fleet.server_ids()).copied().unwrap_or_default();
    let listed = fleet.get(&format!("/images?serverId={server}&size=100")).await;
    let ids: Vec<i64> = listed["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item["id"].as_i64())
        .collect();
    random.some(&ids, most)
}

async fn pull(fleet: &Fleet, random: &mut Random) {
    let reference = match random.below(12) {
        0 => "missing/app:1".to_owned(),
        1 => "library/nginx".to_owned(),
        _ => format!("team/app{}:1.{}", random.below(8), random.below(3)),
    };
    begin(
        fleet,
        "/images/pull",
        json!({"reference": reference, "serverIds": servers(fleet, random)}),
    )
    .await;
}

async fn sync(fleet: &Fleet, random: &mut Random) {
    let body = if random.one_in(3) {
        json!({})
    } else {
        json!({"serverIds": servers(fleet, random)})
    };
    begin(fleet, "/images/sync", body).await;
}

async fn delete(fleet: &Fleet, random: &mut Random) {
    let ids = images(fleet, random, 2).await;
    begin(
        fleet,
        "/images/delete",
        json!({"imageIds": ids, "force": random.one_in(2)}),
    )
    .await;
}

async fn export(fleet: &Fleet, random: &mut Random) {
    let compression = *random.of(&["none", "gzip", "zstd"]).unwrap_or(&"none");
    let body = if random.one_in(6) {
        json!({"serverId": servers(fleet, random)[0], "compression": compression})
    } else {
        json!({"imageIds": images(fleet, random, 3).await, "compression": compression})
    };
    begin(fleet, "/images/export", body).await;
}

/// What one server gave goes to others, perhaps cut.
async fn import_export(fleet: &Fleet, random: &mut Random) {
    let exports = fleet.list("/exports").await;
    let Some(id) = random
        .of(&exports)
        .and_then(|export| export["id"].as_str().map(ToOwned::to_owned))
    else {
        return;
    };
    let path = format!("/api/v1/exports/{id}/file");
    let file = fleet.client().await.raw("GET", &path, &[], Body::empty()).await;
    if file.status == StatusCode::OK {
        let whole = file.bytes.len();
        let keep = if random.one_in(4) { whole / 2 } else { whole };
        import(fleet, random, file.bytes.slice(..keep)).await;
    }
}

/// An archive that nobody has.
async fn import_new(fleet: &Fleet, random: &mut Random) {
    let reference = format!("brought/app{}:{}", random.below(4), random.below(3));
    let (one, other) = (random.below(6), random.below(1_000));
    import(
        fleet,
        random,
        docker_archive(&[image(&[&reference], &[one, other], LAYER)]),
    )
    .await;
}

/// Uploads it in two pieces and imports it; a broken one is refused when it is looked into.
async fn import(fleet: &Fleet, random: &mut Random, archive: Bytes) {
    let client = fleet.client().await;
    let length = archive.len().to_string();
    let begun = [
        ("tus-resumable", "1.0.0"),
        ("upload-length", length.as_str()),
        ("upload-metadata", "filename YS50YXI="),
    ];
    let created = client.raw("POST", "/api/v1/uploads", &begun, Body::empty()).await;
    if created.status != StatusCode::CREATED {
        return;
    }
    let path = created.header(header::LOCATION.as_str()).to_owned();
    let middle = archive.len() / 2;
    for (offset, piece) in [(0, archive.slice(..middle)), (middle, archive.slice(middle..))] {
        if offset > 0 && random.one_in(8) {
            // Somebody has closed the lid.
            return;
        }
        let offset = offset.to_string();
        let headers = [
            ("tus-resumable", "1.0.0"),
            ("upload-offset", offset.as_str()),
            ("content-type", "application/offset+octet-stream"),
        ];
        client.raw("PATCH", &path, &headers, piece).await;
    }
    let id = path.rsplit('/').next().unwrap_or_default();
    let body = json!({"uploadId": id, "serverIds": servers(fleet, random), "force": random.one_in(2)});
    begin(fleet, "/images/import", body).await;
}

async fn copy(fleet: &Fleet, random: &mut Random) {
    if let Some(id) = images(fleet, random, 1).await.first() {
        begin(
            fleet,
            "/images/copy",
            json!({"imageId": id, "serverIds": servers(fleet, random)}),
        )
        .await;
    }
}

async fn create(fleet: &Fleet, random: &mut Random) {
    let Some(id) = images(fleet, random, 1).await.first().copied() else {
        return;
    };
    let mut form = json!({"name": format!("made-{}", random.below(1_000)), "networkMode": "none"});
    match random.below(6) {
        0 => form["command"] = json!(["missing"]),
        1 => form["volumes"] = json!([{"source": "/missing/x", "target": "/x"}]),
        2 => form["start"] = json!(false),
        _ => {}
    }
    begin(fleet, &format!("/images/{id}/containers"), form).await;
}

async fn change_container(fleet: &Fleet, random: &mut Random) {
    let all = fleet.list("/containers").await;
    let Some(id) = random.of(&all).and_then(|container| container["id"].as_i64()) else {
        return;
    };
    let verb = *random
        .of(&["start", "stop", "restart", "kill"])
        .unwrap_or(&"stop");
    if random.one_in(3) {
        fleet
            .ask(Method::DELETE, &format!("/containers/{id}?force=true"), None)
            .await;
    } else {
        fleet
            .ask(Method::POST, &format!("/containers/{id}/{verb}"), None)
            .await;
    }
}

async fn cancel(fleet: &Fleet, random: &mut Random) {
    let active = fleet.list("/operations?active=true").await;
    if let Some(id) = random.of(&active).and_then(|operation| operation["id"].as_str()) {
        fleet
            .ask(Method::POST, &format!("/operations/{id}/cancel"), None)
            .await;
    }
}

async fn retry(fleet: &Fleet, random: &mut Random) {
    let latest = fleet.get("/operations?size=30").await;
    let failed: Vec<&str> = latest["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|operation| operation["finishedAt"].is_string() && operation["status"] != "succeeded")
        .filter_map(|operation| operation["id"].as_str())
        .collect();
    if let Some(id) = random.of(&failed) {
        let answer = fleet
            .ask(Method::POST, &format!("/operations/{id}/retry"), None)
            .await;
        if answer.status.is_success() {
            fleet.began(id);
        }
    }
}

async fn remove_archive(fleet: &Fleet, random: &mut Random) {
    let kind = *random.of(&["exports", "uploads"]).unwrap_or(&"exports");
    let all = fleet.list(&format!("/{kind}")).await;
    if let Some(id) = random.of(&all).and_then(|archive| archive["id"].as_str()) {
        let headers = [("tus-resumable", "1.0.0")];
        let path = format!("/api/v1/{kind}/{id}");
        fleet
            .client()
            .await
            .raw("DELETE", &path, &headers, Body::empty())
            .await;
    }
}
