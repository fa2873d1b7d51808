//! The inventory in memory, as far as filters, totals and pages need it: every reference with its counts, and which
//! server holds which. Which images a page shows is found here; their rows are read from the database.
//!
//! It is as fresh as the database: whoever reads asks for the number of the latest change first (`inventory/changes.rs`),
//! and what is newer than this is read before anything is answered. Several programs on one `PostgreSQL` each keep
//! their own.

mod bits;
mod flags;
mod held;
mod names;
mod references;
mod refresh;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use imagefleet_model::ServerId;

pub use bits::Bits;
pub use flags::Allowed;
use held::Contents;
pub use held::Held;
pub use references::{Record, References};

use crate::inventory::latest_change;
use crate::{Result, Store};

/// What is known by now; filled after the start, or by the first question that needs it.
#[derive(Debug, Clone, Default)]
pub struct InMemory {
    known: Arc<RwLock<Known>>,
    /// One after the other reads what has changed.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The inventory as it was at one change.
#[derive(Debug, Default)]
pub struct Known {
    /// The change; none before the first look.
    number: Option<i64>,
    /// Every reference.
    pub references: References,
    servers: HashMap<ServerId, OnServer>,
}

/// A server, and what it holds if anybody has asked.
#[derive(Debug)]
struct OnServer {
    changed: Changed,
    held: Option<(Changed, Held)>,
}

/// The changes that an inventory was last touched by: at all, and in what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Changed {
    images: i64,
    contents: i64,
}

/// Servers of which it has to be known what they hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Servers {
    /// Counts of references are enough.
    None,
    /// These.
    These(Vec<ServerId>),
    /// All.
    All,
}

/// A server of which it is not known what it holds now.
struct Unknown {
    server_id: ServerId,
    changed: Changed,
    /// Where nothing but statuses and uses changed.
    contents: Option<Arc<Contents>>,
}

impl Store {
    /// Reads what pages are found by, so that the first one who asks need not wait for it.
    pub async fn warm_up(&self) -> Result<()> {
        self.in_memory(&Servers::All, |_| ()).await
    }

    /// Reads from memory what the database says now.
    pub(super) async fn in_memory<T>(&self, servers: &Servers, read: impl FnOnce(&Known) -> T) -> Result<T> {
        let number = latest_change(&self.db).await?;
        {
            let known = self.memory.read();
            if known.number.is_some_and(|known| known >= number) && known.unknown(servers).is_empty() {
                return Ok(read(&known));
            }
        }
        let _turn = self.memory.turn.lock().await;
        self.refresh(servers).await?;
        Ok(read(&self.memory.read()))
    }
}

impl InMemory {
    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Every server of which it is known what it holds.
    pub fn servers(&self) -> impl Iterator<Item = (ServerId, &Held)> {
        self.servers
            .iter()
            .filter_map(|(server, on_server)| Some((*server, on_server.held()?)))
    }

    /// What a server holds, if that is known.
    pub fn held(&self, server: ServerId) -> Option<&Held> {
        self.servers.get(&server)?.held()
    }

    /// Those among the servers of which it is not known what they hold now.
    fn unknown(&self, servers: &Servers) -> Vec<Unknown> {
        let among: Box<dyn Iterator<Item = (&ServerId, &OnServer)>> = match servers {
            Servers::None => return Vec::new(),
            Servers::These(these) => Box::new(these.iter().filter_map(|id| self.servers.get_key_value(id))),
            Servers::All => Box::new(self.servers.iter()),
        };
        among
            .filter(|(_, on_server)| on_server.held().is_none())
            .map(|(server, on_server)| Unknown {
                server_id: *server,
                changed: on_server.changed,
                contents: on_server.contents(),
            })
            .collect()
    }

    /// Every server there is, and by which changes its inventory was touched last.
    fn set_servers(&mut self, now: Vec<(ServerId, Changed)>) {
        let mut before = std::mem::take(&mut self.servers);
        self.servers = now
            .into_iter()
            .map(|(server, changed)| {
                let held = before.remove(&server).and_then(|on_server| on_server.held);
                (server, OnServer { changed, held })
            })
            .collect();
    }
}

impl OnServer {
    /// What it holds now, if that is known.
    fn held(&self) -> Option<&Held> {
        let (at, held) = self.held.as_ref()?;
        (*at == self.changed).then_some(held)
    }

    /// The same without statuses and uses.
    fn contents(&self) -> Option<Arc<Contents>> {
        let (at, held) = self.held.as_ref()?;
        (at.contents == self.changed.contents).then(|| Arc::clone(held.contents()))
    }
}
