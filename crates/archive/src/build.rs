//! Writes small archives of every form.
