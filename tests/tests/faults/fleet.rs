use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use imagefleet_engine::docker::{Connection, Limits, connect};
use imagefleet_engine::fake::{FakeEngine, FakeOptions, FakeRegistry};
use imagefleet_model::ImageStore;
use imagefleet_operations::reconcilers::WatchOptions;
use imagefleet_operations::{EnginePool, RunnerOptions};
use imagefleet_store::testing::TestStore;
use imagefleet_tests::app::{Answer, App, Client};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::clock_ticks;
use crate::listener::Listener;
use crate::tally::Tally;

/// How long the connector waits for anything: short, so that an engine that hangs costs little time.
const LIMIT: Duration = Duration::from_millis(800);
/// Images that an engine has at first.
const IMAGES: usize = 6;

/// One server and the engine behind it.
pub struct Server {
    pub id: i64,
    pub engine: FakeEngine,
    serving: JoinHandle<()>,
}

/// The program and its engines, each behind a socket of its own.
pub struct Fleet {
    pub app: App,
    pub servers: Vec<Server>,
    pub registry: FakeRegistry,
    pub listener: Listener,
    pub tally: Tally,
    begun: Mutex<BTreeMap<String, u64>>,
    cookie: Mutex<Option<String>>,
    ticking: JoinHandle<()>,
}

impl Fleet {
    pub async fn start(at: TestStore, servers: usize, seed: u64) -> Self {
        let limits = Limits {
            connect: LIMIT,
            answer: LIMIT,
            change: LIMIT,
            first_message: LIMIT,
            idle: LIMIT,
            still: LIMIT,
            preparing: LIMIT,
        };
        let ticking = clock_ticks::tick(at.clock.clone());
        let pool = EnginePool::with_connect(at.store.clone(), move |server| {
            connect(&Connection {
                limits,
                ..Connection::new(server.endpoint.clone())
            })
        });
        let runner = RunnerOptions {
            backoff: Duration::from_millis(50),
            lease: Duration::from_secs(4),
            ..RunnerOptions::default()
        };
        let watch = WatchOptions {
            lease: Duration::from_secs(4),
            ask: Duration::from_millis(700),
            patience: Duration::from_secs(1),
            look: Duration::from_secs(3),
            gather: Duration::from_millis(100),
            backoff: Duration::from_millis(100),
            longest_backoff: Duration::from_millis(800),
            ..WatchOptions::new(runner.worker.clone())
        };
        let app = App::start_tempered(at, pool, runner, watch).await;
        let tally = Tally::default();
        let listener = Listener::start(&app.operations, tally.clone()).await;
        let registry = FakeRegistry::new(seed);
        let mut fleet = Self {
            app,
            servers: Vec::new(),
            registry,
            listener,
            tally,
            begun: Mutex::default(),
            cookie: Mutex::default(),
            ticking,
        };
        for number in 0..servers {
            fleet.add(number, seed).await;
        }
        fleet
    }

    async fn add(&mut self, number: usize, seed: u64) {
        let engine = FakeEngine::new(FakeOptions {
            seed: seed.wrapping_add(number as u64),
            images: IMAGES,
            containers: 2,
            store: if number.is_multiple_of(2) {
                ImageStore::Classic
            } else {
                ImageStore::Containerd
            },
            bytes_per_second: Some(400 << 20),
            registry: self.registry.clone(),
            clock: Arc::new(self.app.at.clock.clone()),
            ..FakeOptions::default()
        });
        let (address, serving) = engine.serve().await.expect("a port");
        let body = json!({"name": format!("server-{number}"), "endpoint": format!("tcp://{address}")});
        let serving = tokio::spawn(serving);
        let added = self.ask(Method::POST, "/servers", Some(body)).await;
        let id = added.body["id"].as_i64().unwrap_or_else(|| panic!("{added:?}"));
        self.servers.push(Server { id, engine, serving });
    }

    /// Somebody who may do everything. Clock jumps end sessions: then he logs in again.
    pub async fn client(&self) -> Client<'_> {
        let known = self.cookie.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(cookie) = known {
            let client = self.app.with_cookie(cookie);
            if client.get("/session").await.status == StatusCode::OK {
                return client;
            }
        }
        let client = self.app.login("admin").await;
        *self.cookie.lock().unwrap_or_else(PoisonError::into_inner) = client.cookie().map(ToOwned::to_owned);
        client
    }

    /// An operation was begun, or begun once more.
    pub fn began(&self, operation: &str) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        *begun.entry(operation.to_owned()).or_default() += 1;
    }

    /// Every operation, and how often it was begun.
    pub fn begun(&self) -> BTreeMap<String, u64> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the API; an answer that blames the program itself is a breach.
    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let answer = self.client().await.call(method.clone(), path, body).await;
        self.tally.check("no answer blames the program (5xx)");
        // An engine that is away is a gateway's matter.
        let ours = answer.status.is_server_error()
            && !matches!(
                answer.status,
                StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
            );
        if ours {
            self.tally.breach(
                "no answer blames the program (5xx)",
                format!("{method} {path}: {} {}", answer.status, answer.body),
            );
        }
        answer
    }

    pub async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, None).await.body
    }

    /// Every item of a list, page by page.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let mark = if path.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        for page in 1.. {
            let answer = self.get(&format!("{path}{mark}page={page}&size=200")).await;
            let items = answer["items"].as_array().cloned().unwrap_or_default();
            let last = items.len() < 200;
            all.extend(items);
            if last {
                break;
            }
        }
        all
    }

    pub fn server_ids(&self) -> Vec<i64> {
        self.servers.iter().map(|server| server.id).collect()
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        self.servers.iter().for_each(|server| server.engine.heal());
        self.registry.refuse_nothing();
    }

    /// Ends everything; what was counted.
    pub async fn end(self) -> Tally {
        self.app.stop().await;
        self.listener.stop();
        self.ticking.abort();
        self.servers.iter().for_each(|server| server.serving.abort());
        self.tally
    }
}
