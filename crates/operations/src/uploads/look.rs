use imagefleet_archive::{ArchiveContents, Limits, inspect};
use imagefleet_model::{ErrorCode, Failure};
use imagefleet_store::Upload;
use tracing::Instrument as _;

use crate::Deps;

/// What is inside a complete upload. It is read once, to its end; that goes on when the caller is dropped, so that a
/// second question finds the answer.
pub async fn look(deps: &Deps, upload: &Upload) -> Result<ArchiveContents, Failure> {
    if !upload.complete {
        let sentence = match upload.length {
            Some(length) => format!("{} of {length} bytes have come.", upload.received),
            None => "Its length is not known yet.".to_owned(),
        };
        return Err(Failure::new(ErrorCode::UploadIncomplete, sentence));
    }
    if let Some(contents) = known(upload) {
        return Ok(contents);
    }
    let (deps, upload) = (deps.clone(), upload.clone());
    let reading = async move {
        let stretches = deps.store.upload_stretches(&upload.id).await?;
        let bytes = deps.archives.read_upload(&upload.location, stretches);
        let contents = inspect(bytes, &Limits::default()).await?;
        remember(&deps, &upload, &contents).await?;
        Ok(contents)
    };
    let reading = tokio::spawn(reading.in_current_span());
    reading.await.unwrap_or_else(|error| {
        Err(Failure::new(
            ErrorCode::Internal,
            format!("reading the archive stopped: {error}"),
        ))
    })
}

/// Writes down what is inside.
pub(super) async fn remember(
    deps: &Deps,
    upload: &Upload,
    contents: &ArchiveContents,
) -> Result<(), Failure> {
    let json = serde_json::to_value(contents)
        .map_err(|error| Failure::new(ErrorCode::Internal, format!("contents: {error}")))?;
    Ok(deps.store.set_upload_contents(&upload.id, &json).await?)
}

/// What was read before; what an earlier version of the program wrote down in another form is read again.
fn known(upload: &Upload) -> Option<ArchiveContents> {
    serde_json::from_value(upload.contents.clone()?).ok()
}
