use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The two stages of the end: the first SIGTERM or SIGINT asks for it, a second one does not wait any longer.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Nothing new is taken on.
    pub asked: CancellationToken,
    /// Nothing is waited for.
    pub hurried: CancellationToken,
}

impl Shutdown {
    /// Listens to the signals from now on.
    pub fn listen() -> anyhow::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = Self::default();
        let told = shutdown.clone();
        tokio::spawn(async move {
            for stage in [&told.asked, &told.hurried] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                stage.cancel();
            }
        });
        Ok(shutdown)
    }
}
