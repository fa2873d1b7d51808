//! One archive to many targets, read once, forward only.
//!
//! The source is an engine that saves or a file that was inspected. Every target gets the form of archive that its image store takes
//! (all tried on real engines):
//!
//! * Docker's **classic store** loads a docker-archive. It looks a layer up by its *chain id* first and opens the layer's file only when
//!   it has none, so the file may be absent though `manifest.json` names it. It loads a layout's blobs as well when a `manifest.json`
//!   names them, so nothing is ever repacked.
//! * Docker's **containerd store** refuses a docker-archive with absent layers, but takes an OCI layout without the blobs that its
//!   content store has *by digest*. It takes in every file by content, whatever its name, and reads the index when the tar has ended.
//! * Podman gets a docker-archive with every layer and with full names: short ones become `localhost/…` there, and of an OCI layout
//!   it takes one image only.
//! * Unknown stores get everything as it came.
//!
//! Order in a tar is free for all of them, therefore the documents that name images (`manifest.json`, `index.json`) are held back and
//! written last, when everything is known.
//!
//! # Which entry is which layer
//!
//! must be known before its first byte is passed on, and the document that tells comes last. Yet names tell:
//!
//! * A layout's blob is named by its digest. Docker from 25 on, and everything that a containerd store got by a load, keeps layers plain,
//!   so that digest is the diff id. A compressed blob's digest is matched when the plan knows it, or when manifest and config happened
//!   to come before it.
//! * Podman and skopeo name the file by the diff id.
//! * Docker before 25 writes folders `<v1 id>/{VERSION,json,layer.tar}` in the order of their ids, which is no order of layers. But a v1
//!   id is the SHA-256 of the folder's own `json` without `id`, with the layer's chain id as `layer_id` (moby, `CreateID`). `json` comes
//!   before `layer.tar`, so trying the chain ids of the plan tells for certain which layer follows.
//! * An earlier look into the same file tells everything.
//!
//! A layer that cannot be told is sent. Everything that passes is hashed, dropped layers too: a wrong guess ends the copy with an error
//! and never makes a wrong image. A file is dropped only when the target holds the layer in *every* place where the plan's images use it.
//!
//! # Slow and dead targets
//!
//! Each target has a bounded pipe (at most 4 MiB). When one is full the source waits, and memory stays flat. One that lets the others
//! starve for long is left behind: its stream ends with an error, its counters say why, and it can be served by a reading of its own;
//! a target that is a little slower than the others sets the pace. One that takes nothing for the plan's `stall` is given up with
//! `EngineTimeout`; one whose stream is dropped is forgotten at once; the others go on.

mod closing;
mod decide;
mod legacy;
mod pipe;
mod plan;
mod run;
mod target;

use std::sync::Arc;

use futures_util::future::BoxFuture;

pub use pipe::{CopyCounters, CopyFigures};
pub use plan::{CopyPlan, Held, SourceImage, SourceLayer, TargetForm, TargetPlan};

use crate::stream::ByteStream;
use crate::{ArchiveContents, Result};

/// A copy under way. `run` moves the bytes: await it beside the targets' loads; dropping it ends every target's stream with an error.
pub struct Copying {
    /// In the order of the plan.
    pub targets: Vec<TargetStream>,
    /// Ends with what the source sent, or with the source's failure; a target's failure is seen in its own stream only.
    pub run: BoxFuture<'static, Result<ArchiveContents>>,
}

/// One target's side of a copy.
pub struct TargetStream {
    /// The archive for its load. It ends well only when everything that passed was true; dropping it takes the target out of the copy.
    pub bytes: ByteStream,
    /// What was sent.
    pub counters: Arc<CopyCounters>,
}

/// Passes one archive (plain, gzip or zstd) on to many targets.
#[must_use]
pub fn copy(source: ByteStream, plan: CopyPlan) -> Copying {
    let mut streams = Vec::with_capacity(plan.targets.len());
    let mut targets = Vec::with_capacity(plan.targets.len());
    let pipes = pipe::open(plan.targets.len(), plan.stall);
    for (target, (pipe, stream)) in plan.targets.into_iter().zip(pipes) {
        streams.push(stream);
        targets.push(target::Target::new(target, pipe));
    }
    Copying {
        targets: streams,
        run: Box::pin(run::run(source, plan.images, targets, plan.limits)),
    }
}
