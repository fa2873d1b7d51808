use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Deserialize;

use crate::generate::{self, Shape};
use crate::point;
use crate::program::Program;
use crate::report::Report;
use crate::table::{self, Times};

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Servers.
    #[arg(long, default_value_t = 200)]
    servers: u64,
    /// Images on each server.
    #[arg(long, default_value_t = 5_000)]
    images: u64,
    /// Different references.
    #[arg(long, default_value_t = 50_000)]
    references: u64,
    /// How often each page is read: of forty, the 95th percentile would be the third slowest.
    #[arg(long, default_value_t = 100)]
    rounds: u32,
    /// Only queries whose name holds this.
    #[arg(long, default_value = "")]
    only: String,
    /// On this database instead of `SQLite`: `postgres://…`, empty or filled by an earlier run.
    #[arg(long)]
    database_url: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            servers: 200,
            images: 5_000,
            references: 50_000,
            rounds: 100,
            only: String::new(),
            database_url: None,
        }
    }
}

/// What the first page of every view may take, in milliseconds, 95 times of 100.
const FIRST: u64 = 5;
/// What any other page may take.
const DEEP: u64 = 20;

/// The three views, and the list in other orders.
const VIEWS: [(&str, &str); 3] = [
    ("list", "/images?"),
    ("by server", "/images/by-server?"),
    ("by image", "/images/by-image?"),
];

/// Every filter, alone and in the pairs that people use.
const FILTERS: [(&str, &str); 18] = [
    ("no filter", ""),
    ("q in a fifth of the names", "q=nginx"),
    ("q of three letters", "q=pay"),
    ("q in versions", "q=1.2"),
    ("q of two letters", "q=ap"),
    ("q of one letter", "q=e"),
    ("q in twenty names", "q=payments/api-787"),
    ("q in no name", "q=zzzzzz"),
    ("server", "serverId=7"),
    ("status AVAILABLE", "status=AVAILABLE"),
    ("status PULL_FAILED", "status=PULL_FAILED"),
    ("status error", "status=error"),
    ("server and error", "serverId=7&status=error"),
    ("repository", "repository=ghcr.io/payments/api-787"),
    ("tag latest", "tag=latest"),
    ("unused", "unused=true"),
    ("used", "unused=false"),
    ("server and q", "serverId=7&q=nginx"),
];

/// Orders of the list beside the names.
const SORTS: [&str; 8] = [
    "-name",
    "-size",
    "-size&unused=true",
    "-size&q=nginx",
    "created",
    "-updated",
    "server",
    "status",
];

#[derive(Deserialize)]
struct Page {
    total: u64,
}

/// Runs it: every page through HTTP, with its total.
pub async fn run(dir: &Path, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let shape = Shape {
        servers: options.servers,
        images: options.images,
        references: options.references,
    };
    let url = options.database_url.as_deref();
    let folder = match url {
        None => generate::data_dir(dir, shape).await?,
        Some(url) => generate::data_dir_on(dir, shape, url).await?,
    };
    let point = point::query(&folder, url, shape).await?;
    println!(
        "bare point query: median {} ms, p95 {} ms",
        table::ms(point.median()),
        table::ms(point.percentile(95))
    );
    let flags: Vec<&str> = url.into_iter().flat_map(|url| ["--database-url", url]).collect();
    let program = Program::start_with(&folder, &flags).await?;
    let mut rows = Vec::new();
    let (mut first_pages, mut deep_pages) = (Duration::ZERO, Duration::ZERO);
    for (name, path) in queries() {
        if !name.contains(&options.only) {
            continue;
        }
        let first: Page = serde_json::from_slice(&program.get(&format!("{path}&size=20")).await?)?;
        let last = first.total.div_ceil(20).max(1);
        for (at, number) in [("first", 1), ("middle", last / 2), ("last", last)] {
            if at != "first" && number < 2 {
                continue;
            }
            let mut times = Times::default();
            for _ in 0..options.rounds {
                let start = Instant::now();
                program.get(&format!("{path}&size=20&page={number}")).await?;
                times.push(start.elapsed());
            }
            let (slowest, limit) = if at == "first" {
                (&mut first_pages, FIRST)
            } else {
                (&mut deep_pages, DEEP)
            };
            let p95 = times.percentile(95);
            *slowest = p95.max(*slowest);
            let kept = p95 <= Duration::from_millis(limit);
            rows.push(vec![
                format!("{name}, {at}"),
                first.total.to_string(),
                table::ms(times.median()),
                table::ms(p95),
                table::ratio(times.median(), point.median()),
                match (kept, first.total) {
                    (true, 0) => "nothing matches".to_owned(),
                    (true, _) => String::new(),
                    (false, _) => format!("over {limit}"),
                },
            ]);
        }
    }
    table::print(
        &["page of 20", "total", "median ms", "p95 ms", "x point", "target"],
        &rows,
    );
    for (what, slowest, limit) in [
        ("slowest first page, p95", first_pages, FIRST),
        ("slowest deep page, p95", deep_pages, DEEP),
    ] {
        let what = format!("{what} of {} rounds", options.rounds);
        report.at_most(
            &what,
            slowest.as_secs_f64() * 1_000.0,
            f64::from(u32::try_from(limit)?),
            "ms",
        );
    }
    Ok(())
}

fn queries() -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for (view, path) in VIEWS {
        for (filter, query) in FILTERS {
            queries.push((format!("{view}, {filter}"), format!("{path}{query}")));
        }
    }
    for sort in SORTS {
        queries.push((format!("list, sort {sort}"), format!("/images?sort={sort}")));
    }
    queries
}
