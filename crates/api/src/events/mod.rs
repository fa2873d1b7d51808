//! Live events over Socket.IO: path `/socket.io`, default namespace.
//!
//! Operations announce what happened after it is stored; [`pump`] turns that into the contract's events and sends each
//! to the rooms of those who may see its server and repository. A room stands for a set of rights to see
//! ([`audience`]), not for a server: who holds the same rights hears the same. [`recheck`] keeps sockets in the room of
//! their present rights and ends those whose session or token is gone.

mod audience;
mod bus;
mod connect;
mod payload;
mod postgres;
mod pump;
mod recheck;
mod thread;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use imagefleet_model::Failure;
use socketioxide::adapter::LocalAdapter;
use socketioxide::handler::ConnectHandler as _;
use socketioxide::layer::SocketIoLayer;
use socketioxide::{SocketIo, SocketIoBuilder};
use socketioxide_postgres::drivers::sqlx::sqlx_client::PgPool;
use socketioxide_postgres::{CustomPostgresAdapter, PostgresAdapterConfig, PostgresAdapterCtr};
use tokio::sync::Notify;

use crate::AppState;
use audience::Audience;
pub use audience::sees;
use bus::Bus;
use postgres::LastingDriver;

/// Nothing that a client sends here is longer than its token.
const MAX_PAYLOAD: u64 = 64 * 1024;
/// Packets that wait for a slow client before further ones are dropped for it.
const BUFFER: usize = 2048;

/// By then a connection has been let in or refused, or it is closed and the client begins anew.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(45);

/// What the rest of the API knows of the live events.
#[derive(Default)]
pub struct Live {
    bus: OnceLock<Arc<dyn Bus>>,
    recheck: Notify,
    rights_to_tell: Notify,
    audience: Audience,
    /// While it is held no event is on its way, and the rooms that sockets are in are those that events are sent to.
    order: tokio::sync::Mutex<()>,
}

impl Live {
    /// Rights, sessions or tokens have changed: every socket is looked at, here and by the other programs.
    pub fn rights_changed(&self) {
        self.recheck.notify_one();
        self.rights_to_tell.notify_one();
    }

    /// How many clients are connected to this program.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.bus.get().map_or(0, |bus| bus.clients().len())
    }

    /// Ends every socket of this program.
    pub async fn close(&self) {
        if let Some(bus) = self.bus.get() {
            bus.close().await;
        }
    }
}

/// Puts the live events in front of a router and begins to send.
pub async fn mount(state: &AppState, router: Router) -> Result<Router, Failure> {
    let (router, bus): (Router, Arc<dyn Bus>) = if state.store.is_sqlite() {
        let (layer, io) = local(state);
        io.ns("/", connect::connected.with(connect::authenticate));
        (router.layer(layer), Arc::new(io))
    } else {
        let pool = state.store.connection().get_postgres_connection_pool().clone();
        let (layer, io) = shared(state, pool.clone());
        let ready = io.ns("/", connect::connected.with(connect::authenticate));
        ready.await.map_err(|error| {
            Failure::new(
                imagefleet_model::ErrorCode::DatabaseUnavailable,
                format!("The live events cannot reach the other programs through PostgreSQL: {error}"),
            )
        })?;
        tokio::spawn(postgres::share_rights(state.clone(), pool));
        (router.layer(layer), Arc::new(io))
    };
    // Set once: a state serves one router.
    state.live.bus.set(bus).ok();
    state.live.audience.set(Audience::read(state).await?);
    state
        .sockets
        .spawn(pump::pump(state.clone(), state.operations.subscribe()));
    tokio::spawn(recheck::recheck(state.clone()));
    Ok(router.layer(from_fn_with_state(state.clone(), thread::with_the_pump)))
}

/// One program alone.
fn local(state: &AppState) -> (SocketIoLayer<LocalAdapter>, SocketIo<LocalAdapter>) {
    builder(state).build_layer()
}

/// Several programs on one `PostgreSQL` hear each other.
fn shared(state: &AppState, pool: PgPool) -> (SocketIoLayer<Shared>, SocketIo<Shared>) {
    let config = PostgresAdapterConfig::new().with_prefix("imagefleet");
    let adapter = PostgresAdapterCtr::new_with_driver(LastingDriver::new(pool), config);
    builder(state).with_adapter::<Shared>(adapter).build_layer()
}

fn builder(state: &AppState) -> SocketIoBuilder {
    SocketIo::builder()
        .max_payload(MAX_PAYLOAD)
        .max_buffer_size(BUFFER)
        .connect_timeout(CONNECT_TIMEOUT)
        .with_state(state.clone())
}

type Shared = CustomPostgresAdapter<socketioxide::adapter::Emitter, LastingDriver>;
