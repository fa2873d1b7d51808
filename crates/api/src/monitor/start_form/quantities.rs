use imagefleet_model::{RestartPolicy, RestartPolicyName};

use super::{Number, Restart};

const BILLION: f64 = 1e9;

/// `on-failure:3`, or the object that the native API takes.
pub fn restart(policy: Option<Restart>) -> Result<RestartPolicy, String> {
    let text = match policy {
        None => return Ok(RestartPolicy::default()),
        Some(Restart::Object(policy)) => return Ok(policy),
        Some(Restart::Text(text)) => text,
    };
    let (word, count) = match text.trim().split_once(':') {
        Some((word, count)) => (word, Some(count)),
        None => (text.trim(), None),
    };
    let name = match word.to_ascii_lowercase().replace('_', "-").as_str() {
        "" | "no" => RestartPolicyName::No,
        "always" => RestartPolicyName::Always,
        "on-failure" => RestartPolicyName::OnFailure,
        "unless-stopped" => RestartPolicyName::UnlessStopped,
        _ => return Err("must be no, always, on-failure, on-failure:N or unless-stopped".to_owned()),
    };
    let maximum_retry_count = count
        .map(|count| {
            count
                .parse()
                .map_err(|_| "must have a number after the colon, on-failure:3".to_owned())
        })
        .transpose()?;
    Ok(RestartPolicy {
        name,
        maximum_retry_count,
    })
}

/// Bytes, or a number with `k`, `m`, `g` (of 1024, with or without `b` or `iB`); nothing and 0 mean no limit.
pub fn memory(limit: Option<Number>) -> Result<Option<i64>, String> {
    let wrong = || "must be bytes, or a number with a unit such as 512m or 1g".to_owned();
    let bytes = match limit {
        None => return Ok(None),
        Some(Number::Whole(bytes)) => bytes,
        Some(Number::Broken(bytes)) => whole(bytes).ok_or_else(wrong)?,
        Some(Number::Text(text)) if text.trim().is_empty() => return Ok(None),
        Some(Number::Text(text)) => {
            let lower = text.trim().to_ascii_lowercase();
            let digits = lower
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .unwrap_or(lower.len());
            let unit = match lower[digits..].trim() {
                "" | "b" => 1.0,
                "k" | "kb" | "kib" => 1024.0,
                "m" | "mb" | "mib" => 1024.0 * 1024.0,
                "g" | "gb" | "gib" => 1024.0 * 1024.0 * 1024.0,
                _ => return Err(wrong()),
            };
            let number: f64 = lower[..digits].parse().map_err(|_| wrong())?;
            whole(number * unit).ok_or_else(wrong)?
        }
    };
    Ok((bytes != 0).then_some(bytes))
}

/// Processors as billionths; nothing and 0 mean no limit.
pub fn nano_cpus(limit: Option<Number>) -> Result<Option<i64>, String> {
    let wrong = || "must be a number of processors, such as 0.5".to_owned();
    let cpus = match limit {
        None => return Ok(None),
        Some(Number::Whole(cpus)) => f64::from(i32::try_from(cpus).map_err(|_| wrong())?),
        Some(Number::Broken(cpus)) => cpus,
        Some(Number::Text(text)) if text.trim().is_empty() => return Ok(None),
        Some(Number::Text(text)) => text.trim().parse().map_err(|_| wrong())?,
    };
    let billionths = whole(cpus * BILLION).ok_or_else(wrong)?;
    Ok((billionths != 0).then_some(billionths))
}

/// The nearest whole number, when there is one that fits.
#[allow(
    clippy::cast_possible_truncation,
    reason = "bounds are checked, and a fraction of a byte is nothing"
)]
fn whole(number: f64) -> Option<i64> {
    (number.is_finite() && number.abs() < 9e18).then(|| number.round() as i64)
}
