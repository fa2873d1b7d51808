//! One connector for every way to an engine: it turns an [`Endpoint`] into a stream of bytes for HTTP/1.1.

mod ssh;
mod ssh_login;
mod tcp;
mod tls;
mod wire;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper_util::rt::TokioIo;
use imagefleet_model::{Endpoint, ErrorCode, Failure};
use tokio::net::UnixStream;

use self::ssh::SshWay;
use self::tls::TlsWay;
use self::wire::Wire;
use super::connection::Connection;
use crate::Result;

/// Opens byte streams to one engine. Cheap to clone; clones share the SSH session.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    way: Arc<Way>,
    connect: Duration,
    /// Whether what it opens shares nothing with other streams.
    alone: bool,
}

#[derive(Debug)]
enum Way {
    Unix(String),
    Tcp {
        host: String,
        port: u16,
    },
    Tls(TlsWay),
    Ssh(SshWay),
    /// The material cannot be used; every attempt says why.
    Broken(Failure),
}

impl Connector {
    /// Reads the material; what is wrong with it is reported by the first attempt to connect.
    pub fn new(connection: &Connection) -> Self {
        let way = match &connection.endpoint {
            Endpoint::Unix(path) => Ok(Way::Unix(path.clone())),
            Endpoint::Tcp { host, port } => Ok(Way::Tcp {
                host: host.clone(),
                port: *port,
            }),
            Endpoint::Tcps { host, port } => TlsWay::new(host, *port, connection.tls.as_ref()).map(Way::Tls),
            Endpoint::Ssh { user, host, port } => Ok(Way::Ssh(SshWay::new(
                user,
                host,
                *port,
                connection.ssh.clone().unwrap_or_default(),
            ))),
        };
        Self {
            way: Arc::new(way.unwrap_or_else(Way::Broken)),
            connect: connection.limits.connect,
            alone: false,
        }
    }

    /// The same way, for streams that must not hold up others.
    pub fn alone(&self) -> Self {
        Self {
            alone: true,
            ..self.clone()
        }
    }

    /// The SSH host key that was met.
    pub fn observed_host_key(&self) -> Option<String> {
        match self.way.as_ref() {
            Way::Ssh(ssh) => ssh.observed_host_key(),
            _ => None,
        }
    }

    /// The SSH host key of the machine before the server.
    pub fn observed_jump_key(&self) -> Option<String> {
        match self.way.as_ref() {
            Way::Ssh(ssh) => ssh.observed_jump_key(),
            _ => None,
        }
    }

    async fn open(&self) -> Result<Wire> {
        let attempt = async {
            match self.way.as_ref() {
                Way::Unix(path) => UnixStream::connect(path)
                    .await
                    .map(Wire::new)
                    .map_err(|error| unreachable(path, &error)),
                Way::Tcp { host, port } => tcp::dial(host, *port).await.map(Wire::new),
                Way::Tls(tls) => tls.open().await.map(Wire::new),
                Way::Ssh(ssh) => ssh.open(self.alone).await,
                Way::Broken(failure) => Err(failure.clone()),
            }
        };
        let limit = tokio::time::timeout(self.connect, attempt);
        limit.await.unwrap_or_else(|_| {
            Err(Failure::passing(
                ErrorCode::EngineUnreachable,
                format!("no connection within {} s", self.connect.as_secs_f32()),
                Duration::ZERO,
            ))
        })
    }
}

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.open().await.map(TokioIo::new) })
    }
}

/// Nobody listens at `place`, or it cannot be reached.
fn unreachable(place: &str, error: &dyn std::error::Error) -> Failure {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_words = inner.to_string();
        if !words.contains(&inner_words) {
            words = format!("{words}: {inner_words}");
        }
        source = inner.source();
    }
    Failure::passing(
        ErrorCode::EngineUnreachable,
        format!("{place}: {words}"),
        Duration::ZERO,
    )
}
