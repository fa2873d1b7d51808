use std::collections::VecDeque;

use bytes::Bytes;
use hyper::StatusCode;

use super::errors::{Topic, refused, reported};
use super::json_lines::JsonLines;
use super::logs::Frames;
use super::progress::TransferState;
use super::{containers, events, images, stats};
use crate::TransferUpdate;

/// What is told may only grow, and the end does not hang on how the stream was cut.
pub fn transfer<'a>(chunks: impl Iterator<Item = &'a [u8]> + Clone) {
    for topic in [Topic::Registry, Topic::Load] {
        let mut state = TransferState::new(topic);
        let mut before = TransferUpdate::default();
        for chunk in chunks.clone() {
            let (update, outcome) = state.push(chunk);
            if let Some(update) = update {
                assert!(update.bytes_done >= before.bytes_done && update.percent >= before.percent);
                assert!(update.bytes_total >= before.bytes_total);
                before = update;
            }
            if outcome.is_err() {
                break;
            }
        }
        state.finish().ok();
    }
}

pub fn events<'a>(chunks: impl Iterator<Item = &'a [u8]>) {
    objects(chunks, |object| {
        events::message(object).ok();
    });
}

pub fn figures<'a>(chunks: impl Iterator<Item = &'a [u8]>) {
    objects(chunks, |object| {
        stats::message(object).ok();
    });
}

fn objects<'a>(chunks: impl Iterator<Item = &'a [u8]>, mut take: impl FnMut(&Bytes)) {
    let mut lines = JsonLines::default();
    for chunk in chunks {
        match lines.push(chunk) {
            Ok(objects) => objects.iter().for_each(&mut take),
            Err(_) => return,
        }
    }
    lines.finish().ok();
}

pub fn log_frames<'a>(chunks: impl Iterator<Item = &'a [u8]>) {
    let (mut frames, mut ready) = (Frames::default(), VecDeque::new());
    let (mut given, mut got) = (0, 0);
    for chunk in chunks {
        given += chunk.len();
        if frames.push(Bytes::copy_from_slice(chunk), &mut ready).is_err() {
            break;
        }
    }
    for chunk in ready {
        got += chunk.bytes.len();
    }
    assert!(got <= given);
}

pub fn answers(body: &[u8]) {
    images::read_all(body);
    containers::read_all(body);
    if let Ok(version) = serde_json::from_slice::<super::version::VersionAnswer>(body) {
        version.negotiate().ok();
    }
}

pub fn complaint(body: &[u8]) {
    for topic in [
        Topic::Engine,
        Topic::Image,
        Topic::Registry,
        Topic::Load,
        Topic::Container,
    ] {
        refused(topic, StatusCode::INTERNAL_SERVER_ERROR, None, body);
        reported(topic, &String::from_utf8_lossy(body));
    }
}
