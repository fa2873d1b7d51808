//! The catalogue: known images with a ready container form. Built-in entries come with the program and cannot be
//! edited; an own entry for the same repository goes before a built-in one.

mod builtin;
mod edit;
mod import;
mod read;
mod references;
#[cfg(test)]
mod tests;

use imagefleet_model::SoftwareForm;
pub(crate) use references::choose;
use serde::{Deserialize, Serialize};

/// A catalogue entry without its id: to be added, or as the file of an export holds it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct NewSoftware {
    /// Name shown to people.
    pub name: String,
    /// Name of an icon that the page has, or a `data:` URL.
    pub icon: String,
    /// Such as `database`, `web`, `cache`.
    pub category: String,
    /// One or two sentences in English.
    pub description: String,
    /// The same in Chinese.
    pub description_zh: String,
    /// Familiar repository.
    pub repository: String,
    /// Tag offered first.
    pub default_tag: String,
    /// The ready form.
    pub form: SoftwareForm,
}

/// Which entries.
#[derive(Debug, Clone, Default)]
pub struct SoftwareFilter {
    /// Part of the name, the repository or a description.
    pub search: Option<String>,
    /// Only of this category.
    pub category: Option<String>,
    /// Only built-in ones, or only own ones.
    pub builtin: Option<bool>,
}

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Entries that are new.
    pub added: u64,
    /// Own entries of the same repository that were replaced.
    pub updated: u64,
}
