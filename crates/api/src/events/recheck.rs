use std::collections::HashMap;
use std::time::Duration;

use imagefleet_model::Access;
use imagefleet_store::Token;

use super::audience::{classes_of, include, room_of};
use super::sockets::Sockets;
use crate::AppState;
use crate::extract::Credential;

/// The net under the signals: sessions end by themselves, and a program may die before it tells what it has changed.
const EVERY: Duration = Duration::from_secs(15);

/// How soon a look is tried again that the database did not let be.
pub const AGAIN: Duration = Duration::from_millis(250);

/// Keeps every socket in the room of its present rights, and ends those whose session or token is gone.
pub async fn recheck(state: AppState) {
    loop {
        // Either wakes it; a signal during a round leaves a permit for the next.
        tokio::time::timeout(EVERY, state.live.look.notified()).await.ok();
        if !look(&state).await {
            tokio::time::sleep(AGAIN).await;
            state.live.recheck();
        }
    }
}

/// Looks at every socket now; whether the database let it.
pub async fn look(state: &AppState) -> bool {
    let Some(sockets) = state.live.sockets.get() else {
        return true;
    };
    // One after another: what an earlier one has read is older.
    let _looking = state.live.looking.lock().await;
    match look_at(state, sockets).await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%error, "the rights of live connections could not be checked");
            false
        }
    }
}

async fn look_at(state: &AppState, sockets: &Sockets) -> imagefleet_store::Result<()> {
    state.live.count_look();
    let asked = sockets.clients();
    let present = Present::read(state).await?;
    let mut known: HashMap<String, Option<Access>> = HashMap::new();
    for (_, client) in asked {
        let of_client = || present.access(&client.credential);
        known.entry(key(&client.credential)).or_insert_with(of_client);
    }
    let mut classes = classes_of(present.accesses.into_values());
    // All at once, while no event is on its way: else it would be for rooms in which those are not yet, or no longer, whom it is for.
    let _order = state.live.order.lock().await;
    let before = state.live.audience.classes();
    for (socket, client) in sockets.clients() {
        match known.get(&key(&client.credential)) {
            Some(Some(access)) => sockets.move_to(socket, room_of(access)),
            Some(None) => sockets.disconnect(socket),
            // It came meanwhile, and stays in the room of then until the look that it asks for.
            None => {
                let class = before
                    .iter()
                    .find(|class| Some(&class.room) == client.room.as_ref());
                if let Some(class) = class {
                    include(&mut classes, class.clone());
                }
            }
        }
    }
    // A token may hold less than any user.
    for class in classes_of(known.into_values().flatten()) {
        include(&mut classes, class);
    }
    state.live.audience.set(classes);
    // Who is being let in and whose class is not among these asks for another look.
    state.live.count_look();
    Ok(())
}

fn key(credential: &Credential) -> String {
    match credential {
        Credential::Session { id, .. } => format!("session {id}"),
        Credential::Token { id, .. } => format!("token {id}"),
    }
}

/// What is valid at this moment: as many queries for a thousand sockets as for one.
struct Present {
    sessions: HashMap<String, i64>,
    tokens: HashMap<i64, Token>,
    accesses: HashMap<i64, Access>,
}

impl Present {
    async fn read(state: &AppState) -> imagefleet_store::Result<Self> {
        let tokens = state.store.valid_tokens().await?.into_iter();
        Ok(Self {
            sessions: state.store.session_owners(state.config.session_idle).await?,
            tokens: tokens.map(|token| (token.id, token)).collect(),
            // Last: who was given a right meanwhile is among them.
            accesses: state.store.accesses().await?,
        })
    }

    /// What the holder of a credential may do; `None` when it is no longer valid.
    fn access(&self, credential: &Credential) -> Option<Access> {
        match credential {
            Credential::Session { id, .. } => Some(self.of_user(*self.sessions.get(id)?)),
            Credential::Token { id, .. } => {
                let token = self.tokens.get(id)?;
                let access = self.of_user(token.user_id);
                Some(match &token.verbs {
                    Some(verbs) => access.narrowed(verbs),
                    None => access,
                })
            }
        }
    }

    fn of_user(&self, user: i64) -> Access {
        self.accesses.get(&user).cloned().unwrap_or_default()
    }
}
