use imagefleet_model::{Access, ImageStatus, ServerId, Verb};
use sea_orm::Value;

use crate::scope;

/// Which images to show. Everything given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageFilter {
    /// Part of the name, the tag or the full name, in any case and literally.
    pub q: Option<String>,
    /// On these servers; on all when empty.
    pub server_ids: Vec<ServerId>,
    /// With one of these statuses; with any when empty.
    pub statuses: Vec<ImageStatus>,
    /// Of exactly this familiar repository.
    pub repository: Option<String>,
    /// With exactly this tag.
    pub tag: Option<String>,
    /// `true`: used by no container. `false`: used by one.
    pub unused: Option<bool>,
    /// Of this catalogue entry.
    pub software_id: Option<i64>,
}

impl ImageFilter {
    /// The statuses that a word of the page or the API means, in any case; `error` means the three failed ones.
    #[must_use]
    pub fn statuses_of(word: &str) -> Option<Vec<ImageStatus>> {
        if word.eq_ignore_ascii_case("error") {
            return Some(ImageStatus::FAILED.to_vec());
        }
        ImageStatus::from_word(word).map(|status| vec![status])
    }

    /// What is searched for, when anything is.
    pub(super) fn search(&self) -> Option<String> {
        let q = self.q.as_deref()?.trim();
        (!q.is_empty()).then(|| q.to_lowercase())
    }
}

/// In which order to show images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImageSort {
    /// By what; equal ones by name and server.
    pub key: SortKey,
    /// Largest, latest or last first.
    pub descending: bool,
}

/// By what images are ordered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SortKey {
    /// Full name, then server name.
    #[default]
    Name,
    /// Bytes.
    Size,
    /// When it was built.
    Created,
    /// When the row last changed.
    Updated,
    /// Server name.
    Server,
    /// Status.
    Status,
}

impl ImageSort {
    /// The order of a word such as `name` or `-size`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let (descending, word) = word.strip_prefix('-').map_or((false, word), |rest| (true, rest));
        let key = match word {
            "name" | "fullName" => SortKey::Name,
            "size" => SortKey::Size,
            "created" | "createdAt" => SortKey::Created,
            "updated" | "updatedAt" => SortKey::Updated,
            "server" | "serverName" => SortKey::Server,
            "status" => SortKey::Status,
            _ => return None,
        };
        Some(Self { key, descending })
    }
}

/// Conditions in SQL with their values.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    pub values: Vec<Value>,
    /// Over `image_references r` alone.
    pub reference: Vec<String>,
    /// Over `images i`, and with rights over both.
    pub image: Vec<String>,
}

impl Conditions {
    /// What a filter and the caller's rights mean.
    pub fn new(filter: &ImageFilter, access: &Access, sqlite: bool) -> Self {
        let mut all = Self::default();
        if let Some(q) = filter.search() {
            let text = all.text_condition(q, sqlite);
            all.reference.push(text);
        }
        if let Some(repository) = &filter.repository {
            let n = all.value(repository.as_str().into());
            all.reference.push(format!("r.repository = ${n}"));
        }
        if let Some(tag) = &filter.tag {
            let n = all.value(tag.as_str().into());
            all.reference.push(format!("r.tag = ${n}"));
        }
        if let Some(software_id) = filter.software_id {
            all.reference.push(format!("r.software_id = {software_id}"));
        }
        if !filter.server_ids.is_empty() {
            let ids: Vec<String> = filter.server_ids.iter().map(ToString::to_string).collect();
            all.image.push(format!("i.server_id IN ({})", ids.join(", ")));
        }
        if !filter.statuses.is_empty() {
            let words: Vec<String> =
                filter.statuses.iter().map(|status| format!("'{}'", status.as_str())).collect();
            all.image.push(format!("i.status IN ({})", words.join(", ")));
        }
        match filter.unused {
            Some(true) => all.image.push("NOT i.in_use".to_owned()),
            Some(false) => all.image.push("i.in_use".to_owned()),
            None => {}
        }
        let seen = scope::condition(access, Verb::ImageView, "i.server_id", "r.repository", &mut all.values);
        all.image.extend(seen);
        all
    }

    pub fn value(&mut self, value: Value) -> usize {
        self.values.push(value);
        self.values.len()
    }

    /// All of it after `WHERE`.
    pub fn all(&self) -> String {
        let all: Vec<&str> = self.reference.iter().chain(&self.image).map(String::as_str).collect();
        if all.is_empty() { "1 = 1".to_owned() } else { all.join(" AND ") }
    }

    fn text_condition(&mut self, q: String, sqlite: bool) -> String {
        if !sqlite {
            let n = self.value(crate::sql::contains(&q).into());
            return format!("r.search LIKE ${n} ESCAPE '\\'");
        }
        // The index knows every three letters in a row; fewer are looked for in every reference.
        if q.chars().count() < 3 {
            let n = self.value(q.into());
            return format!("instr(r.search, ${n}) > 0");
        }
        let n = self.value(format!("\"{}\"", q.replace('"', "\"\"")).into());
        format!("r.id IN (SELECT rowid FROM image_references_text WHERE image_references_text MATCH ${n})")
    }
}
