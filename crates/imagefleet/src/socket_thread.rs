use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// The one thread that sends live events; it ends with this.
pub struct SocketThread(Option<Runtime>);

impl SocketThread {
    /// Begins it.
    pub fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .thread_name("sockets")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// To run something on it.
    pub fn handle(&self) -> Handle {
        self.0
            .as_ref()
            .expect("it is only taken when this ends")
            .handle()
            .clone()
    }
}

impl Drop for SocketThread {
    fn drop(&mut self) {
        // Asynchronous code may not wait for a thread.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
