use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use imagefleet_engine::Engine;
use imagefleet_engine::docker::{self, Connection, SshJump, SshMaterial, TlsMaterial};
use imagefleet_model::{ErrorCode, Failure, ServerId};
use imagefleet_store::{EngineServer, JumpSecrets, SshSecrets, Store, TlsSecrets};

use crate::EngineSource;

/// Makes an engine of a server; nothing is asked of it yet.
type Connect = dyn Fn(&EngineServer) -> Arc<dyn Engine> + Send + Sync;

/// One engine a server, made when it is first needed and made anew when the way to the server has changed, wherever
/// that was done: the generation of the way is asked each time.
pub struct EnginePool {
    store: Store,
    connect: Box<Connect>,
    engines: Mutex<HashMap<ServerId, Pooled>>,
}

struct Pooled {
    generation: i64,
    engine: Arc<dyn Engine>,
}

impl std::fmt::Debug for EnginePool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnginePool")
            .field("servers", &self.lock().len())
            .finish_non_exhaustive()
    }
}

impl EnginePool {
    /// Engines behind real connections.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self::with_connect(store, |server| docker::connect(&connection(server)))
    }

    /// Engines that `connect` makes: fakes in tests.
    #[must_use]
    pub fn with_connect(
        store: Store,
        connect: impl Fn(&EngineServer) -> Arc<dyn Engine> + Send + Sync + 'static,
    ) -> Self {
        Self {
            store,
            connect: Box::new(connect),
            engines: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ServerId, Pooled>> {
        self.engines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EngineSource for EnginePool {
    async fn engine(&self, server: ServerId) -> Result<Arc<dyn Engine>, Failure> {
        let known = self.store.server_generation(server).await.map_err(Failure::from);
        let (enabled, generation) = known.inspect_err(|failure| {
            if failure.code == ErrorCode::ServerNotFound {
                self.lock().remove(&server);
            }
        })?;
        if !enabled {
            self.lock().remove(&server);
            return Err(Failure::new(ErrorCode::ServerDisabled, "The server is disabled."));
        }
        if let Some(pooled) = self.lock().get(&server)
            && pooled.generation == generation
        {
            return Ok(Arc::clone(&pooled.engine));
        }
        let row = self.store.server_for_engine(server).await?;
        let mut engines = self.lock();
        // Somebody may have been faster; two engines of one server would be two sessions to it.
        if let Some(pooled) = engines.get(&server)
            && pooled.generation == row.generation
        {
            return Ok(Arc::clone(&pooled.engine));
        }
        let engine = (self.connect)(&row);
        engines.insert(
            server,
            Pooled {
                generation: row.generation,
                engine: Arc::clone(&engine),
            },
        );
        Ok(engine)
    }

    fn connect(&self, server: &EngineServer) -> Arc<dyn Engine> {
        (self.connect)(server)
    }
}

/// The connector's form of a server.
fn connection(server: &EngineServer) -> Connection {
    Connection {
        tls: server.tls.clone().map(tls),
        ssh: Some(ssh(
            server.ssh.clone().unwrap_or_default(),
            server.host_key.clone(),
        )),
        ..Connection::new(server.endpoint.clone())
    }
}

fn tls(secrets: TlsSecrets) -> TlsMaterial {
    TlsMaterial {
        ca: secrets.ca,
        cert: secrets.cert,
        key: secrets.key,
    }
}

fn ssh(secrets: SshSecrets, host_key: Option<String>) -> SshMaterial {
    SshMaterial {
        private_key: secrets.private_key,
        passphrase: secrets.passphrase,
        password: secrets.password,
        host_key,
        jump: secrets.jump.map(|jump| Box::new(through(jump))),
    }
}

fn through(jump: JumpSecrets) -> SshJump {
    SshJump {
        user: jump.user,
        host: jump.host,
        port: jump.port,
        material: SshMaterial {
            private_key: jump.private_key,
            passphrase: jump.passphrase,
            password: jump.password,
            host_key: jump.host_key,
            jump: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use imagefleet_engine::fake::FakeEngine;
    use imagefleet_model::ErrorCode;
    use imagefleet_store::{NewServer, ServerChange, testing};

    use super::EnginePool;
    use crate::EngineSource as _;

    #[tokio::test]
    async fn one_engine_a_server_until_its_way_changes() {
        let at = testing::sqlite().await;
        let new = NewServer {
            name: "a".to_owned(),
            endpoint: "unix:///run/a.sock".parse().expect("valid"),
            description: String::new(),
            tags: vec![],
            enabled: true,
            tls: None,
            ssh: None,
        };
        let id = at.store.create_server(new).await.expect("added").id;
        let made = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&made);
        let pool = EnginePool::with_connect(at.store.clone(), move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Arc::new(FakeEngine::new(imagefleet_engine::fake::FakeOptions::default()))
        });
        let first = pool.engine(id).await.expect("made");
        let second = pool.engine(id).await.expect("kept");
        assert!(Arc::ptr_eq(&first, &second) && made.load(Ordering::Relaxed) == 1);

        let renamed = ServerChange {
            name: Some("b".to_owned()),
            ..ServerChange::default()
        };
        at.store.update_server(id, renamed).await.expect("changed");
        pool.engine(id).await.expect("kept");
        assert_eq!(made.load(Ordering::Relaxed), 1, "the way is the same");
        let moved = ServerChange {
            endpoint: Some("unix:///run/b.sock".parse().expect("valid")),
            ..ServerChange::default()
        };
        at.store.update_server(id, moved).await.expect("changed");
        pool.engine(id).await.expect("made anew");
        assert_eq!(made.load(Ordering::Relaxed), 2);

        let off = ServerChange {
            enabled: Some(false),
            ..ServerChange::default()
        };
        at.store.update_server(id, off).await.expect("changed");
        assert_eq!(
            pool.engine(id).await.expect_err("disabled").code,
            ErrorCode::ServerDisabled
        );
        at.store.delete_server(id, false).await.expect("gone");
        assert_eq!(
            pool.engine(id).await.expect_err("gone").code,
            ErrorCode::ServerNotFound
        );
        assert!(pool.lock().is_empty());
    }
}
