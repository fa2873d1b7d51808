use std::collections::HashSet;

use axum::extract::State;
use imagefleet_model::Verb;
use serde::Serialize;

use super::export::SoftwareFile;
use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Target};
use crate::{AppState, Problem};

const MOST: usize = 1000;

/// What an import did.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SoftwareImported {
    /// Entries that are new.
    added: u64,
    /// Own entries of the same repository that were replaced.
    updated: u64,
}

/// Add the catalogue entries of a file; own ones of the same repository are replaced. All of them, or none.
#[utoipa::path(
    post, path = "/software/import", tag = "software", operation_id = "importSoftware", request_body = SoftwareFile,
    responses((status = 200, description = "Imported", body = SoftwareImported)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Json(file): Json<SoftwareFile>,
) -> Result<Json<SoftwareImported>, Problem> {
    caller.audit(AuditNote::new(
        "software.import",
        format!("{} entries", file.software.len()),
    ));
    caller.require(Verb::SoftwareManage, Target::Everything)?;
    if file.version != 1 {
        return Err(Problem::field(
            "version",
            "is one that this imagefleet does not read",
        ));
    }
    if file.software.len() > MOST {
        return Err(Problem::field(
            "software",
            format!("must be at most {MOST} entries"),
        ));
    }
    let mut repositories = HashSet::new();
    let mut entries = Vec::with_capacity(file.software.len());
    for (at, body) in file.software.into_iter().enumerate() {
        let entry = body.check(&format!("software[{at}]."))?;
        if !repositories.insert(entry.repository.clone()) {
            return Err(Problem::field(
                format!("software[{at}].repository"),
                "is in the file twice",
            ));
        }
        entries.push(entry);
    }
    let imported = state.store.import_software(entries).await?;
    Ok(Json(SoftwareImported {
        added: imported.added,
        updated: imported.updated,
    }))
}
