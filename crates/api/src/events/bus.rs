use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::value::RawValue;
use socketioxide::adapter::Adapter;
use socketioxide::operators::BroadcastOperators;
use socketioxide::socket::Sid;
use socketioxide::{BroadcastError, SocketIo};

use tokio::time::Instant;

use super::connect::Client;

/// For how long events wait for a database that does not pass them on, and how often it is asked.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(250);

/// One event for everybody in some rooms.
pub struct Sending {
    /// Its name.
    pub event: &'static str,
    /// Its payload, written once for all who get it.
    pub payload: Box<RawValue>,
    /// Who gets it; nobody when there is none.
    pub rooms: Vec<String>,
}

/// The sockets behind one face, whether this program is alone or shares them with others.
pub trait Bus: Send + Sync {
    /// Sends these, to each socket in this order, wherever it is connected.
    fn emit<'a>(&'a self, sendings: &'a [Sending]) -> BoxFuture<'a, ()>;

    /// The sockets of this program.
    fn clients(&self) -> Vec<(Sid, Client)>;

    /// Ends a socket of this program.
    fn disconnect(&self, socket: Sid);

    /// Puts a socket of this program into one room, or into none.
    fn move_to(&self, socket: Sid, room: Option<String>);

    /// Ends every socket of this program.
    fn close(&self) -> BoxFuture<'_, ()>;
}

impl<A: Adapter> Bus for SocketIo<A> {
    /// Nothing is waited for between two events of one program: a socket's task finds several together and writes them in one
    /// go, and what costs is the write.
    fn emit<'a>(&'a self, sendings: &'a [Sending]) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            // There is none once the program is ending.
            let Some(everybody) = self.of("/") else { return };
            let patient_until = Instant::now() + PATIENCE;
            for Sending {
                event,
                payload,
                rooms,
            } in sendings
            {
                metrics::counter!("imagefleet_events_total", "event" => *event).increment(1);
                let rooms = everybody.clone().to(rooms.clone());
                if let Err(error) = send(rooms, event, payload, patient_until).await {
                    tracing::debug!(%error, event, "an event did not reach everybody");
                }
            }
        })
    }

    fn clients(&self) -> Vec<(Sid, Client)> {
        self.of("/")
            .into_iter()
            .flat_map(BroadcastOperators::sockets)
            .filter_map(|socket| Some((socket.id, socket.extensions.get::<Client>()?)))
            .collect()
    }

    fn disconnect(&self, socket: Sid) {
        if let Some(socket) = self.of("/").and_then(|all| all.get_socket(socket)) {
            socket.disconnect().ok();
        }
    }

    fn move_to(&self, socket: Sid, room: Option<String>) {
        let Some(socket) = self.of("/").and_then(|all| all.get_socket(socket)) else {
            return;
        };
        let before = socket.rooms();
        if let Some(room) = &room {
            // First, so that it misses nothing that is for both.
            socket.join(room.clone());
        }
        for old in before {
            if room.as_deref() != Some(&*old) {
                socket.leave(old);
            }
        }
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(SocketIo::close(self))
    }
}

/// Sends one event. The adapter asks the other programs first, and tells nobody when they cannot be asked; while the database is
/// away nothing else happens that could be told, so that it is waited for.
async fn send<A: Adapter>(
    rooms: BroadcastOperators<A>,
    event: &str,
    payload: &RawValue,
    patient_until: Instant,
) -> Result<(), BroadcastError> {
    loop {
        match rooms.clone().emit(event, payload).await {
            Err(BroadcastError::Adapter(error)) if Instant::now() < patient_until => {
                tracing::warn!(%error, event, "an event could not be sent to the other programs: trying again");
            }
            Err(BroadcastError::Adapter(error)) => {
                tracing::error!(%error, event, "an event is sent to this program's clients only");
                return rooms.local().emit(event, payload).await;
            }
            sent => return sent,
        }
        tokio::time::sleep(PAUSE).await;
    }
}
