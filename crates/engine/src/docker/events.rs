use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::try_unfold;
use hyper::body::Incoming;
use imagefleet_model::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::call::Call;
use super::client::{Client, next_chunk};
use super::errors::Topic;
use super::json_lines::{JsonLines, read};
use super::wire::{from_seconds, or_default};
use crate::{EngineEvent, Result, Stream};

/// One message of `GET /events`.
#[derive(Debug, Deserialize)]
struct EventMessage {
    #[serde(rename = "Type", default)]
    kind: String,
    #[serde(rename = "Action", default, deserialize_with = "or_default")]
    action: String,
    #[serde(rename = "Actor", default, deserialize_with = "or_default")]
    actor: Actor,
    #[serde(default)]
    time: i64,
    #[serde(rename = "timeNano", default)]
    time_nano: i64,
}

#[derive(Debug, Default, Deserialize)]
struct Actor {
    #[serde(rename = "ID", default)]
    id: String,
    #[serde(rename = "Attributes", default, deserialize_with = "or_default")]
    attributes: Attributes,
}

/// What else is told, all of it as text. An event counts even when this is something else.
#[derive(Debug, Default, Deserialize)]
struct Attributes {
    /// Docker's, and beside its own Podman's.
    #[serde(rename = "exitCode", default)]
    exit_code: Value,
}

impl EventMessage {
    /// Commands run inside containers are nobody's business here, and there are many.
    fn into_event(self) -> Option<EngineEvent> {
        let matters =
            matches!(self.kind.as_str(), "image" | "container") && !self.action.starts_with("exec_");
        matters.then(|| EngineEvent {
            at: if self.time_nano > 0 {
                Some(Timestamp::from_timestamp_nanos(self.time_nano))
            } else {
                from_seconds(self.time)
            },
            // Podman tells one with whatever happens.
            exit_code: match self.actor.attributes.exit_code {
                Value::String(code) if self.action == "die" => code.parse().ok(),
                _ => None,
            },
            kind: self.kind,
            action: self.action,
            id: self.actor.id,
        })
    }
}

pub(super) async fn events(client: &Client, since: Option<Timestamp>) -> Result<Stream<EngineEvent>> {
    let mut call = Call::get("/events", Topic::Engine).query("filters", r#"{"type":["image","container"]}"#);
    if let Some(since) = since {
        let nanos = since.timestamp_subsec_nanos();
        call = call.query("since", &format!("{}.{nanos:09}", since.timestamp()));
    }
    let body = client.open(call).await?;
    Ok(objects(body, JsonLines::default(), message))
}

/// One message; `None` when it matters to nobody.
pub(super) fn message(object: &Bytes) -> Result<Option<EngineEvent>> {
    read::<EventMessage>(object).map(EventMessage::into_event)
}

/// What `make` makes of every object of a stream without an end. An engine may say nothing for days: a dead one is
/// noticed by the keepalive of the connection.
pub(super) fn objects<T, F>(body: Incoming, lines: JsonLines, make: F) -> Stream<T>
where
    T: Send + 'static,
    F: FnMut(&Bytes) -> Result<Option<T>> + Send + 'static,
{
    let start = (body, lines, make, VecDeque::new());
    try_unfold(start, |(mut body, mut lines, mut make, mut ready)| async move {
        loop {
            if let Some(item) = ready.pop_front() {
                return Ok(Some((item, (body, lines, make, ready))));
            }
            let Some(chunk) = next_chunk(&mut body, None).await? else {
                lines.finish()?;
                return Ok(None);
            };
            for object in lines.push(&chunk)? {
                ready.extend(make(&object)?);
            }
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::message;

    fn exit_code(action: &str, attributes: &str) -> Option<i64> {
        let text = format!(
            r#"{{"Type":"container","Action":"{action}","Actor":{{"ID":"c1","Attributes":{attributes}}},"time":7}}"#
        );
        let event = message(&Bytes::from(text)).expect("read").expect("it matters");
        assert_eq!((event.id.as_str(), event.action.as_str()), ("c1", action));
        event.exit_code
    }

    #[test]
    fn only_an_end_has_an_exit_code() {
        assert_eq!(exit_code("die", r#"{"exitCode":"3","image":"x"}"#), Some(3));
        let of_podman = r#"{"containerExitCode":"5","exitCode":"5","image":"x","name":"n","podId":""}"#;
        assert_eq!(exit_code("die", of_podman), Some(5));
        assert_eq!(
            exit_code("start", r#"{"containerExitCode":"0","exitCode":"0"}"#),
            None
        );
        for odd in ["null", "{}", r#"{"exitCode":3}"#, r#"{"exitCode":"?"}"#] {
            assert_eq!(exit_code("die", odd), None, "{odd}");
        }
    }
}
