//! The whole program behind its router, without a socket: real store, real runner and watchers, engines in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use imagefleet_api::{ApiConfig, AppState, Passwords, Services};
use imagefleet_engine::Engine;
use imagefleet_engine::fake::{FakeEngine, Fault, FaultyCall};
use imagefleet_model::{Grant, GrantServers};
use imagefleet_operations::archives::{ArchivePolicy, ArchiveStore};
use imagefleet_operations::reconcilers::{WatchOptions, Watches};
use imagefleet_operations::{EnginePool, Operations, RunnerOptions};
use imagefleet_store::testing::TestStore;
use imagefleet_store::{EngineServer, NewUser, Store};
use serde_json::Value;
use tower::ServiceExt as _;

/// Every test user's password.
pub const PASSWORD: &str = "correct horse battery";

/// Fake engines by the endpoint under which a server finds them; any other endpoint leads to one that is dead.
#[derive(Clone, Default)]
pub struct Engines(Arc<Mutex<HashMap<String, FakeEngine>>>);

impl Engines {
    /// That engine answers at that endpoint from now on.
    pub fn put(&self, endpoint: &str, engine: FakeEngine) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(endpoint.to_owned(), engine);
    }

    fn at(&self, server: &EngineServer) -> Arc<dyn Engine> {
        let engines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let engine = engines.get(&server.endpoint.to_string()).cloned();
        Arc::new(engine.unwrap_or_else(|| {
            let dead = FakeEngine::seeded(0, 0);
            dead.inject(FaultyCall::Any, Fault::Offline, None);
            dead
        }))
    }
}

/// The program.
pub struct App {
    /// What answers requests.
    router: axum::Router,
    /// What they share.
    pub state: AppState,
    /// Its database, with a clock that the test turns.
    pub at: TestStore,
    /// Its operations.
    pub operations: Operations,
    /// Its engines.
    pub engines: Engines,
    watches: Watches,
    /// Where its archives lie, unless the test said where.
    pub archives: Arc<tempfile::TempDir>,
}

/// How patient the parts that run by themselves are.
struct Temper {
    runner: RunnerOptions,
    watch: WatchOptions,
}

impl Temper {
    /// Waits short enough for a test.
    fn quick(runner: RunnerOptions) -> Self {
        let watch = WatchOptions {
            backoff: Duration::from_millis(50),
            lease: Duration::from_secs(2),
            ..WatchOptions::new(runner.worker.clone())
        };
        Self { runner, watch }
    }
}

/// Somebody who is logged in, or nobody.
pub struct Client<'a> {
    app: &'a App,
    cookie: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: axum::http::HeaderMap,
    /// The JSON; null when there was none.
    pub body: Value,
}

impl App {
    /// Starts it on that store, with the user `admin` in it.
    ///
    /// # Panics
    /// When it does not start: the test cannot run.
    pub async fn start(at: TestStore) -> Self {
        Self::start_with(at, ApiConfig::default()).await
    }

    /// The same as an operator has set it.
    ///
    /// # Panics
    /// When it does not start: the test cannot run.
    pub async fn start_with(at: TestStore, config: ApiConfig) -> Self {
        let engines = Engines::default();
        let found = engines.clone();
        let pool = EnginePool::with_connect(at.store.clone(), move |server| found.at(server));
        Self::start_on(at, engines, pool, None, config).await
    }

    /// The same with its archives elsewhere. On a database that another program uses, too, its engines are that one's.
    ///
    /// # Panics
    /// When it does not start: the test cannot run.
    pub async fn start_storing(at: TestStore, engines: Engines, archives: ArchiveStore) -> Self {
        let found = engines.clone();
        let pool = EnginePool::with_connect(at.store.clone(), move |server| found.at(server));
        Self::start_on(at, engines, pool, Some(archives), ApiConfig::default()).await
    }

    /// The same with real engines behind the servers' endpoints.
    ///
    /// # Panics
    /// When it does not start: the test cannot run.
    pub async fn start_real(at: TestStore) -> Self {
        let pool = EnginePool::new(at.store.clone());
        Self::start_on(at, Engines::default(), pool, None, ApiConfig::default()).await
    }

    /// The same with a runner and watchers of another temper; the pool leads to the engines.
    ///
    /// # Panics
    /// When it does not start: the test cannot run.
    pub async fn start_tempered(
        at: TestStore,
        pool: EnginePool,
        runner: RunnerOptions,
        watch: WatchOptions,
    ) -> Self {
        let archives = Arc::new(tempfile::tempdir().expect("a folder"));
        let temper = Temper { runner, watch };
        let app = Self::prepare(
            at,
            Engines::default(),
            pool,
            archives,
            None,
            temper,
            ApiConfig::default(),
        )
        .await;
        app.begin().await;
        app
    }

    async fn start_on(
        at: TestStore,
        engines: Engines,
        pool: EnginePool,
        elsewhere: Option<ArchiveStore>,
        config: ApiConfig,
    ) -> Self {
        let archives = Arc::new(tempfile::tempdir().expect("a folder"));
        let app = Self::prepare(
            at,
            engines,
            pool,
            archives,
            elsewhere,
            Temper::quick(RunnerOptions::default()),
            config,
        )
        .await;
        app.begin().await;
        app
    }

    async fn begin(&self) {
        self.operations.start().await.expect("it starts");
        if self.store().user_count().await.expect("counted") == 0 {
            self.user("admin", vec![everywhere("admin")]).await;
        }
    }

    /// One more program on the same database, engines and archives; it takes no steps before its operations are started.
    ///
    /// # Panics
    /// When it does not start: the test cannot run.
    pub async fn beside(&self, options: RunnerOptions) -> Self {
        let at = self.at.again().await;
        let found = self.engines.clone();
        let pool = EnginePool::with_connect(at.store.clone(), move |server| found.at(server));
        Self::prepare(
            at,
            self.engines.clone(),
            pool,
            Arc::clone(&self.archives),
            None,
            Temper::quick(options),
            ApiConfig::default(),
        )
        .await
    }

    async fn prepare(
        at: TestStore,
        engines: Engines,
        pool: EnginePool,
        archives: Arc<tempfile::TempDir>,
        elsewhere: Option<ArchiveStore>,
        temper: Temper,
        config: ApiConfig,
    ) -> Self {
        let folder = || ArchiveStore::folder(archives.path(), ArchivePolicy::default()).expect("a folder");
        let archive_store = elsewhere.unwrap_or_else(folder);
        let store = at.store.clone();
        let operations = Operations::new(store.clone(), Arc::new(pool), archive_store, temper.runner);
        let watches = Watches::start(operations.deps().clone(), temper.watch);
        let state = AppState::new(Services {
            store: store.clone(),
            operations: operations.clone(),
            watches: watches.clone(),
            config,
            metrics: Arc::new(String::new),
            sockets: tokio::runtime::Handle::current(),
        });
        Self {
            router: imagefleet_api::router(state.clone()).await.expect("a router"),
            state,
            at,
            operations,
            engines,
            watches,
            archives,
        }
    }

    /// Its database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.at.store
    }

    /// Adds a user.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn user(&self, username: &str, grants: Vec<Grant>) {
        let hash = Passwords::default().hash(PASSWORD).await.expect("hashed");
        let new = NewUser {
            username: username.to_owned(),
            password_hash: hash,
            must_change_password: false,
            grants,
        };
        self.store().create_user(new).await.expect("added");
    }

    /// Logs a user in.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn login(&self, username: &str) -> Client<'_> {
        let nobody = self.nobody();
        let body = serde_json::json!({"username": username, "password": PASSWORD});
        let answer = nobody.call(Method::POST, "/session", Some(body)).await;
        assert!(answer.status.is_success(), "{answer:?}");
        let cookie = answer
            .headers
            .get(header::SET_COOKIE)
            .and_then(|value| value.to_str().ok())
            .expect("a cookie");
        Client {
            app: self,
            cookie: cookie.split(';').next().map(ToOwned::to_owned),
        }
    }

    /// Somebody who logged in earlier.
    #[must_use]
    pub fn with_cookie(&self, cookie: String) -> Client<'_> {
        Client {
            app: self,
            cookie: Some(cookie),
        }
    }

    /// Nobody.
    #[must_use]
    pub fn nobody(&self) -> Client<'_> {
        Client {
            app: self,
            cookie: None,
        }
    }

    /// Ends it.
    pub async fn stop(&self) {
        self.watches.shutdown().await;
        self.operations.shutdown(Duration::from_millis(100)).await;
    }
}

impl Client<'_> {
    /// The session's secret, as the cookie carries it; empty for nobody.
    #[must_use]
    pub fn cookie_value(&self) -> &str {
        let cookie = self.cookie.as_deref().unwrap_or_default();
        cookie.split_once('=').map_or("", |(_, value)| value)
    }

    /// What says who this is.
    #[must_use]
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// Asks the native API.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let request = match body {
            Some(body) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let response = self
            .app
            .router
            .clone()
            .oneshot(request.expect("a request"))
            .await
            .expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }

    /// Sends any request (its path whole) as this somebody; the answer with its body still to come.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub async fn send(&self, mut request: Request<Body>) -> axum::response::Response {
        if let Some(cookie) = &self.cookie {
            let cookie = cookie.parse().expect("a cookie");
            request.headers_mut().insert(header::COOKIE, cookie);
        }
        self.app.router.clone().oneshot(request).await.expect("an answer")
    }

    /// Waits for the end of the operation that an answer speaks of.
    ///
    /// # Panics
    /// When the answer is none that began one, or it does not end within five minutes.
    pub async fn end_of(&self, answer: &Answer) -> Value {
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        let location = answer.headers[header::LOCATION].to_str().expect("text");
        let path = location.strip_prefix("/api/v1").expect("of this API");
        for _ in 0..15_000 {
            let operation = self.get(path).await.body;
            if operation["finishedAt"].is_string() {
                return operation;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{path} did not end")
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    /// `POST`.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    /// `PATCH`.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// Asks until the answer is as wanted.
    ///
    /// # Panics
    /// When that does not happen within ten seconds.
    pub async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.until_within(Duration::from_secs(10), path, wanted).await
    }

    /// The same, for as long as this.
    ///
    /// # Panics
    /// When that does not happen.
    pub async fn until_within(
        &self,
        patience: Duration,
        path: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        let mut last = Value::Null;
        let found = tokio::time::timeout(patience, async {
            loop {
                last = self.get(path).await.body;
                if wanted(&last) {
                    return last.clone();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        found.unwrap_or_else(|_| panic!("{path} never became as wanted"))
    }
}

impl Answer {
    /// The names of the wrong fields.
    #[must_use]
    pub fn fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array();
        errors
            .into_iter()
            .flatten()
            .filter_map(|error| error["field"].as_str())
            .collect()
    }

    /// The stable word of an error.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// A role on every server and repository.
#[must_use]
pub fn everywhere(role: &str) -> Grant {
    grant(
        role,
        GrantServers {
            all: true,
            ..GrantServers::default()
        },
        "*",
    )
}

/// A role on some servers for the repositories of a pattern.
#[must_use]
pub fn grant(role: &str, servers: GrantServers, repositories: &str) -> Grant {
    Grant {
        role: role.to_owned(),
        servers,
        repositories: vec![repositories.to_owned()],
    }
}
