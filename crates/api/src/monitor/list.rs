use axum::extract::State;
use imagefleet_model::{ErrorCode, PageRequest};
use imagefleet_store::ImageSort;

use super::Envelope;
use super::filter::Filter;
use super::image::ImageView;
use crate::extract::{Caller, Query};
use crate::{AppState, Problem};

/// Rows read at once.
const PIECE: u64 = 2_000;
/// More in one answer helps nobody; nothing is cut silently.
const MOST: u64 = 20_000;

/// 条件查询: all images that match, by server, by software, or any other way.
#[utoipa::path(
    get, path = "/list", tag = "monitor", operation_id = "monitorListImages", params(Filter),
    responses(
        (status = 200, description = "Images", body = Envelope<Vec<ImageView>>),
        (status = 413, description = "More than 20,000 match: use /page or narrow the filter"),
    ),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Query(filter): Query<Filter>,
) -> Result<Envelope<Vec<ImageView>>, Problem> {
    let filter = filter.filter()?;
    let mut images: Vec<ImageView> = Vec::new();
    for page in 1.. {
        let request = PageRequest { page, size: PIECE };
        let piece = state
            .store
            .list_images(&filter, ImageSort::default(), &caller.access, request)
            .await?;
        if piece.total > MOST {
            return Err(Problem::new(
                ErrorCode::BodyTooLarge,
                format!(
                    "{} images match; more than {MOST} are read with /page.",
                    piece.total
                ),
            ));
        }
        let last = piece.items.len() < usize::try_from(PIECE).unwrap_or(usize::MAX);
        images.extend(piece.items.into_iter().map(ImageView::from));
        if last {
            break;
        }
    }
    Ok(Envelope::ok(images))
}
