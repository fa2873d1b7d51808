use axum::extract::State;
use axum::http::{StatusCode, header};
use imagefleet_model::{Software, Verb};

use super::body::SoftwareBody;
use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Target};
use crate::{AppState, Problem};

/// Add a catalogue entry. For a repository that a built-in entry knows, the own one goes first.
#[utoipa::path(
    post, path = "/software", tag = "software", operation_id = "createSoftware", request_body = SoftwareBody,
    responses((status = 201, description = "Added", body = Software)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<SoftwareBody>,
) -> Result<(StatusCode, [(header::HeaderName, String); 1], Json<Software>), Problem> {
    caller.audit(AuditNote::new("software.create", &body.name));
    caller.require(Verb::SoftwareManage, Target::Everything)?;
    let software = state.store.create_software(body.check("")?).await?;
    let location = format!("/api/v1/software/{}", software.id);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(software),
    ))
}
