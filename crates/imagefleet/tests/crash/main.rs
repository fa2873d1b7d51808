//! The program, killed with `kill -9` in the middle of an import, an export, a copy and an upload on real engines: what
//! ran is interrupted after the next start, nothing half is offered, no file is left, and a retry does the rest.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod program;

use imagefleet_archive::build::docker_archive;
use imagefleet_tests::archives::image;
use imagefleet_tests::gate::{Gate, Passing};
use program::Program;
use serde_json::{Value, json};

const MIB: u64 = 1 << 20;

/// What the lab calls it; `None` without the lab.
fn lab(name: &str) -> Option<String> {
    let value = std::env::var(format!("IMAGEFLEET_LAB_{name}")).ok();
    assert!(
        value.is_some() || std::env::var_os("IMAGEFLEET_LAB_REQUIRED").is_none(),
        "IMAGEFLEET_LAB_REQUIRED is set, but IMAGEFLEET_LAB_{name} is not"
    );
    value
}

/// Kills the program when a connection through the gate stands in the middle, starts it again, and sees what became of
/// the operation; then lets everything pass and retries.
async fn killed_in_the_middle(program: &mut Program, gate: &Gate, before: u64, begun: &Value) -> Value {
    let id = begun["id"].as_str().expect("an operation");
    gate.stopped(before).await;
    program.kill();
    program.start().await;
    let ended = program.end_of(id).await;
    assert_eq!(ended["status"], "interrupted", "{ended:#}");
    assert_eq!(ended["error"]["code"], "interrupted");
    assert!(ended["error"]["hint"].is_string());
    gate.set(Passing::Freely);
    assert_eq!(
        program.get("/exports").await["total"],
        0,
        "nothing half is offered"
    );
    program.none_left("exports").await;
    program.post(&format!("/operations/{id}/retry"), json!({})).await;
    let done = program.end_of(id).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_everything() {
    let (Some(classic), Some(containerd)) = (lab("DOCKER20"), lab("CONTAINERD")) else {
        return;
    };
    let gate = Gate::before(&classic).await;
    let mut program = Program::new();
    program.start().await;
    let classic = program.server("classic", &gate.endpoint()).await;
    let containerd = program.server("containerd", &containerd).await;
    let seed = u64::from(std::process::id()) << 20;
    let name = format!("crash/{seed:x}:1");
    let archive = docker_archive(&[image(&[&name], &[seed, seed + 1], 6 << 20)]);

    let (upload, kept) = program.upload_half(&archive).await;
    program.kill();
    program.start().await;
    let offset = program.offset(&upload).await;
    assert!(offset <= kept, "what counts is stored");
    program.upload_rest(&upload, &archive, offset).await;

    gate.set(Passing::Until(2 * MIB));
    let import = json!({"uploadId": upload, "serverIds": [classic, containerd]});
    let begun = program.post("/images/import", import).await;
    killed_in_the_middle(&mut program, &gate, 0, &begun).await;
    let row = program.image(classic, &name).await;

    let stopped = gate.stopped(0).await;
    gate.set(Passing::Until(2 * MIB));
    let begun = program.post("/images/export", json!({"imageIds": [row]})).await;
    let done = killed_in_the_middle(&mut program, &gate, stopped, &begun).await;
    let export = done["steps"][0]["result"]["exportId"].as_str().expect("an id");
    assert_eq!(program.get("/exports").await["total"], 1);
    program.delete(&format!("/exports/{export}")).await;

    let row = program.image(containerd, &name).await;
    program.remove(classic, &name).await;
    let stopped = gate.stopped(0).await;
    gate.set(Passing::Until(2 * MIB));
    let begun = program
        .post("/images/copy", json!({"imageId": row, "serverIds": [classic]}))
        .await;
    killed_in_the_middle(&mut program, &gate, stopped, &begun).await;
    program.image(classic, &name).await;

    program.remove(classic, &name).await;
    program.remove(containerd, &name).await;
    program.delete(&format!("/uploads/{upload}")).await;
    program.none_left("uploads").await;
}
