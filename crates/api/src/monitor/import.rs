use axum::extract::multipart::{Field, Multipart, MultipartError, MultipartRejection};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use imagefleet_archive::ByteStream;
use imagefleet_model::{ErrorCode, Failure, Verb};
use imagefleet_operations::Deps;
use imagefleet_operations::uploads::{Begin, Part, begin, receive, remove};
use imagefleet_store::Upload;
use serde::Serialize;
use tokio::sync::mpsc;

use super::Envelope;
use super::fields::Fields;
use crate::extract::{Caller, Target};
use crate::routes::images::import::{ImportBody, import};
use crate::{AppState, Problem};

/// The longest text that a field may hold.
const LONGEST: usize = 64 << 10;
/// More fields than anybody sends.
const MOST: usize = 100;
/// Chunks between the reader of the form and the writer of the file.
const AHEAD: usize = 8;

/// An import that has begun.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MonitorImporting)]
pub struct Begun {
    operation_id: String,
}

/// The form.
#[derive(Debug, utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "it describes the form, which is read as it comes")]
pub struct MonitorImportForm {
    /// The archive.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
    /// 服务器ID; several times for several servers.
    server_id: i64,
    /// The name that the one image gets.
    image_name: Option<String>,
    /// Its tag.
    image_tag: Option<String>,
    /// Replace an existing tag.
    force: Option<bool>,
}

/// 导入镜像: a form with `file`, `serverId`, `imageName?`, `imageTag?`, `force?` in any order. The file is stored
/// as it comes.
#[utoipa::path(
    post, path = "/import", tag = "monitor", operation_id = "monitorImportImages",
    request_body(content = MonitorImportForm, content_type = "multipart/form-data"),
    responses((status = 200, description = "Begun", body = Envelope<Begun>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Envelope<Begun>, Problem> {
    let form = form.map_err(|_| {
        let sentence = "Send a form, Content-Type: multipart/form-data, with file and serverId.";
        Problem::new(ErrorCode::InvalidBody, sentence)
    })?;
    caller.require(Verb::ImageImport, Target::Anything)?;
    let deps = state.operations.deps();
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
    deps.archives.require_space(announced.unwrap_or_default())?;
    let (fields, upload) = read(deps, &caller, form).await?;
    let fields = Fields::of_query(query.as_deref()).with(fields);
    let mut server_ids = fields.ids("serverId")?;
    server_ids.extend(fields.ids("serverIds")?);
    if server_ids.is_empty() {
        return Err(Problem::field("serverId", "is required"));
    }
    let body = ImportBody {
        upload_id: upload.upload.id.clone(),
        server_ids,
        name: fields.text("imageName"),
        tag: fields.text("imageTag"),
        force: fields.flag("force")?,
        off_peak: None,
    };
    let operation = import(&state, &caller, upload.upload.clone(), body)
        .await
        .map_err(|problem| problem.renaming(&[("name", "imageName"), ("tag", "imageTag")]))?;
    upload.keep();
    Ok(Envelope::ok(Begun {
        operation_id: operation.id,
    }))
}

/// Reads the form to its end.
async fn read(deps: &Deps, caller: &Caller, mut form: Multipart) -> Result<(Fields, Kept), Problem> {
    let mut fields = Fields::default();
    let mut upload = None;
    for _ in 0..MOST {
        let Some(mut field) = form.next_field().await.map_err(|error| unreadable(&error))? else {
            return upload
                .map(|upload| (fields, upload))
                .ok_or_else(|| Problem::field("file", "is required"));
        };
        let name = field.name().unwrap_or_default().to_owned();
        if field.file_name().is_some() && name != "file" {
            return Err(Problem::field(
                name,
                "is not known here: the archive is the field file",
            ));
        }
        if name == "file" {
            if upload.is_some() {
                return Err(Problem::field("file", "must be one file"));
            }
            upload = Some(store(deps, caller, field).await?);
        } else {
            fields.add(&name, &text(&name, &mut field).await?);
        }
    }
    Err(Problem::field(
        "file",
        format!("the form has more than {MOST} parts"),
    ))
}

async fn text(name: &str, field: &mut Field<'_>) -> Result<String, Problem> {
    let mut text = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| unreadable(&error))? {
        text.extend_from_slice(&chunk);
        if text.len() > LONGEST {
            return Err(Problem::field(name, "is too long"));
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Stores the file as it comes.
async fn store(deps: &Deps, caller: &Caller, mut field: Field<'_>) -> Result<Kept, Problem> {
    let new = Begin {
        user_id: caller.user_id,
        file_name: field.file_name().map(ToOwned::to_owned),
        length: None,
        metadata: String::new(),
    };
    let mut kept = Kept::new(deps, begin(deps, new).await?);
    let (sender, bytes) = pipe();
    let part = Part {
        offset: 0,
        size: None,
        checksum: None,
        bytes,
    };
    let feed = async {
        loop {
            let (chunk, last) = match field.chunk().await {
                Ok(Some(chunk)) => (Ok(chunk), false),
                Ok(None) => return sender.send(None).await.is_ok(),
                Err(error) => (Err(broken(&error)), true),
            };
            // Its reader is gone when the file cannot be stored; that tells why.
            if sender.send(Some(chunk)).await.is_err() || last {
                return false;
            }
        }
    };
    let (received, _) = tokio::join!(receive(deps, kept.upload.clone(), part), feed);
    let received = received?;
    if let Some(broken) = received.broken {
        return Err(broken.into());
    }
    let size = received.upload.received;
    deps.store.set_upload_length(&received.upload.id, size).await?;
    kept.upload = deps.store.any_upload(&received.upload.id).await?;
    Ok(kept)
}

/// A pipe of chunks whose end has to be said: one that is merely dropped has broken.
fn pipe() -> (mpsc::Sender<Option<Result<Bytes, Failure>>>, ByteStream) {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let bytes = stream::unfold(Some(receiver), |receiver| async move {
        let mut receiver: mpsc::Receiver<Option<Result<Bytes, Failure>>> = receiver?;
        match receiver.recv().await {
            Some(Some(Ok(chunk))) => Some((Ok(chunk), Some(receiver))),
            Some(Some(Err(failure))) => Some((Err(failure), None)),
            Some(None) => None,
            None => {
                let gone = Failure::new(ErrorCode::UploadIncomplete, "The connection broke.");
                Some((Err(gone), None))
            }
        }
    });
    (sender, bytes.boxed())
}

/// The upload behind a form: nobody else knows of it, so it goes unless an import takes it over.
struct Kept {
    deps: Option<Deps>,
    upload: Upload,
}

impl Kept {
    fn new(deps: &Deps, upload: Upload) -> Self {
        Self {
            deps: Some(deps.clone()),
            upload,
        }
    }

    fn keep(mut self) {
        self.deps = None;
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(deps) = self.deps.take() {
            let upload = self.upload.clone();
            tokio::spawn(async move {
                if let Err(failure) = remove(&deps, &upload).await {
                    tracing::warn!(%failure, "the file of a failed import is left to its expiry");
                }
            });
        }
    }
}

fn broken(error: &MultipartError) -> Failure {
    Failure::new(
        ErrorCode::UploadIncomplete,
        format!("The form could not be read to its end: {}", error.body_text()),
    )
}

fn unreadable(error: &MultipartError) -> Problem {
    let sentence = format!("The form could not be read: {}.", error.body_text());
    Problem::new(ErrorCode::InvalidBody, sentence).with_status(StatusCode::BAD_REQUEST)
}
