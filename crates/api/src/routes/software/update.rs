use axum::extract::State;
use imagefleet_model::{Software, SoftwareForm, Verb};
use serde::Deserialize;

use super::body::SoftwareBody;
use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Path, Target};
use crate::{AppState, Problem};

/// What to change of a catalogue entry; what is left out stays as it is.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SoftwarePatch {
    /// A new name.
    name: Option<String>,
    /// A new icon.
    icon: Option<String>,
    /// A new category.
    category: Option<String>,
    /// A new description.
    description: Option<String>,
    /// The same in Chinese.
    description_zh: Option<String>,
    /// Another repository.
    repository: Option<String>,
    /// Another tag to offer first.
    default_tag: Option<String>,
    /// The whole form anew.
    form: Option<SoftwareForm>,
}

impl SoftwarePatch {
    fn apply(self, to: Software) -> SoftwareBody {
        SoftwareBody {
            name: self.name.unwrap_or(to.name),
            icon: self.icon.unwrap_or(to.icon),
            category: self.category.unwrap_or(to.category),
            description: self.description.unwrap_or(to.description),
            description_zh: self.description_zh.unwrap_or(to.description_zh),
            repository: self.repository.unwrap_or(to.repository),
            default_tag: self.default_tag.unwrap_or(to.default_tag),
            form: self.form.unwrap_or(to.form),
        }
    }
}

/// Change an own catalogue entry. Those that came with imagefleet stay as they are: copy them.
#[utoipa::path(
    patch, path = "/software/{id}", tag = "software", operation_id = "updateSoftware", params(("id" = i64, Path)),
    request_body = SoftwarePatch, responses((status = 200, description = "The entry now", body = Software)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
    Json(body): Json<SoftwarePatch>,
) -> Result<Json<Software>, Problem> {
    caller.require(Verb::SoftwareManage, Target::Everything)?;
    let present = state.store.software(id).await?;
    caller.audit(AuditNote::new("software.update", present.name.clone()));
    let entry = body.apply(present).check("")?;
    Ok(Json(state.store.update_software(id, entry).await?))
}
