use axum::extract::State;
use imagefleet_archive::ArchiveContents;
use imagefleet_model::{ErrorCode, ImageRef, Operation, ServerId, Verb};
use imagefleet_operations::kinds::import::{ImportArchive, plan};
use imagefleet_operations::uploads::look;
use imagefleet_store::{UNKNOWN_REPOSITORY, Upload};
use serde::Deserialize;

use super::find_servers;
use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Target};
use crate::routes::operations::{Accepted, submit_at};
use crate::routes::uploads;
use crate::{AppState, Problem};

/// What to import, and where.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportBody {
    /// A complete upload of the caller.
    pub upload_id: String,
    /// The servers to load it into.
    pub server_ids: Vec<ServerId>,
    /// Another name for the image inside, when it is a single one.
    #[schema(example = "team/app")]
    pub name: Option<String>,
    /// Its tag; `latest` when only a name is given.
    pub tag: Option<String>,
    /// Load it even when a reference means something else on a server, or the image is for another platform.
    #[serde(default)]
    pub force: bool,
    /// Whether it waits for the off-peak window of its servers; left out, as their windows say for imports.
    #[serde(default)]
    pub off_peak: Option<bool>,
}

/// Load an uploaded archive into one or more servers.
#[utoipa::path(
    post, path = "/images/import", tag = "images", operation_id = "importImages", request_body = ImportBody,
    responses(
        (status = 202, description = "Begun", body = Operation),
        (status = 409, description = "`upload_incomplete`; `platform_mismatch` unless `force`"),
        (status = 422, description = "No archive (`not_an_archive`, `archive_truncated`, …), or a wrong field"),
    ),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<ImportBody>,
) -> Result<Accepted, Problem> {
    let upload = uploads::require(&state, &caller, &body.upload_id).await?;
    import(&state, &caller, upload, body).await.map(Accepted)
}

/// Begins an import.
pub async fn import(
    state: &AppState,
    caller: &Caller,
    upload: Upload,
    body: ImportBody,
) -> Result<Operation, Problem> {
    let servers = find_servers(state, caller, Verb::ImageImport, &body.server_ids, None).await?;
    let deps = state.operations.deps();
    let contents = look(deps, &upload).await?;
    let rename = rename(&body, &contents)?;
    for repository in repositories(&contents, rename.as_ref()) {
        for (server, _) in &servers {
            caller.require(Verb::ImageImport, Target::Image(*server, &repository))?;
        }
    }
    if !body.force {
        check_platforms(state, caller, &servers, &contents).await?;
    }
    let subject = rename
        .as_ref()
        .map_or_else(|| contents.references().join(" "), ToString::to_string);
    for (id, name) in &servers {
        let note = AuditNote::new("image.import", &subject).on(*id, name);
        caller.audit(note.detail(&upload.file_name));
    }
    let import = ImportArchive {
        upload,
        contents,
        servers,
        rename,
        force: body.force,
    };
    submit_at(state, caller, plan(import, &caller.actor())?, body.off_peak).await
}

/// The name that is asked for, whole.
fn rename(body: &ImportBody, contents: &ArchiveContents) -> Result<Option<ImageRef>, Problem> {
    let given = |text: &Option<String>| {
        let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty());
        text.map(ToOwned::to_owned)
    };
    let (name, tag) = (given(&body.name), given(&body.tag));
    if name.is_none() && tag.is_none() {
        return Ok(None);
    }
    if contents.distinct_images() != 1 {
        let sentence = format!(
            "the archive holds {} images; only a single one can be given another name",
            contents.distinct_images()
        );
        return Err(Problem::field("name", sentence));
    }
    let parse = |text: &str, field: &'static str| {
        ImageRef::parse(text)
            .map_err(|error| Problem::new(ErrorCode::InvalidReference, error.to_string()).with_field(field))
    };
    let Some(name) = name.or_else(|| contents.references().first().map(|name| (*name).to_owned())) else {
        return Err(Problem::field("name", "is required: the image inside has none"));
    };
    let base = parse(&name, "name")?;
    if base.digest().is_some() {
        return Err(Problem::field("name", "must be a name, not a digest"));
    }
    let reference = match tag {
        None => base.with_default_tag(),
        Some(tag) if body.name.is_some() && base.tag().is_some_and(|named| named != tag) => {
            return Err(Problem::field(
                "tag",
                format!("the name says another one already than {tag}"),
            ));
        }
        Some(tag) => parse(&format!("{}:{tag}", base.repository()), "tag")?,
    };
    Ok(Some(reference))
}

fn repositories(contents: &ArchiveContents, rename: Option<&ImageRef>) -> Vec<String> {
    if let Some(rename) = rename {
        return vec![rename.repository()];
    }
    let mut all: Vec<String> = contents
        .references()
        .into_iter()
        .filter_map(|name| Some(ImageRef::parse(name).ok()?.repository()))
        .collect();
    if contents.images.iter().any(|image| image.references.is_empty()) {
        all.push(UNKNOWN_REPOSITORY.to_owned());
    }
    all.dedup();
    all
}

async fn check_platforms(
    state: &AppState,
    caller: &Caller,
    servers: &[(ServerId, String)],
    contents: &ArchiveContents,
) -> Result<(), Problem> {
    for (id, name) in servers {
        let server = state.store.existing_server(*id, &caller.access).await?;
        let foreign = contents
            .images
            .iter()
            .find(|image| uploads::contents::mismatches(contents, image, server.platform.as_deref()));
        if let Some(image) = foreign {
            let sentence = format!(
                "{} is for {}, and {name} is {}; import with force to load it all the same.",
                image.references.first().map_or("The image", String::as_str),
                image.platform.as_deref().unwrap_or("another platform"),
                server.platform.as_deref().unwrap_or("another")
            );
            return Err(Problem::new(ErrorCode::PlatformMismatch, sentence));
        }
    }
    Ok(())
}
