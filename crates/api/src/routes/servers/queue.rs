use imagefleet_model::OffPeak;
use serde::Deserialize;

use super::fields::Faults;

/// More steps at once are no limit.
pub const HIGHEST_LIMIT: u32 = 1000;

/// When work that can wait is done.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OffPeakBody {
    /// When the window opens, `22:00`.
    #[schema(example = "22:00")]
    from: String,
    /// When it closes; before `from` it is the next day.
    #[schema(example = "06:00")]
    until: String,
    /// As the IANA database names it.
    #[schema(example = "Asia/Shanghai")]
    time_zone: String,
    /// Whether exports, imports, copies and pushes wait for it without being asked to; the other operations wait only
    /// when their request says `offPeak`. False when left out.
    #[serde(default)]
    bulk: bool,
}

impl OffPeakBody {
    /// The window, when everything about it is right.
    pub fn check(self, faults: &mut Faults) -> Option<OffPeak> {
        let window = OffPeak::new(&self.from, &self.until, &self.time_zone, self.bulk);
        faults.take("offPeak", window.map_err(|error| error.0))
    }
}

/// How many steps may run at once.
pub fn step_limit(limit: u32) -> Result<u32, String> {
    if (1..=HIGHEST_LIMIT).contains(&limit) {
        Ok(limit)
    } else {
        Err(format!(
            "must be 1 to {HIGHEST_LIMIT}, or null for the program's setting"
        ))
    }
}
