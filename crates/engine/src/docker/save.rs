use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::try_unfold;
use hyper::body::Incoming;
use imagefleet_model::{ErrorCode, Failure};

use super::call::{Call, segment};
use super::client::{Client, next_chunk};
use super::connection::Limits;
use super::errors::{Topic, reported};
use super::json_lines::read;
use crate::{Result, Stream};

/// An error that the engine writes behind the tar because its head has long been sent.
#[derive(serde::Deserialize)]
struct ErrorMessage {
    error: String,
}

pub(super) async fn save(client: &Client, names: &[String]) -> Result<Stream<Bytes>> {
    if names.is_empty() {
        return Err(Failure::new(
            ErrorCode::InvalidInput,
            "no image was named to be saved",
        ));
    }
    let mut call = Call::get("/images/get", Topic::Image).within(client.limits.preparing);
    for name in names {
        segment(name)?;
        call = call.query("names", name);
    }
    let body = client.open(call).await?;
    Ok(chunks(body, client.limits))
}

struct Reading {
    body: Incoming,
    limits: Limits,
    first: bool,
    /// A chunk that may be an error's message: it is one when nothing follows.
    suspect: Option<Bytes>,
    next: Option<Bytes>,
}

fn chunks(body: Incoming, limits: Limits) -> Stream<Bytes> {
    let reading = Reading {
        body,
        limits,
        first: true,
        suspect: None,
        next: None,
    };
    try_unfold(reading, |mut reading| async move {
        if let Some(next) = reading.next.take() {
            return Ok(Some((next, reading)));
        }
        loop {
            let limit = if reading.first {
                reading.limits.preparing
            } else {
                reading.limits.idle
            };
            let chunk = next_chunk(&mut reading.body, Some(limit)).await?;
            reading.first = false;
            match (reading.suspect.take(), chunk) {
                (None, None) => return Ok(None),
                (Some(suspect), None) => return Err(error_behind(&suspect)),
                (Some(suspect), Some(chunk)) => {
                    reading.next = Some(chunk);
                    return Ok(Some((suspect, reading)));
                }
                (None, Some(chunk)) if chunk.starts_with(b"{\"error") => reading.suspect = Some(chunk),
                (None, Some(chunk)) => return Ok(Some((chunk, reading))),
            }
        }
    })
    .boxed()
}

/// A tar ends with zeros, so what ends like this is an error.
fn error_behind(suspect: &[u8]) -> Failure {
    match read::<ErrorMessage>(suspect.trim_ascii()) {
        Ok(message) => reported(Topic::Image, &message.error),
        Err(_) => Failure::new(
            ErrorCode::EngineError,
            "the engine's archive ends in something that is no tar",
        ),
    }
}
