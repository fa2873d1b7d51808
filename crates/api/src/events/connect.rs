use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use socketioxide::extract::{SocketRef, State, TryData};
use tokio::time::Instant;

use super::CONNECT_TIMEOUT;
use super::audience::{Class, room_of};
use crate::AppState;
use crate::audit::Trail;
use crate::extract::{Caller, Credential};
use crate::middleware::{caller_of, caller_of_token};
use crate::peer::Peer;

/// How often a database that is away is asked again who somebody is. Who is refused does not come back by itself, and whose connection
/// is not answered in time does.
const PAUSE: Duration = Duration::from_millis(500);
const PATIENCE: Duration = CONNECT_TIMEOUT.saturating_add(Duration::from_secs(15));

/// Whose a socket is.
#[derive(Debug, Clone)]
pub struct Client {
    /// How it proved who it is; asked again when rights change.
    pub credential: Credential,
    /// The room of its rights.
    pub room: Option<String>,
    /// How many looks at rights had been counted before its own were read.
    looks: u64,
}

/// What a client may send with its handshake.
#[derive(Debug, Deserialize)]
pub struct Auth {
    token: Option<String>,
}

/// Why a connection is refused; the client meets it as `connect_error`.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused(&'static str);

const AWAY: Refused = Refused("database_unavailable: try again in a moment");

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The one place of authentication for sockets: an API token in the handshake's `auth`, else what the headers of the
/// first request say (a bearer token or the session cookie).
pub async fn authenticate(
    socket: SocketRef,
    State(state): State<AppState>,
    TryData(auth): TryData<Auth>,
) -> Result<(), Refused> {
    let auth = auth.ok();
    let looks = state.live.looks();
    let patient_until = Instant::now() + PATIENCE;
    let caller = loop {
        match caller(&socket, &state, auth.as_ref()).await {
            Err(AWAY) if Instant::now() < patient_until => tokio::time::sleep(PAUSE).await,
            found => break found?,
        }
    };
    let Caller {
        access, credential, ..
    } = caller;
    let room = room_of(&access);
    if let Some(room) = room.clone() {
        // Before it is told that it is connected: from then on it misses nothing.
        socket.join(room.clone());
        // A user made a moment ago may be the first with these rights.
        state.live.audience.add(Class { room, access });
    }
    socket.extensions.insert(Client {
        credential,
        room,
        looks,
    });
    Ok(())
}

async fn caller(socket: &SocketRef, state: &AppState, auth: Option<&Auth>) -> Result<Caller, Refused> {
    let parts = socket.req_parts();
    let peer = parts.extensions.get::<Peer>().copied();
    let token = auth.and_then(|auth| auth.token.as_deref());
    let found = match token.filter(|token| !token.is_empty()) {
        Some(token) => {
            let token = token.strip_prefix("Bearer ").unwrap_or(token);
            let address = peer.map_or(std::net::IpAddr::from([127, 0, 0, 1]), |peer| peer.address);
            caller_of_token(state, token, address, Trail::default()).await
        }
        None => caller_of(state, &parts.headers, peer, Trail::default()).await,
    };
    match found {
        Ok(Some(caller)) if state.config.require_password_change && caller.must_change_password => Err(
            Refused("password_change_required: change the first password, then connect again"),
        ),
        Ok(Some(caller)) => Ok(caller),
        Ok(None) => Err(Refused(
            "unauthenticated: log in, or send a valid token in auth.token",
        )),
        Err(_) => Err(AWAY),
    }
}

/// From now on it is among those whose rights are looked at. A look meanwhile did not see it, and its rights may have changed since
/// they were read.
pub async fn connected(socket: SocketRef, State(state): State<AppState>) {
    let client = socket.extensions.get::<Client>();
    // Not while a look ends: it has seen this one, or is counted.
    let _order = state.live.order.lock().await;
    if client.is_none_or(|client| client.looks != state.live.looks()) {
        state.live.recheck();
    }
}
