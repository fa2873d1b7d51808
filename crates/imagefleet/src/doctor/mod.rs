//! Looks at everything that the program needs and says what to do about what is wrong. It changes nothing, and may run
//! beside the program: the database is opened to read only, and the archive store is given back what it was given.

mod archives;
mod clock;
mod configuration;
mod database;
mod registries;
mod report;
mod servers;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use imagefleet_model::SystemClock;
use imagefleet_store::{SecretKey, Store, StoreOptions};

use crate::cli::DoctorArgs;
use crate::settings::Settings;
use report::{Finding, Report};

/// Looks, and prints what was found; whether nothing is wrong.
pub async fn doctor(args: DoctorArgs) -> anyhow::Result<bool> {
    let report = Report::from(look(&args).await);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.text());
    }
    Ok(report.ok)
}

async fn look(args: &DoctorArgs) -> Vec<Finding> {
    let settings = match Settings::read(args.serve.clone()) {
        Ok(settings) => settings,
        Err(error) => {
            return vec![Finding::problem(
                "configuration",
                format!("{error:#}"),
                "Correct the flag, the IMAGEFLEET_ variable or the line of the --config file that it names.",
            )];
        }
    };
    let mut findings = configuration::look(&settings).await;
    findings.extend(archives::look(&settings).await);
    let (key, finding) = configuration::key(&settings.data.secret_key_file);
    findings.push(finding);
    // Without the key the database can be looked at all the same, its secrets cannot.
    let options = StoreOptions {
        url: settings.data.database_url.clone(),
        key: key.clone().unwrap_or_else(SecretKey::generate),
        clock: Arc::new(SystemClock),
    };
    match Store::inspect(options).await {
        Ok(store) => {
            let (usable, found) = database::look(&settings, &store, key.is_some()).await;
            findings.extend(found);
            if usable {
                findings.extend(servers::look(&store).await);
                findings.extend(registries::look(&store).await);
            }
        }
        Err(error) => findings.push(database::unreachable(&settings, &error)),
    }
    findings
}

/// Sizes as people read them.
fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}
