use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use imagefleet_model::Failure;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::middleware::{BODY_LIMIT, announced, audit, authenticate, context, cross_site};
use crate::routes::{
    audit as audit_log, containers, exports, images, openapi_json, operations, registries, roles, servers,
    service, session, sessions, software, tokens, uploads, users,
};
use crate::{AppState, events, monitor, openapi, page};

/// Both APIs: one line a path, which also describes it in the `OpenAPI` document.
pub fn api() -> OpenApiRouter<AppState> {
    let v1 = OpenApiRouter::new()
        // session and tokens
        .routes(routes!(
            session::create::handler,
            session::read::handler,
            session::delete::handler
        ))
        .routes(routes!(tokens::create::handler, tokens::list::handler))
        .routes(routes!(tokens::delete::handler))
        .routes(routes!(session::password::handler))
        .routes(routes!(sessions::list::handler))
        .routes(routes!(sessions::delete::handler))
        // users, roles, audit
        .routes(routes!(users::list::handler, users::create::handler))
        .routes(routes!(
            users::read::handler,
            users::update::handler,
            users::delete::handler
        ))
        .routes(routes!(roles::list::handler, roles::create::handler))
        .routes(routes!(roles::update::handler, roles::delete::handler))
        .routes(routes!(audit_log::list::handler))
        .routes(routes!(audit_log::export::handler))
        // images
        .routes(routes!(images::list::handler))
        .routes(routes!(images::by_server::handler))
        .routes(routes!(images::by_image::handler))
        .routes(routes!(images::read::handler, images::delete_one::handler))
        .routes(routes!(images::pull::handler))
        .routes(routes!(images::sync::handler))
        .routes(routes!(images::delete::handler))
        .routes(routes!(images::export::handler))
        .routes(routes!(images::import::handler))
        .routes(routes!(images::copy::handler))
        .routes(routes!(images::copy_preview::handler))
        .routes(routes!(images::push::handler))
        .routes(routes!(images::tag::handler))
        // archives that can be fetched
        .routes(routes!(exports::list::handler))
        .routes(routes!(exports::read::handler, exports::delete::handler))
        .routes(routes!(exports::file::handler))
        // operations
        .routes(routes!(operations::list::handler))
        .routes(routes!(operations::read::handler))
        .routes(routes!(operations::cancel::handler))
        .routes(routes!(operations::retry::handler))
        // servers
        .routes(routes!(servers::list::handler, servers::create::handler))
        .routes(routes!(servers::test_new::handler))
        .routes(routes!(
            servers::read::handler,
            servers::update::handler,
            servers::delete::handler
        ))
        .routes(routes!(servers::test::handler))
        // registries
        .routes(routes!(registries::list::handler, registries::create::handler))
        .routes(routes!(registries::test_new::handler))
        .routes(routes!(
            registries::read::handler,
            registries::update::handler,
            registries::delete::handler
        ))
        .routes(routes!(registries::test::handler))
        .routes(routes!(registries::repositories::handler))
        .routes(routes!(registries::tags::handler))
        // the catalogue
        .routes(routes!(software::list::handler, software::create::handler))
        .routes(routes!(software::export::handler))
        .routes(routes!(software::import::handler))
        .routes(routes!(
            software::read::handler,
            software::update::handler,
            software::delete::handler
        ))
        // containers
        .routes(routes!(containers::create::handler))
        .routes(routes!(containers::form::handler))
        .routes(routes!(containers::list::handler))
        .routes(routes!(containers::batch::handler))
        .routes(routes!(containers::read::handler, containers::delete::handler))
        .routes(routes!(containers::start::handler))
        .routes(routes!(containers::stop::handler))
        .routes(routes!(containers::restart::handler))
        .routes(routes!(containers::kill::handler))
        .routes(routes!(containers::logs::handler))
        .routes(routes!(containers::stats::handler))
        .routes(routes!(containers::networks::handler))
        // the API itself
        .routes(routes!(openapi_json::handler))
        .layer(from_fn(announced))
        // archives that come: they have no limit but the disk's
        .merge(uploads());
    OpenApiRouter::with_openapi(openapi::head())
        .nest("/api/v1", v1)
        .nest("/api/monitor/system-soft-image", monitor_api())
}

/// Every answer of the tus protocol says so.
fn uploads() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(
            uploads::options::handler,
            uploads::create::handler,
            uploads::list::handler
        ))
        .routes(routes!(
            uploads::head::handler,
            uploads::patch::handler,
            uploads::post::handler,
            uploads::read::handler,
            uploads::delete::handler
        ))
        .routes(routes!(uploads::archive::handler))
        .layer(from_fn(uploads::resumable))
}

/// The Monitor API: the source document's endpoints.
fn monitor_api() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(monitor::page::handler))
        .routes(routes!(monitor::list::handler))
        .routes(routes!(monitor::read::handler))
        .routes(routes!(monitor::pull::handler))
        .routes(routes!(monitor::start::handler))
        .routes(routes!(monitor::delete::handler))
        .routes(routes!(monitor::export::handler))
        .routes(routes!(monitor::sync::handler))
        .layer(from_fn(announced))
        // A form with a file has no limit but the disk's.
        .routes(routes!(monitor::import::handler).layer(DefaultBodyLimit::disable()))
}

/// Everything that is served, on one screen.
pub async fn router(state: AppState) -> Result<axum::Router, Failure> {
    let (api, _) = api().split_for_parts();
    let served = api
        .route("/healthz", get(service::healthz))
        .route("/readyz", get(service::readyz))
        .route("/metrics", get(service::metrics))
        .merge(page::documentation())
        .fallback(page::serve)
        // The first is the innermost.
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(state.clone(), audit))
        .layer(from_fn_with_state(state.clone(), authenticate))
        .with_state(state.clone());
    Ok(events::mount(&state, served)
        .await?
        .layer(from_fn(cross_site))
        .layer(CatchPanicLayer::custom(service::panicked))
        .layer(from_fn_with_state(state, context)))
}
