//! A way to a real engine that stands still or breaks when so many bytes have passed on one connection: the middle of
//! a transfer, however fast the machine is.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// What happens to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// Everything passes.
    Freely,
    /// Nothing more passes after so many bytes, until that is changed.
    Until(u64),
    /// The connection ends after so many bytes.
    CutAfter(u64),
}

/// A TCP port before an engine's socket.
#[derive(Debug)]
pub struct Gate {
    address: SocketAddr,
    passing: watch::Sender<Passing>,
    /// Connections that stood still or were cut.
    stopped: watch::Receiver<u64>,
    _serving: AbortOnDropHandle<()>,
}

/// A connection was cut.
struct Cut;

#[derive(Debug, Clone)]
struct Way {
    passing: watch::Receiver<Passing>,
    stopped: watch::Sender<u64>,
    passed: Arc<AtomicU64>,
}

impl Gate {
    /// Before an engine at `unix:///…`.
    ///
    /// # Panics
    /// When there is no port, or the engine is elsewhere: the test cannot run.
    pub async fn before(endpoint: &str) -> Self {
        let socket = PathBuf::from(endpoint.strip_prefix("unix://").expect("a socket"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (passing, watched) = watch::channel(Passing::Freely);
        let (stops, stopped) = watch::channel(0);
        let serving = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = UnixStream::connect(&socket).await else {
                    continue;
                };
                let way = Way {
                    passing: watched.clone(),
                    stopped: stops.clone(),
                    passed: Arc::default(),
                };
                connections.spawn(async move {
                    let (near_in, near_out) = near.into_split();
                    let (far_in, far_out) = far.into_split();
                    // A request's end is no end of its answer; a cut ends both.
                    tokio::try_join!(way.pass(near_in, far_out), way.pass(far_in, near_out)).ok();
                });
            }
        });
        Self {
            address,
            passing,
            stopped,
            _serving: AbortOnDropHandle::new(serving),
        }
    }

    /// Where a server finds it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// Changes what happens, to connections that are open too.
    pub fn set(&self, passing: Passing) {
        self.passing.send_replace(passing);
    }

    /// Waits until one more connection than `before` has been stopped; how many there are now.
    ///
    /// # Panics
    /// When the gate is gone.
    pub async fn stopped(&self, before: u64) -> u64 {
        let mut stopped = self.stopped.clone();
        *stopped.wait_for(|count| *count > before).await.expect("a gate")
    }
}

impl Way {
    async fn pass(
        &self,
        mut from: impl tokio::io::AsyncRead + Unpin,
        mut to: impl tokio::io::AsyncWrite + Unpin,
    ) -> Result<(), Cut> {
        let mut chunk = vec![0; 64 << 10];
        while let Ok(read @ 1..) = from.read(&mut chunk).await {
            let passed = self.passed.fetch_add(read as u64, Ordering::Relaxed);
            self.may_pass(passed).await?;
            if to.write_all(&chunk[..read]).await.is_err() {
                return Err(Cut);
            }
        }
        // It may be gone already.
        to.shutdown().await.ok();
        Ok(())
    }

    async fn may_pass(&self, passed: u64) -> Result<(), Cut> {
        let mut passing = self.passing.clone();
        let is_still = |passing: &Passing| matches!(passing, Passing::Until(most) if passed > *most);
        let now = *passing.borrow_and_update();
        if is_still(&now) {
            self.stopped.send_modify(|count| *count += 1);
            passing
                .wait_for(|passing| !is_still(passing))
                .await
                .map_err(|_| Cut)?;
        }
        if matches!(*passing.borrow(), Passing::CutAfter(most) if passed > most) {
            self.stopped.send_modify(|count| *count += 1);
            return Err(Cut);
        }
        Ok(())
    }
}
