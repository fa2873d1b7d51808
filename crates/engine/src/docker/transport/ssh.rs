use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use imagefleet_model::{ErrorCode, Failure};
use russh::client::{Handle, Msg};
use russh::{Channel, ChannelMsg};
use tokio::io::{AsyncRead, AsyncWrite};

use super::ssh_login::{Greeter, HostKeyMemory, greet, log_in};
use super::tcp;
use super::wire::Wire;
use crate::Result;
use crate::docker::connection::{SshJump, SshMaterial};

/// Where engines listen on their own machine.
const SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/podman/podman.sock"];
/// Docker's own bridge from a terminal to its socket, for servers that forward no sockets.
const DIAL_STDIO: &str = "docker system dial-stdio";
/// How much of a remote command's complaint is worth telling.
const COMPLAINT: usize = 400;

/// The way through SSH to the engine's socket there.
///
/// Calls that ask share one session with a channel each. A stream gets a session of its own: russh hands a channel's
/// bytes over a bounded queue and grants window on receipt, so one slow reader would hold up every other channel.
pub(super) struct SshWay {
    user: String,
    host: String,
    port: u16,
    material: SshMaterial,
    keys: HostKeyMemory,
    jump_keys: HostKeyMemory,
    shared: tokio::sync::Mutex<Option<Arc<Session>>>,
    bridge: Mutex<Option<Bridge>>,
}

impl std::fmt::Debug for SshWay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SshWay")
            .field("user", &self.user)
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// How the socket behind a session is reached; found out once.
#[derive(Debug, Clone, Copy)]
enum Bridge {
    Socket(&'static str),
    DialStdio,
}

/// A session, and the one it runs through: it ends when the last channel is gone.
struct Session {
    handle: Handle<Greeter>,
    _jump: Option<Handle<Greeter>>,
}

impl SshWay {
    pub fn new(user: &str, host: &str, port: u16, material: SshMaterial) -> Self {
        let jump_pin = material
            .jump
            .as_ref()
            .and_then(|jump| jump.material.host_key.clone());
        Self {
            user: user.to_owned(),
            host: host.to_owned(),
            port,
            keys: HostKeyMemory::new(material.host_key.clone()),
            jump_keys: HostKeyMemory::new(jump_pin),
            material,
            shared: tokio::sync::Mutex::new(None),
            bridge: Mutex::new(None),
        }
    }

    pub fn observed_host_key(&self) -> Option<String> {
        self.keys.observed()
    }

    pub fn observed_jump_key(&self) -> Option<String> {
        self.jump_keys.observed()
    }

    /// A channel to the engine; `alone` in a session of its own.
    pub async fn open(&self, alone: bool) -> Result<Wire> {
        let session = if alone {
            Arc::new(self.connect().await?)
        } else {
            self.shared_session().await?
        };
        match self.channel(&session).await {
            Err(failure) if failure.code == ErrorCode::EngineDisconnected && !alone => {
                // The session died unnoticed: once more with a new one.
                *self.shared.lock().await = None;
                let session = self.shared_session().await?;
                self.channel(&session).await
            }
            other => other,
        }
    }

    async fn shared_session(&self) -> Result<Arc<Session>> {
        let mut shared = self.shared.lock().await;
        if let Some(session) = shared.as_ref().filter(|session| !session.handle.is_closed()) {
            return Ok(Arc::clone(session));
        }
        let session = Arc::new(self.connect().await?);
        *shared = Some(Arc::clone(&session));
        Ok(session)
    }

    async fn connect(&self) -> Result<Session> {
        let (mut handle, jump) = match &self.material.jump {
            None => {
                let stream = tcp::dial(&self.host, self.port).await?;
                (greet(stream, &self.host, &self.keys).await?, None)
            }
            Some(jump) => {
                let before = self.jump_session(jump).await?;
                let channel = before
                    .channel_open_direct_tcpip(self.host.clone(), u32::from(self.port), "127.0.0.1", 0)
                    .await
                    .map_err(|error| {
                        lost(&format!("{} does not lead to {}: {error}", jump.host, self.host))
                    })?;
                (
                    greet(channel.into_stream(), &self.host, &self.keys).await?,
                    Some(before),
                )
            }
        };
        log_in(&mut handle, &self.user, &self.host, &self.material).await?;
        Ok(Session { handle, _jump: jump })
    }

    async fn jump_session(&self, jump: &SshJump) -> Result<Handle<Greeter>> {
        let stream = tcp::dial(&jump.host, jump.port).await?;
        let mut handle = greet(stream, &jump.host, &self.jump_keys).await?;
        log_in(&mut handle, &jump.user, &jump.host, &jump.material).await?;
        Ok(handle)
    }

    /// Opens a channel over the known bridge, or finds one: sockets first, the `docker` command after.
    async fn channel(&self, session: &Arc<Session>) -> Result<Wire> {
        let known = *self.bridge.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bridge) = known {
            match self.over(session, bridge).await {
                Err(failure) if failure.code == ErrorCode::EngineUnreachable => self.forget_bridge(),
                other => return other,
            }
        }
        let mut refusal = None;
        for socket in SOCKETS {
            match self.over(session, Bridge::Socket(socket)).await {
                Ok(wire) => {
                    self.remember_bridge(Bridge::Socket(socket));
                    return Ok(wire);
                }
                Err(failure) if failure.code == ErrorCode::EngineDisconnected => return Err(failure),
                Err(failure) => {
                    refusal.get_or_insert(failure);
                }
            }
        }
        if let Err(complaint) = try_dial_stdio(session).await {
            let socket = refusal.map(|failure| failure.message).unwrap_or_default();
            return Err(Failure::passing(
                ErrorCode::EngineUnreachable,
                format!("{}: {socket}; {complaint}", self.host),
                Duration::ZERO,
            ));
        }
        self.remember_bridge(Bridge::DialStdio);
        self.over(session, Bridge::DialStdio).await
    }

    async fn over(&self, session: &Arc<Session>, bridge: Bridge) -> Result<Wire> {
        let channel = match bridge {
            Bridge::Socket(path) => session
                .handle
                .channel_open_direct_streamlocal(path)
                .await
                .map_err(|error| not_opened(path, &error))?,
            Bridge::DialStdio => exec(session).await?,
        };
        Ok(Wire::new(SessionStream {
            stream: channel.into_stream(),
            _session: Arc::clone(session),
        }))
    }

    fn remember_bridge(&self, bridge: Bridge) {
        *self.bridge.lock().unwrap_or_else(PoisonError::into_inner) = Some(bridge);
    }

    fn forget_bridge(&self) {
        *self.bridge.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

async fn exec(session: &Session) -> Result<Channel<Msg>> {
    let channel = session
        .handle
        .channel_open_session()
        .await
        .map_err(|error| not_opened("session", &error))?;
    channel
        .exec(true, DIAL_STDIO)
        .await
        .map_err(|error| not_opened(DIAL_STDIO, &error))?;
    Ok(channel)
}

/// Whether `docker system dial-stdio` leads to an engine, and its complaint when not.
async fn try_dial_stdio(session: &Session) -> std::result::Result<(), String> {
    let mut channel = exec(session).await.map_err(|failure| failure.message)?;
    let question: &[u8] = b"GET /_ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    channel.data(question).await.map_err(|error| error.to_string())?;
    let mut complaint = String::new();
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } if data.starts_with(b"HTTP/1.") => return Ok(()),
            ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. }
                if complaint.len() < COMPLAINT =>
            {
                complaint.push_str(&String::from_utf8_lossy(&data));
            }
            ChannelMsg::Failure => complaint.push_str("the server runs no commands for this user"),
            _ => {}
        }
    }
    let shown: String = complaint.trim().chars().take(COMPLAINT).collect();
    Err(format!("{DIAL_STDIO}: {shown}"))
}

/// A refused channel is the server's word about the socket; anything else means that the session is gone.
fn not_opened(what: &str, error: &russh::Error) -> Failure {
    match error {
        russh::Error::ChannelOpenFailure(reason) => Failure::passing(
            ErrorCode::EngineUnreachable,
            format!("{what}: {reason:?}"),
            Duration::ZERO,
        ),
        other => lost(&other.to_string()),
    }
}

fn lost(words: &str) -> Failure {
    Failure::passing(
        ErrorCode::EngineDisconnected,
        format!("SSH session lost: {words}"),
        Duration::ZERO,
    )
}

/// Keeps the session alive as long as one of its channels is used.
struct SessionStream<S> {
    stream: S,
    _session: Arc<Session>,
}

impl<S: AsyncRead + Unpin> AsyncRead for SessionStream<S> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for SessionStream<S> {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::pin::Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
