use imagefleet_model::ErrorCode;
use proptest::prelude::*;

use super::TransferState;
use crate::TransferUpdate;
use crate::docker::errors::Topic;

const CLASSIC: &str = concat!(
    r#"{"status":"Pulling from demo/web","id":"1.0"}"#,
    "\r\n",
    r#"{"status":"Already exists","progressDetail":{},"id":"aaa"}"#,
    "\r\n",
    r#"{"status":"Pulling fs layer","progressDetail":{},"id":"bbb"}"#,
    "\r\n",
    r#"{"status":"Pulling fs layer","progressDetail":{},"id":"ccc"}"#,
    "\r\n",
    r#"{"status":"Downloading","progressDetail":{"current":400,"total":1000},"progress":"[=> ]","id":"bbb"}"#,
    "\r\n",
    r#"{"status":"Retrying in 1 second","progressDetail":{},"id":"bbb"}"#,
    "\r\n",
    r#"{"status":"Downloading","progressDetail":{"current":100,"total":1000},"id":"bbb"}"#,
    "\r\n",
    r#"{"status":"Verifying Checksum","progressDetail":{},"id":"bbb"}"#,
    "\r\n",
    r#"{"status":"Download complete","progressDetail":{},"id":"bbb"}"#,
    "\r\n",
    r#"{"status":"Downloading","progressDetail":{"current":3000,"total":3000},"id":"ccc"}"#,
    "\r\n",
    r#"{"status":"Extracting","progressDetail":{"current":250,"total":1000},"id":"bbb"}"#,
    "\r\n",
    r#"{"status":"Pull complete","progressDetail":{},"id":"bbb"}"#,
    "\r\n",
    r#"{"status":"Pull complete","progressDetail":{},"id":"ccc"}"#,
    "\r\n",
    r#"{"status":"Digest: sha256:d1"}"#,
    "\r\n",
    r#"{"status":"Status: Downloaded newer image for demo/web:1.0"}"#,
    "\r\n",
);

/// Every picture of a stream that is cut into pieces of `size` bytes.
fn pictures(topic: Topic, text: &str, size: usize) -> Vec<TransferUpdate> {
    let mut state = TransferState::new(topic);
    let mut seen = Vec::new();
    for chunk in text.as_bytes().chunks(size.max(1)) {
        let (update, outcome) = state.push(chunk);
        outcome.expect("no failure");
        seen.extend(update);
    }
    state.finish().expect("whole");
    assert!(state.concluded());
    seen
}

#[test]
fn a_classic_pull() {
    let last = pictures(Topic::Registry, CLASSIC, usize::MAX).pop().expect("one");
    assert_eq!(last.message, "Status: Downloaded newer image for demo/web:1.0");
    assert_eq!(last.digest.as_deref(), Some("sha256:d1"));
    assert_eq!((last.bytes_done, last.bytes_total), (4_000, Some(4_000)));
    assert_eq!(last.percent, 99);
    let layers: Vec<_> = last
        .layers
        .iter()
        .map(|layer| (layer.id.as_str(), layer.status.as_str(), layer.bytes_total))
        .collect();
    assert_eq!(
        layers,
        [
            ("aaa", "exists", None),
            ("bbb", "done", Some(1_000)),
            ("ccc", "done", Some(3_000))
        ]
    );
}

#[test]
fn nothing_falls_back() {
    let seen = pictures(Topic::Registry, CLASSIC, 1);
    for pair in seen.windows(2) {
        assert!(pair[0].bytes_done <= pair[1].bytes_done);
        assert!(pair[0].bytes_total <= pair[1].bytes_total);
        assert!(pair[0].percent <= pair[1].percent);
    }
}

#[test]
fn the_containerd_store_extracts_in_seconds() {
    let text = concat!(
        r#"{"status":"Pulling fs layer","progressDetail":{},"id":"a"}"#,
        r#"{"status":"Downloading","progressDetail":{"current":500,"total":500},"id":"a"}"#,
        r#"{"status":"Download complete","progressDetail":{"hidecounts":true},"id":"a"}"#,
        r#"{"status":"Extracting","progressDetail":{"current":7,"units":"s"},"id":"a"}"#,
    );
    let mut state = TransferState::new(Topic::Registry);
    let (update, outcome) = state.push(text.as_bytes());
    assert!(outcome.is_ok() && state.silent_phase() && !state.concluded());
    let update = update.expect("a picture");
    assert_eq!((update.bytes_done, update.bytes_total), (500, Some(500)));
    assert_eq!(
        (update.layers[0].status.as_str(), update.layers[0].bytes_done),
        ("extracting", 0)
    );
    assert_eq!(update.percent, 80);
}

#[test]
fn a_push_and_a_load_tell_what_came_of_them() {
    let push = concat!(
        r#"{"status":"The push refers to repository [127.0.0.1:5000/a]"}"#,
        "\n",
        r#"{"status":"Preparing","progressDetail":{},"id":"l1"}"#,
        "\n",
        r#"{"status":"Layer already exists","progressDetail":{},"id":"l0"}"#,
        "\n",
        r#"{"status":"Pushing","progressDetail":{"current":5,"total":10},"id":"l1"}"#,
        "\n",
        r#"{"status":"Pushed","progressDetail":{},"id":"l1"}"#,
        "\n",
        r#"{"status":"1: digest: sha256:p size: 528"}"#,
        "\n",
        r#"{"progressDetail":{},"aux":{"Tag":"1","Digest":"sha256:p","Size":528}}"#,
    );
    let last = pictures(Topic::Registry, push, 7).pop().expect("one");
    assert_eq!((last.digest.as_deref(), last.bytes_done), (Some("sha256:p"), 10));

    let load = concat!(
        r#"{"status":"Loading layer","progressDetail":{"current":5,"total":10},"id":"l1"}"#,
        r#"{"stream":"Loaded image: demo/web:1.0\n"}"#,
        r#"{"stream":"Loaded image: localhost/a:1,localhost/b:2\n"}"#,
    );
    let last = pictures(Topic::Load, load, 9).pop().expect("one");
    assert_eq!(last.loaded, ["demo/web:1.0", "localhost/a:1", "localhost/b:2"]);
}

#[test]
fn an_error_ends_it_and_keeps_what_was() {
    let text = concat!(
        r#"{"status":"Pulling from a","id":"1"}"#,
        r#"{"errorDetail":{"message":"toomanyrequests: slow down"},"error":"toomanyrequests: slow down"}"#,
    );
    let mut state = TransferState::new(Topic::Registry);
    let (update, outcome) = state.push(text.as_bytes());
    assert_eq!(update.expect("a picture").message, "Pulling from a");
    assert_eq!(outcome.expect_err("a failure").code, ErrorCode::RateLimited);
    let (_, outcome) = TransferState::new(Topic::Registry).push(b"<html>");
    assert_eq!(outcome.expect_err("garbage").code, ErrorCode::EngineError);
}

proptest! {
    #[test]
    fn any_chunking_ends_the_same(size in 1_usize..400) {
        let whole = pictures(Topic::Registry, CLASSIC, usize::MAX).pop();
        let mut cut = pictures(Topic::Registry, CLASSIC, size).pop();
        // The percentage may have been seen at other moments, never at another end.
        if let (Some(cut), Some(whole)) = (cut.as_mut(), whole.as_ref()) {
            prop_assert_eq!(cut.percent, whole.percent);
        }
        prop_assert_eq!(cut, whole);
    }

    #[test]
    fn arbitrary_messages_never_panic_nor_fall_back(
        messages in prop::collection::vec(("[a-c]", prop::sample::select(vec![
            "Downloading", "Extracting", "Pull complete", "Waiting", "Already exists", "Verifying Checksum", "Pushing", "odd",
        ]), any::<i64>(), any::<i64>()), 0..40)
    ) {
        let mut state = TransferState::new(Topic::Registry);
        let mut before = TransferUpdate::default();
        for (id, status, current, total) in messages {
            let (current, total) = (current >> 8, total >> 8);
            let line = serde_json::json!({"id": id, "status": status, "progressDetail": {"current": current, "total": total}});
            let (update, outcome) = state.push(line.to_string().as_bytes());
            prop_assert!(outcome.is_ok());
            let update = update.expect("whole object");
            prop_assert!(update.bytes_done >= before.bytes_done && update.percent >= before.percent);
            prop_assert!(update.bytes_total >= before.bytes_total);
            before = update;
        }
    }
}
