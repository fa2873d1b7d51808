use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many lists of images are asked for at once, over all engines that share it.
#[derive(Debug, Clone, Default)]
pub struct Crowd(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// One that asks, until it is dropped.
pub(super) struct Inside(Crowd);

impl Crowd {
    pub(super) fn enter(&self) -> Inside {
        let now = self.0.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(now, Ordering::SeqCst);
        Inside(self.clone())
    }

    /// The most at once so far.
    #[must_use]
    pub fn most(&self) -> usize {
        self.0.most.load(Ordering::SeqCst)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}
