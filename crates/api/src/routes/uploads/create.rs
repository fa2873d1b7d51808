use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use imagefleet_model::{ErrorCode, Failure, Verb};
use imagefleet_operations::uploads::{Begin, Part, begin, receive, remove};
use imagefleet_store::Upload;

use super::stream;
use super::tus::{
    UPLOAD_DEFER_LENGTH, UPLOAD_EXPIRES, UPLOAD_LENGTH, UPLOAD_OFFSET, check_version, checksum, file_name,
    has_bytes, http_date, metadata, number,
};
use crate::audit::AuditNote;
use crate::extract::{Caller, Target};
use crate::{AppState, Problem};

/// Begin an upload (tus: creation). `Location` says where its bytes go by `PATCH`; some or all of them may come along
/// in the body already.
#[utoipa::path(
    post, path = "/uploads", tag = "uploads", operation_id = "createUpload",
    params(
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Length" = Option<i64>, Header, description = "Bytes in all"),
        ("Upload-Defer-Length" = Option<i64>, Header, description = "`1`: the length is told later"),
        ("Upload-Metadata" = Option<String>, Header, description = "`filename <Base64>`"),
        ("Upload-Checksum" = Option<String>, Header, description = "Of the bytes in the body: `sha256 <Base64>`"),
    ),
    responses(
        (status = 201, description = "Begun", headers(("Location" = String), ("Upload-Expires" = String))),
        (status = 413, description = "There is no room for so much (`no_space`)"),
    ),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, HeaderMap), Problem> {
    check_version(&headers, true)?;
    caller.require(Verb::ImageImport, Target::Anything)?;
    let metadata = metadata(&headers)?;
    let new = Begin {
        user_id: caller.user_id,
        file_name: file_name(&metadata),
        length: length(&headers)?,
        metadata,
    };
    let sum = checksum(&headers)?;
    let deps = state.operations.deps();
    let mut upload = begin(deps, new).await.map_err(no_room)?;
    caller.audit(AuditNote::new("upload.create", &upload.file_name));
    let with_bytes = has_bytes(&headers);
    if with_bytes {
        let part = Part {
            offset: 0,
            size: number(&headers, &header::CONTENT_LENGTH)?,
            checksum: sum,
            bytes: stream(body),
        };
        upload = match receive(deps, upload.clone(), part).await {
            Ok(received) => received.upload,
            Err(failure) => {
                // Nobody knows its address yet.
                remove(deps, &upload).await?;
                return Err(failure.into());
            }
        };
    }
    Ok((StatusCode::CREATED, answer(&upload, with_bytes)))
}

/// The announced length; `None` when it is told later.
fn length(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let length = number(headers, &UPLOAD_LENGTH)?;
    let deferred = headers.get(&UPLOAD_DEFER_LENGTH);
    match (length, deferred) {
        (Some(length), None) => Ok(Some(length)),
        (None, Some(deferred)) if deferred == "1" => Ok(None),
        _ => Err(Problem::new(
            ErrorCode::InvalidInput,
            "Send either Upload-Length with the bytes of the file, or Upload-Defer-Length: 1.",
        )
        .with_status(StatusCode::BAD_REQUEST)),
    }
}

/// What is larger than the largest that there is room for is 413 in tus.
pub(super) fn no_room(failure: Failure) -> Problem {
    Problem::from(failure).with_status_of(ErrorCode::NoSpace, StatusCode::PAYLOAD_TOO_LARGE)
}

fn answer(upload: &Upload, with_bytes: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // An upload's id is hexadecimal digits.
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/uploads/{}", upload.id)) {
        headers.insert(header::LOCATION, location);
    }
    headers.insert(UPLOAD_EXPIRES, http_date(upload.expires_at));
    if with_bytes {
        headers.insert(UPLOAD_OFFSET, HeaderValue::from(upload.received));
    }
    headers
}
