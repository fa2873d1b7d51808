use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use imagefleet_engine::LogOptions;
use imagefleet_model::{Timestamp, Verb};
use serde::Deserialize;

use super::change::explained;
use super::{engine_of, require};
use crate::extract::{Caller, Path, Query};
use crate::{AppState, Problem};

/// Which part of the log.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Options {
    /// The last so many lines, or `all`.
    tail: Option<String>,
    /// Go on as it grows, until the container ends or the client leaves.
    #[serde(default)]
    follow: bool,
    /// Not before: RFC 3339, seconds since 1970, or how long ago (`90s`, `10m`, `2h`, `1d`).
    since: Option<String>,
    /// Put a time before each line.
    #[serde(default)]
    timestamps: bool,
    /// As a file to be saved.
    #[serde(default)]
    download: bool,
}

/// What a container wrote, standard output and standard error as they came, as a stream of text.
#[utoipa::path(
    get, path = "/containers/{id}/logs", tag = "containers", operation_id = "readContainerLogs",
    params(("id" = i64, Path), Options),
    responses((status = 200, description = "The log", content_type = "text/plain", body = String)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(options): Query<Options>,
) -> Result<Response, Problem> {
    let container = require(&state, &caller, Verb::ContainerManage, id)
        .await?
        .container;
    let asked = LogOptions {
        follow: options.follow && !options.download,
        tail: tail(options.tail.as_deref())?,
        since: options
            .since
            .as_deref()
            .map(|text| since(text, state.now()).ok_or_else(wrong_since))
            .transpose()?,
        timestamps: options.timestamps,
    };
    let engine = engine_of(&state, &container).await?;
    let chunks = engine
        .logs(&container.engine_id, asked)
        .await
        .map_err(explained)?;
    // An error in the middle breaks the connection: nobody takes a part for the whole.
    let bytes = chunks.map(|chunk| chunk.map(|chunk| chunk.bytes).map_err(std::io::Error::other));
    let bytes = bytes.take_until(state.ending.clone().cancelled_owned());
    let mut response = Body::from_stream(bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A proxy that waits for more would hold lines back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    // A container's name is letters, digits, dots, underscores and hyphens.
    if options.download
        && let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{}.log\"", container.name))
    {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

fn tail(text: Option<&str>) -> Result<Option<u64>, Problem> {
    match text {
        None | Some("all") => Ok(None),
        Some(text) => match text.parse() {
            Ok(lines) => Ok(Some(lines)),
            Err(_) => Err(Problem::field("tail", "must be a number of lines, or all")),
        },
    }
}

fn wrong_since() -> Problem {
    Problem::field(
        "since",
        "must be a time such as 2026-01-31T12:00:00Z, seconds since 1970, or how long ago, such as 10m",
    )
}

fn since(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.with_timezone(&Utc));
    }
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: i64 = number.parse().ok()?;
    let seconds = match unit {
        "" => return DateTime::from_timestamp(number, 0),
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    now.checked_sub_signed(TimeDelta::try_seconds(number.checked_mul(seconds)?)?)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::{since, tail};

    #[test]
    fn times_in_every_form() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        let seconds = |text: &str| since(text, now).map(|at| at.timestamp());
        assert_eq!(seconds("2023-11-14T22:13:20+00:00"), Some(1_700_000_000));
        assert_eq!(seconds("1600000000"), Some(1_600_000_000));
        assert_eq!(seconds("90s"), Some(1_699_999_910));
        assert_eq!(seconds("10m"), Some(1_699_999_400));
        assert_eq!(seconds("1d"), Some(1_699_913_600));
        for wrong in [
            "yesterday",
            "",
            "-5m",
            "5y",
            "99999999999999999999",
            "9999999999999999d",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_tail_is_a_number_or_all() {
        assert_eq!(tail(Some("10")).expect("good"), Some(10));
        assert_eq!(tail(Some("all")).expect("good"), None);
        assert!(tail(Some("-1")).is_err() && tail(Some("x")).is_err());
    }
}
