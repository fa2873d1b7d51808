use std::collections::HashMap;
use std::time::Duration;

use imagefleet_model::Access;

use super::audience::{Audience, Class, include, room_of};
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
    let mut known: HashMap<String, Option<Access>> = HashMap::new();
    for (_, client) in sockets.clients() {
        let key = key(&client.credential);
        if !known.contains_key(&key) {
            known.insert(key.clone(), access(state, &client.credential).await?);
        }
    }
    // After those of the sockets: who was given a right meanwhile is among them.
    let mut classes = Audience::read(state).await?;
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
    for access in known.into_values().flatten() {
        if let Some(room) = room_of(&access) {
            include(&mut classes, Class { room, access });
        }
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

/// What the holder of a credential may do now; `None` when it is no longer valid.
async fn access(state: &AppState, credential: &Credential) -> imagefleet_store::Result<Option<Access>> {
    match credential {
        Credential::Session { id, .. } => {
            match state.store.session_owner(id, state.config.session_idle).await? {
                Some(user) => state.store.access(user).await.map(Some),
                None => Ok(None),
            }
        }
        Credential::Token { id, .. } => {
            let Some(token) = state.store.token_by_id(*id).await? else {
                return Ok(None);
            };
            let access = state.store.access(token.user_id).await?;
            Ok(Some(match &token.verbs {
                Some(verbs) => access.narrowed(verbs),
                None => access,
            }))
        }
    }
}
