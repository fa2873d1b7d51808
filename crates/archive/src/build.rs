//! Writes small archives of every form that engines write, for tests and for the fake engine.
//!
//! Right ones by [`docker_archive`], [`classic_save`], [`oci_layout`] and [`both_forms`]; wrong ones by [`Tar`], which writes what it is told.

mod forms;
mod image;
mod tar;

pub use forms::{both_forms, classic_save, docker_archive, oci_layout};
pub use image::{BuiltImage, LayerPacking, image};
pub use tar::Tar;
