use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use imagefleet_model::ErrorCode;
use imagefleet_operations::uploads::{Part, measure, receive};

use super::create::no_room;
use super::tus::{
    OFFSET_OCTET_STREAM, UPLOAD_EXPIRES, UPLOAD_LENGTH, UPLOAD_OFFSET, check_version, checksum, has_bytes,
    http_date, number,
};
use super::{require, stream};
use crate::extract::{Caller, Path};
use crate::{AppState, Problem};

/// Send bytes of an upload (tus: core). What came before a connection broke is kept; with a checksum all of the
/// request's bytes are kept or none.
#[utoipa::path(
    patch, path = "/uploads/{id}", tag = "uploads", operation_id = "patchUpload",
    params(
        ("id" = String, Path),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Offset" = i64, Header, description = "Where these bytes begin: what `HEAD` said last"),
        ("Upload-Length" = Option<i64>, Header, description = "Bytes in all, when that was left open"),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha256 <Base64>` or `sha1 <Base64>`"),
    ),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses(
        (status = 204, description = "Kept", headers(("Upload-Offset" = i64), ("Upload-Expires" = String))),
        (status = 409, description = "The upload stands elsewhere, or another request sends bytes of it"),
        (status = 413, description = "More bytes than were announced, or a length that there is no room for (`no_space`)"),
        (status = 415, description = "Not `application/offset+octet-stream`"),
        (status = 460, description = "The checksum is wrong: nothing was kept"),
    ),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, HeaderMap), Problem> {
    check_version(&headers, true)?;
    // One file comes in hundreds of these.
    caller.audit_nothing();
    let mut upload = require(&state, &caller, &id).await?;
    if !has_bytes(&headers) {
        let sentence = format!("Send the bytes as Content-Type: {OFFSET_OCTET_STREAM}.");
        return Err(
            Problem::new(ErrorCode::InvalidBody, sentence).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        );
    }
    let Some(offset) = number(&headers, &UPLOAD_OFFSET)? else {
        let sentence = "Send Upload-Offset: where these bytes begin.";
        return Err(Problem::new(ErrorCode::InvalidInput, sentence).with_status(StatusCode::BAD_REQUEST));
    };
    let checksum = checksum(&headers)?;
    let deps = state.operations.deps();
    if let (None, Some(length)) = (upload.length, number(&headers, &UPLOAD_LENGTH)?)
        && offset == upload.received
        && measure(deps, &upload, length).await.map_err(no_room)?
    {
        upload.length = Some(length);
    }
    let part = Part {
        offset,
        size: number(&headers, &header::CONTENT_LENGTH)?,
        checksum,
        bytes: stream(body),
    };
    let received = receive(deps, upload, part).await?;
    if let Some(broken) = received.broken {
        return Err(broken.into());
    }
    let mut headers = HeaderMap::new();
    headers.insert(UPLOAD_OFFSET, HeaderValue::from(received.upload.received));
    headers.insert(UPLOAD_EXPIRES, http_date(received.upload.expires_at));
    Ok((StatusCode::NO_CONTENT, headers))
}
