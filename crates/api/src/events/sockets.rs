use serde_json::value::RawValue;
use socketioxide::SocketIo;
use socketioxide::extract::SocketRef;
use socketioxide::operators::BroadcastOperators;
use socketioxide::socket::Sid;

use super::connect::Client;

/// One event for everybody in some rooms.
pub struct Sending {
    /// Its name.
    pub event: &'static str,
    /// Its payload, written once for all who get it.
    pub payload: Box<RawValue>,
    /// Who gets it; nobody when there is none.
    pub rooms: Vec<String>,
}

/// The sockets of this program.
pub struct Sockets(pub SocketIo);

impl Sockets {
    /// Sends these, to each socket in this order. Nothing is waited for in between: a socket's task finds several together and writes
    /// them in one go, and what costs is the write.
    pub async fn emit(&self, sendings: &[Sending]) {
        for Sending {
            event,
            payload,
            rooms,
        } in sendings
        {
            // There is none once the program is ending.
            let Some(everybody) = self.0.of("/") else { return };
            metrics::counter!("imagefleet_events_total", "event" => *event).increment(1);
            if let Err(error) = everybody.to(rooms.clone()).emit(event, payload).await {
                tracing::debug!(%error, event, "an event did not reach everybody");
            }
        }
    }

    /// Whose they are.
    pub fn clients(&self) -> Vec<(Sid, Client)> {
        self.0
            .of("/")
            .into_iter()
            .flat_map(BroadcastOperators::sockets)
            .filter_map(|socket| Some((socket.id, socket.extensions.get::<Client>()?)))
            .collect()
    }

    /// Ends one of them.
    pub fn disconnect(&self, socket: Sid) {
        if let Some(socket) = self.socket(socket) {
            socket.disconnect().ok();
        }
    }

    /// Puts one of them into one room, or into none.
    pub fn move_to(&self, socket: Sid, room: Option<String>) {
        let Some(socket) = self.socket(socket) else { return };
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

    /// Ends all of them.
    pub async fn close(&self) {
        self.0.close().await;
    }

    fn socket(&self, socket: Sid) -> Option<SocketRef> {
        self.0.of("/")?.get_socket(socket)
    }
}
