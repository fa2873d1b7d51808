use imagefleet_store::ImageFilter;
use serde::Deserialize;

use crate::Problem;

/// Which images.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// 名称或标签的一部分: part of name or tag.
    keyword: Option<String>,
    /// 镜像名称的一部分: part of the name; of the full name when it has a colon.
    image_name: Option<String>,
    /// 服务器ID
    server_id: Option<i64>,
    /// 软件ID
    soft_id: Option<i64>,
    /// 状态: one of the six, or `error` for the three failed ones.
    status: Option<String>,
}

impl Filter {
    /// The filter that everything else knows.
    pub fn filter(self) -> Result<ImageFilter, Problem> {
        let statuses = match self.status.as_deref() {
            None => vec![],
            Some(word) => ImageFilter::statuses_of(word).ok_or_else(|| {
                Problem::field(
                    "status",
                    "must be AVAILABLE, PULLING, PULL_FAILED, DELETING, DELETE_FAILED, START_FAILED or error",
                )
            })?,
        };
        Ok(ImageFilter {
            q: self.keyword,
            name: self.image_name,
            server_ids: self.server_id.into_iter().collect(),
            statuses,
            software_id: self.soft_id,
            ..ImageFilter::default()
        })
    }
}
