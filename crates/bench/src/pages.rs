use std::path::Path;
use std::time::Instant;

use clap::Args;
use imagefleet_model::{Access, ImageStatus, PageRequest};
use imagefleet_store::{ImageFilter, ImageSort, Store};
use sea_orm::{ConnectionTrait as _, Statement};

use crate::generate::{self, Shape};
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
    /// How often each page is read.
    #[arg(long, default_value_t = 40)]
    rounds: u32,
    /// Only queries whose name holds this.
    #[arg(long, default_value = "")]
    only: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            servers: 200,
            images: 5_000,
            references: 50_000,
            rounds: 40,
            only: String::new(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum View {
    List,
    ByServer,
    ByImage,
}

/// Runs it.
pub async fn run(dir: &Path, options: &Options) -> anyhow::Result<()> {
    let shape = Shape {
        servers: options.servers,
        images: options.images,
        references: options.references,
    };
    let store = generate::store(dir, shape).await?;
    let mut point = Times::default();
    for id in 0..200 {
        let start = Instant::now();
        store
            .connection()
            .query_one_raw(Statement::from_sql_and_values(
                store.backend(),
                "SELECT id, size FROM images WHERE id = $1",
                [(id * 4_999 + 1).into()],
            ))
            .await?;
        point.push(start.elapsed());
    }
    println!(
        "bare point query: median {} ms, p95 {} ms",
        table::ms(point.median()),
        table::ms(point.percentile(95))
    );
    let mut rows = Vec::new();
    for (view, view_name) in [
        (View::List, "list"),
        (View::ByServer, "by server"),
        (View::ByImage, "by image"),
    ] {
        for (filter_name, filter) in filters() {
            if !format!("{view_name} {filter_name}").contains(&options.only) {
                continue;
            }
            let total = page(&store, view, &filter, PageRequest { page: 1, size: 20 })
                .await?
                .0;
            let last = total.div_ceil(20).max(1);
            let mut pages = vec![("first", 1), ("middle", last / 2), ("last", last)];
            pages.retain(|(name, page)| *name == "first" || *page > 1);
            for (page_name, number) in pages {
                let mut times = Times::default();
                for _ in 0..options.rounds {
                    let start = Instant::now();
                    page(
                        &store,
                        view,
                        &filter,
                        PageRequest {
                            page: number,
                            size: 20,
                        },
                    )
                    .await?;
                    times.push(start.elapsed());
                }
                rows.push(vec![
                    format!("{view_name}, {filter_name}, {page_name}"),
                    total.to_string(),
                    table::ms(times.median()),
                    table::ms(times.percentile(95)),
                    table::ratio(times.median(), point.median()),
                ]);
            }
        }
    }
    table::print(&["page", "total", "median ms", "p95 ms", "x point"], &rows);
    Ok(())
}

async fn page(
    store: &Store,
    view: View,
    filter: &ImageFilter,
    request: PageRequest,
) -> anyhow::Result<(u64, usize)> {
    let access = Access::full();
    Ok(match view {
        View::List => {
            let page = store
                .list_images(filter, ImageSort::default(), &access, request)
                .await?;
            (page.total, page.items.len())
        }
        View::ByServer => {
            let page = store.images_by_server(filter, &access, request).await?;
            (page.total, page.items.len())
        }
        View::ByImage => {
            let page = store.images_by_image(filter, false, &access, request).await?;
            (page.total, page.items.len())
        }
    })
}

fn filters() -> Vec<(&'static str, ImageFilter)> {
    let all = ImageFilter::default;
    let q = |q: &str| ImageFilter {
        q: Some(q.to_owned()),
        ..all()
    };
    let status = |status: &[ImageStatus]| ImageFilter {
        statuses: status.to_vec(),
        ..all()
    };
    vec![
        ("no filter", all()),
        ("q=nginx", q("nginx")),
        ("q=pay", q("pay")),
        ("q=1.2 (broad)", q("1.2")),
        ("q=ap (two letters)", q("ap")),
        ("q=e (one letter)", q("e")),
        ("q=payments/api-34 (narrow)", q("payments/api-34")),
        ("q=nothing", q("zzzzzz")),
        (
            "server",
            ImageFilter {
                server_ids: vec![7],
                ..all()
            },
        ),
        ("status=AVAILABLE", status(&[ImageStatus::Available])),
        ("status=PULL_FAILED", status(&[ImageStatus::PullFailed])),
        ("status=error", status(ImageStatus::FAILED)),
        (
            "server+status=error",
            ImageFilter {
                server_ids: vec![7],
                ..status(ImageStatus::FAILED)
            },
        ),
        (
            "repository",
            ImageFilter {
                repository: Some("payments/mysql-605".to_owned()),
                ..all()
            },
        ),
        (
            "tag=latest",
            ImageFilter {
                tag: Some("latest".to_owned()),
                ..all()
            },
        ),
        (
            "unused",
            ImageFilter {
                unused: Some(true),
                ..all()
            },
        ),
        (
            "used",
            ImageFilter {
                unused: Some(false),
                ..all()
            },
        ),
        (
            "server+q=nginx",
            ImageFilter {
                server_ids: vec![7],
                ..q("nginx")
            },
        ),
    ]
}
