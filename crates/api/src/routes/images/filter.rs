use imagefleet_store::{ImageFilter, ImageSort};
use serde::Deserialize;

use crate::Problem;

/// Which images, in all three views.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Part of the name, the tag or the full name, in any case.
    q: Option<String>,
    /// On this server; several separated by commas.
    #[param(value_type = Option<String>, example = "1")]
    server_id: Option<String>,
    /// In this status (`AVAILABLE`, `PULLING`, …); several separated by commas; `error` for the three failed ones.
    status: Option<String>,
    /// Of exactly this familiar repository.
    repository: Option<String>,
    /// With exactly this tag.
    tag: Option<String>,
    /// `true`: used by no container. `false`: used by one.
    unused: Option<bool>,
    /// Of this catalogue entry.
    software_id: Option<i64>,
    /// `name`, `size`, `created`, `updated`, `server` or `status`; with `-` before it downwards.
    sort: Option<String>,
}

impl Filter {
    /// The filter, checked.
    pub fn filter(&self) -> Result<ImageFilter, Problem> {
        let mut statuses = Vec::new();
        for word in words(self.status.as_deref()) {
            let meant = ImageFilter::statuses_of(word).ok_or_else(|| {
                Problem::field(
                    "status",
                    "must be AVAILABLE, PULLING, PULL_FAILED, DELETING, DELETE_FAILED, START_FAILED or error",
                )
            })?;
            statuses.extend(meant);
        }
        let server_ids = words(self.server_id.as_deref())
            .map(|word| {
                word.parse()
                    .map_err(|_| Problem::field("serverId", "must be the id of a server"))
            })
            .collect::<Result<_, _>>()?;
        Ok(ImageFilter {
            q: self.q.clone(),
            server_ids,
            statuses,
            repository: self.repository.clone(),
            tag: self.tag.clone(),
            unused: self.unused,
            software_id: self.software_id,
            ..ImageFilter::default()
        })
    }

    /// The order, checked.
    pub fn sort(&self) -> Result<ImageSort, Problem> {
        let Some(word) = self.sort.as_deref() else {
            return Ok(ImageSort::default());
        };
        ImageSort::from_word(word).ok_or_else(|| {
            Problem::field(
                "sort",
                "must be name, size, created, updated, server or status, with - before it downwards",
            )
        })
    }
}

fn words(list: Option<&str>) -> impl Iterator<Item = &str> {
    list.unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}
