//! The readers of what engines send, for the fuzz targets alone (feature `fuzzing`).

use crate::docker::fuzzing as docker;

/// Messages of a pull, push or load. What they tell may only grow.
pub fn transfer<'a>(chunks: impl Iterator<Item = &'a [u8]> + Clone) {
    docker::transfer(chunks);
}

/// Events.
pub fn events<'a>(chunks: impl Iterator<Item = &'a [u8]>) {
    docker::events(chunks);
}

/// What a container uses.
pub fn figures<'a>(chunks: impl Iterator<Item = &'a [u8]>) {
    docker::figures(chunks);
}

/// A container's log.
pub fn log_frames<'a>(chunks: impl Iterator<Item = &'a [u8]>) {
    docker::log_frames(chunks);
}

/// Lists of images and containers, one of each, and the engine's version.
pub fn answers(body: &[u8]) {
    docker::answers(body);
}

/// The body of an error.
pub fn complaint(body: &[u8]) {
    docker::complaint(body);
}
