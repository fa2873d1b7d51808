use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Uploads that somebody writes at this moment, so that a second request is told so at once instead of sending bytes
/// that nobody will keep. Other programs on the same database are told apart by the database itself.
#[derive(Debug, Clone, Default)]
pub struct InHand(Arc<Mutex<HashSet<String>>>);

/// An upload in one's own hand, until this is dropped.
#[derive(Debug)]
pub struct Hold {
    all: InHand,
    id: String,
}

impl InHand {
    /// Takes an upload into one's hand; `None` while somebody else has it.
    #[must_use]
    pub fn take(&self, id: &str) -> Option<Hold> {
        self.lock().insert(id.to_owned()).then(|| Hold {
            all: self.clone(),
            id: id.to_owned(),
        })
    }

    /// Whether somebody in this program has an upload in hand.
    #[must_use]
    pub fn holds(&self, id: &str) -> bool {
        self.lock().contains(id)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.all.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::InHand;

    #[test]
    fn one_hand_at_a_time() {
        let all = InHand::default();
        let hold = all.take("a").expect("free");
        assert!(all.take("a").is_none() && all.take("b").is_some());
        assert!(all.holds("a") && !all.holds("b"));
        drop(hold);
        assert!(all.take("a").is_some());
    }
}
