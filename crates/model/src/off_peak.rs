use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The hours of a day in which work that can wait may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OffPeak {
    /// When it opens, by the clocks of the time zone.
    #[serde(with = "minutes")]
    #[schema(value_type = String, example = "22:00")]
    pub from: NaiveTime,
    /// When it closes; before `from` it is the next day.
    #[serde(with = "minutes")]
    #[schema(value_type = String, example = "06:00")]
    pub until: NaiveTime,
    /// As the IANA database names it.
    #[schema(value_type = String, example = "Asia/Shanghai")]
    pub time_zone: Tz,
    /// Whether steps that move archives wait for it without being asked to; the others only when their request says so.
    pub bulk: bool,
}

/// Why a text is no off-peak window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidOffPeak(pub String);

impl OffPeak {
    /// From the three texts in which people write one.
    pub fn new(from: &str, until: &str, time_zone: &str, bulk: bool) -> Result<Self, InvalidOffPeak> {
        let time = |text: &str| {
            NaiveTime::parse_from_str(text.trim(), "%H:%M")
                .map_err(|_| InvalidOffPeak(format!("\"{text}\" is no time of day such as 22:00")))
        };
        let window = Self {
            from: time(from)?,
            until: time(until)?,
            time_zone: time_zone.trim().parse().map_err(|_| {
                InvalidOffPeak(format!(
                    "\"{time_zone}\" is no time zone of the IANA database, such as Asia/Shanghai or UTC"
                ))
            })?,
            bulk,
        };
        if window.from == window.until {
            return Err(InvalidOffPeak("it must not close when it opens".to_owned()));
        }
        Ok(window)
    }

    /// Whether it is open at that moment.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        let time = now.with_timezone(&self.time_zone).time();
        if self.from < self.until {
            (self.from..self.until).contains(&time)
        } else {
            time >= self.from || time < self.until
        }
    }

    /// When it opens next.
    #[must_use]
    pub fn opens_at(&self, now: Timestamp) -> Timestamp {
        let today = now.with_timezone(&self.time_zone).date_naive();
        (0..3)
            .filter_map(|days| today.checked_add_days(Days::new(days)))
            .map(|day| self.moment(day.and_time(self.from)))
            .find(|moment| *moment > now)
            .unwrap_or(now)
    }

    /// A time that the clocks skip in spring comes an hour later; of one that comes twice in autumn it is the first.
    fn moment(&self, local: chrono::NaiveDateTime) -> DateTime<Utc> {
        let found = self.time_zone.from_local_datetime(&local).earliest().or_else(|| {
            self.time_zone
                .from_local_datetime(&(local + TimeDelta::hours(1)))
                .earliest()
        });
        found.map_or_else(|| local.and_utc(), |moment| moment.to_utc())
    }
}

impl fmt::Display for OffPeak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}-{} {}",
            self.from.format("%H:%M"),
            self.until.format("%H:%M"),
            self.time_zone
        )
    }
}

/// `22:00-06:00 Asia/Shanghai`; without a time zone it is UTC.
impl FromStr for OffPeak {
    type Err = InvalidOffPeak;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (hours, zone) = text
            .trim()
            .split_once(char::is_whitespace)
            .unwrap_or((text.trim(), "UTC"));
        let (from, until) = hours.split_once('-').ok_or_else(|| {
            InvalidOffPeak(format!(
                "\"{text}\" is no window such as 22:00-06:00 Asia/Shanghai"
            ))
        })?;
        Self::new(from, until, zone, false)
    }
}

mod minutes {
    use chrono::NaiveTime;
    use serde::{Deserialize as _, Deserializer, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde decides the signature")]
    pub fn serialize<S: Serializer>(time: &NaiveTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time.format("%H:%M"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        NaiveTime::parse_from_str(&text, "%H:%M").map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::OffPeak;
    use crate::Timestamp;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_window_over_midnight_in_its_own_time_zone() {
        let window: OffPeak = "22:00-06:00 Asia/Shanghai".parse().expect("a window");
        // Shanghai is eight hours ahead all year.
        for (moment, open) in [
            ("2026-01-02T13:59:59Z", false),
            ("2026-01-02T14:00:00Z", true),
            ("2026-01-02T21:59:59Z", true),
            ("2026-01-02T22:00:00Z", false),
        ] {
            assert_eq!(window.is_open(at(moment)), open, "{moment}");
        }
        assert_eq!(
            window.opens_at(at("2026-01-02T13:00:00Z")),
            at("2026-01-02T14:00:00Z")
        );
        assert_eq!(
            window.opens_at(at("2026-01-02T14:00:00Z")),
            at("2026-01-03T14:00:00Z")
        );
        assert_eq!(window.to_string(), "22:00-06:00 Asia/Shanghai");
    }

    #[test]
    fn clocks_that_change_do_not_lose_it() {
        // On 29 March 2026 Berlin's clocks go from 02:00 to 03:00.
        let window: OffPeak = "02:30-05:00 Europe/Berlin".parse().expect("a window");
        assert_eq!(
            window.opens_at(at("2026-03-28T23:00:00Z")),
            at("2026-03-29T01:30:00Z")
        );
        assert_eq!(
            window.opens_at(at("2026-03-29T12:00:00Z")),
            at("2026-03-30T00:30:00Z")
        );
    }

    #[test]
    fn json_and_mistakes() {
        let window = OffPeak::new("01:00", "05:30", "UTC", true).expect("a window");
        let json = serde_json::to_value(window).expect("JSON");
        assert_eq!(
            json,
            serde_json::json!({ "from": "01:00", "until": "05:30", "timeZone": "UTC", "bulk": true })
        );
        assert_eq!(serde_json::from_value::<OffPeak>(json).expect("read"), window);
        for bad in [
            "",
            "22:00",
            "22:00-25:00",
            "22:00-22:00",
            "22:00-06:00 Nowhere/Town",
            "a-b UTC",
        ] {
            assert!(bad.parse::<OffPeak>().is_err(), "{bad} was taken");
        }
    }
}
