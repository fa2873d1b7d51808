//! What programs on one database tell each other.

use imagefleet_model::{OperationKind, Progress};
use imagefleet_store::testing::{self, TestStore};
use imagefleet_store::{Hearing, NewOperation, NewStep, News, ProgressUpdate, StepOutcome};
use serde_json::json;

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

async fn hear(hearing: &mut Hearing) -> Vec<News> {
    let news = tokio::time::timeout(PATIENCE, hearing.next()).await;
    news.expect("it comes").expect("the store is open")
}

async fn claim(at: &TestStore) -> i64 {
    at.store
        .claim_step("w", 30_000)
        .await
        .expect("claims")
        .expect("one")
        .id
}

/// A copy: its words name its source, too.
async fn create(at: &TestStore) -> String {
    let step = NewStep {
        server_id: 2,
        server_name: "server 2".to_owned(),
        image_id: None,
        repository: Some("team/app".to_owned()),
        tag: None,
        payload: json!({}),
        exclusive: true,
        bulk: false,
        share_key: None,
    };
    let new = NewOperation {
        kind: OperationKind::CopyImage,
        title: "Copy".to_owned(),
        user_id: None,
        created_by: "a".to_owned(),
        request: json!({"also": [[1, "team/source"]]}),
        steps: vec![step],
    };
    at.store.create_operation(new).await.expect("created").id
}

#[tokio::test]
async fn all_hear_the_same_in_the_same_order_and_whole() {
    let Some(at) = testing::shared().await else { return };
    let other = at.again().await;
    let mut here = at.store.hear().await.expect("read").expect("shared");
    let mut there = other.store.hear().await.expect("read").expect("shared");

    let id = create(&at).await;
    let step = claim(&at).await;
    let progress = Progress {
        percent: 40,
        ..Progress::default()
    };
    let stored = at
        .store
        .save_progress(&[ProgressUpdate { step, progress }])
        .await
        .expect("stored");
    other
        .store
        .tell(&[json!({"Server": 1}), json!({"Server": 2})])
        .await
        .expect("told");
    let well = StepOutcome::Succeeded("done".to_owned(), json!({}));
    at.store.finish_step(step, "w", &well).await.expect("stored");
    let ending = other
        .store
        .take_announcement(&id)
        .await
        .expect("read")
        .expect("ours");
    assert_eq!(ending.end.operation.also, [(1, "team/source".to_owned())]);

    let told = [
        News::Progress(stored),
        News::Other(json!({"Server": 1})),
        News::Other(json!({"Server": 2})),
        News::Progress(ending.last),
        News::Ended(Box::new(ending.end)),
    ];
    for hearing in [&mut here, &mut there] {
        let mut heard = Vec::new();
        while heard.len() < told.len() {
            heard.extend(hear(hearing).await);
        }
        assert_eq!(heard, told);
        assert!(hearing.rest().await.expect("read").is_empty(), "nothing twice");
    }
}

#[tokio::test]
async fn what_is_told_while_one_cannot_hear_is_heard_later() {
    let Some(at) = testing::shared().await else { return };
    let other = at.again().await;
    let mut hearing = at.store.hear().await.expect("read").expect("shared");
    at.store.tell(&[json!(0)]).await.expect("told");
    assert_eq!(hear(&mut hearing).await, [News::Other(json!(0))]);
    at.lose_connections().await;
    // The first attempt may meet a connection that is gone.
    while other.store.tell(&[json!(1)]).await.is_err() {}
    assert_eq!(hear(&mut hearing).await, [News::Other(json!(1))]);
}

#[tokio::test]
async fn a_store_of_one_program_has_nobody_to_tell() {
    let at = testing::sqlite().await;
    assert!(at.store.hear().await.expect("read").is_none());
}
