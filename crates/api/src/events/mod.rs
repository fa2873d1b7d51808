//! Live events over Socket.IO: path `/socket.io`, default namespace.
//!
//! Operations announce what happened, in this program or in another one on the same `PostgreSQL`, after it is stored; [`pump`] turns that
//! into the contract's events and sends each to the rooms of those who may see its server and repository. A room stands for a set of rights to see
//! ([`audience`]), not for a server: who holds the same rights hears the same. [`recheck`] keeps sockets in the room of
//! their present rights and ends those whose session or token is gone.

mod audience;
mod connect;
mod payload;
mod pump;
mod recheck;
mod sockets;
mod thread;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use imagefleet_model::Failure;
use socketioxide::SocketIo;
use socketioxide::handler::ConnectHandler as _;
use tokio::sync::Notify;

use crate::AppState;
pub use audience::sees;
use audience::{Audience, classes_of};
use sockets::Sockets;

/// Nothing that a client sends here is longer than its token.
const MAX_PAYLOAD: u64 = 64 * 1024;
/// Packets that wait for a slow client before further ones are dropped for it.
const BUFFER: usize = 2048;

/// By then a connection has been let in or refused, or it is closed and the client begins anew.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(45);

/// For how long sockets are waited for that are to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// What the rest of the API knows of the live events.
#[derive(Default)]
pub struct Live {
    sockets: OnceLock<Sockets>,
    look: Notify,
    /// How many looks at the rights of sockets have begun or ended.
    looks: AtomicU64,
    /// Held for a look.
    looking: tokio::sync::Mutex<()>,
    audience: Audience,
    /// While it is held no event is on its way, and the rooms that sockets are in are those that events are sent to.
    order: tokio::sync::Mutex<()>,
}

impl Live {
    /// Rights, sessions or tokens may have changed: every socket is looked at.
    fn recheck(&self) {
        self.look.notify_one();
    }

    fn count_look(&self) {
        self.looks.fetch_add(1, Ordering::SeqCst);
    }

    fn looks(&self) -> u64 {
        self.looks.load(Ordering::SeqCst)
    }

    /// How many clients are connected to this program.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.sockets.get().map_or(0, |sockets| sockets.clients().len())
    }

    /// Ends every socket of this program. One that does not read what is sent to it is not waited for.
    pub async fn close(&self) {
        if let Some(sockets) = self.sockets.get() {
            tokio::time::timeout(FAREWELL, sockets.close()).await.ok();
        }
    }
}

/// Puts the live events in front of a router and begins to send.
pub async fn mount(state: &AppState, router: Router) -> Result<Router, Failure> {
    let (layer, io) = SocketIo::builder()
        .max_payload(MAX_PAYLOAD)
        .max_buffer_size(BUFFER)
        .connect_timeout(CONNECT_TIMEOUT)
        .with_state(state.clone())
        .build_layer();
    io.ns("/", connect::connected.with(connect::authenticate));
    // Set once: a state serves one router.
    state.live.sockets.set(Sockets(io)).ok();
    let events = state.operations.listen().await?;
    let accesses = state.store.accesses().await?;
    state.live.audience.set(classes_of(accesses.into_values()));
    state.sockets.spawn(pump::pump(state.clone(), events));
    tokio::spawn(recheck::recheck(state.clone()));
    Ok(router
        .layer(layer)
        .layer(from_fn_with_state(state.clone(), thread::with_the_pump)))
}
