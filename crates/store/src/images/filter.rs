use imagefleet_model::{Access, ImageStatus, ServerId, Verb};
use sea_orm::{ConnectionTrait, DatabaseBackend, Value};

use crate::inventory::count_column;
use crate::{Result, scope, sql};

/// Which images to show. Everything given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageFilter {
    /// Part of the name, the tag or the full name, in any case and literally.
    pub q: Option<String>,
    /// Part of the name alone, in any case and literally; with a colon in it, of the full name.
    pub name: Option<String>,
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
}

/// What is searched for, when anything is.
fn searched(text: Option<&String>) -> Option<String> {
    let text = text?.trim();
    (!text.is_empty()).then(|| text.to_lowercase())
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

/// Letters of a search beyond which nothing can match: no name is so long.
const LONGEST_SEARCH: usize = 1_024;
/// Matches up to which the text index is asked; more are found faster by reading every reference in order.
const NARROW: i64 = 2_000;

/// Conditions in SQL with their values.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    pub values: Vec<Value>,
    /// Over `image_references r` alone.
    pub reference: Vec<String>,
    /// Over `images i`, and for rights over both.
    pub image: Vec<String>,
    /// Whether the rights speak of servers, so that counts over all servers say nothing.
    pub limited: bool,
}

impl Conditions {
    /// What a filter and the caller's rights mean.
    pub async fn new(db: &impl ConnectionTrait, filter: &ImageFilter, access: &Access) -> Result<Self> {
        let mut all = Self::default();
        if let Some(q) = searched(filter.q.as_ref()) {
            let condition = all.text(db, &q).await?;
            all.reference.push(condition);
        }
        if let Some(name) = searched(filter.name.as_ref()) {
            let condition = all.text(db, &name).await?;
            all.reference.push(condition);
            // No tag holds a colon: what does lies in the name, or begins there.
            if !name.contains(':') {
                let condition = all.part(db, "LOWER(r.repository)", &name);
                all.reference.push(condition);
            }
        }
        if let Some(repository) = &filter.repository {
            all.equal("r.repository", repository);
        }
        if let Some(tag) = &filter.tag {
            all.equal("r.tag", tag);
        }
        if let Some(software_id) = filter.software_id {
            all.reference.push(format!("r.software_id = {software_id}"));
        }
        all.image = placed(filter);
        all.limited = access
            .scopes(Verb::ImageView)
            .any(|(servers, _)| servers.is_some())
            || access.scopes(Verb::ImageView).next().is_none();
        let seen = scope::condition(
            access,
            Verb::ImageView,
            "i.server_id",
            "r.repository",
            &mut all.values,
        );
        if all.limited {
            all.image.extend(seen);
        } else {
            all.reference.extend(seen);
        }
        Ok(all)
    }

    /// One more value; its number.
    pub fn value(&mut self, value: Value) -> usize {
        self.values.push(value);
        self.values.len()
    }

    /// All of it after `WHERE`.
    pub fn all(&self) -> String {
        joined(self.reference.iter().chain(&self.image))
    }

    /// `images i` and `image_references r`, joined; `CROSS JOIN` holds `SQLite` to begin with the references when these
    /// are what is looked for, and with the images of a server otherwise.
    pub fn tables(&self, filter: &ImageFilter) -> &'static str {
        if self.reference.is_empty() || !filter.server_ids.is_empty() {
            "images i CROSS JOIN image_references r"
        } else {
            "image_references r CROSS JOIN images i"
        }
    }

    fn equal(&mut self, column: &str, text: &str) {
        let condition = if text.contains('\0') {
            NOTHING.to_owned()
        } else {
            format!("{column} = ${}", self.value(text.into()))
        };
        self.reference.push(condition);
    }

    /// A search for three letters or more has an index over every three letters in a row; `SQLite`'s answers with rows
    /// out of order, so it serves when they are few.
    async fn text(&mut self, db: &impl ConnectionTrait, q: &str) -> Result<String> {
        // No name holds control characters; a database may not even take them.
        if q.chars().any(char::is_control) || q.len() > LONGEST_SEARCH {
            return Ok(NOTHING.to_owned());
        }
        if db.get_database_backend() == DatabaseBackend::Sqlite && q.chars().count() >= 3 {
            let phrase = format!("\"{}\"", q.replace('"', "\"\""));
            let matches = sql::number(
                db,
                &format!(
                    "SELECT COUNT(*) FROM (SELECT 1 FROM image_references_text \
                     WHERE image_references_text MATCH $1 LIMIT {NARROW})"
                ),
                vec![phrase.as_str().into()],
            )
            .await?;
            if matches < NARROW {
                let n = self.value(phrase.into());
                return Ok(format!(
                    "r.id IN (SELECT rowid FROM image_references_text WHERE image_references_text MATCH ${n})"
                ));
            }
        }
        Ok(self.part(db, "r.search", q))
    }

    /// `text` anywhere in a column; both in small letters.
    fn part(&mut self, db: &impl ConnectionTrait, column: &str, text: &str) -> String {
        if text.chars().any(char::is_control) {
            return NOTHING.to_owned();
        }
        if db.get_database_backend() == DatabaseBackend::Sqlite {
            // A third faster than `LIKE`, which folds letters again.
            let n = self.value(glob(text).into());
            return format!("{column} GLOB ${n}");
        }
        let n = self.value(sql::contains(text).into());
        format!("{column} LIKE ${n} ESCAPE '\\'")
    }
}

/// `text` anywhere, for `GLOB`: what it would read as a pattern stands in brackets.
fn glob(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('*');
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[') {
            pattern.extend(['[', c, ']']);
        } else {
            pattern.push(c);
        }
    }
    pattern.push('*');
    pattern
}

const NOTHING: &str = "1 = 0";
/// What no condition says.
pub const ALL: &str = "1 = 1";

/// Conditions, or what always holds when there are none.
pub fn joined<'a>(conditions: impl Iterator<Item = &'a String>) -> String {
    let all: Vec<&str> = conditions.map(String::as_str).collect();
    if all.is_empty() {
        ALL.to_owned()
    } else {
        all.join(" AND ")
    }
}

/// What a filter says of `images i` alone.
pub fn placed(filter: &ImageFilter) -> Vec<String> {
    let mut conditions = Vec::new();
    if !filter.server_ids.is_empty() {
        conditions.push(format!("i.server_id IN ({})", sql::numbers(&filter.server_ids)));
    }
    if !filter.statuses.is_empty() {
        conditions.push(format!("i.status IN ({})", words(&filter.statuses)));
        if !filter.statuses.contains(&ImageStatus::Available) {
            // In the words of the index that knows these alone.
            conditions.push("i.status <> 'AVAILABLE'".to_owned());
        }
    }
    match filter.unused {
        Some(true) => conditions.push("NOT i.in_use".to_owned()),
        Some(false) => conditions.push("i.in_use".to_owned()),
        None => {}
    }
    conditions
}

/// `'AVAILABLE', 'PULLING'`: our own words need no parameters.
pub fn words(statuses: &[ImageStatus]) -> String {
    let words: Vec<String> = statuses
        .iter()
        .map(|status| format!("'{}'", status.as_str()))
        .collect();
    words.join(", ")
}

/// How many images of a reference `r` match by status and use, from its kept counts; `None` when those cannot tell.
pub fn weight(filter: &ImageFilter) -> Option<String> {
    let sum = |statuses: &mut dyn Iterator<Item = &ImageStatus>| {
        let columns: Vec<String> = statuses
            .filter_map(|status| Some(format!("r.{}", count_column(*status)?)))
            .collect();
        if columns.is_empty() {
            "0".to_owned()
        } else {
            columns.join(" + ")
        }
    };
    match (filter.statuses.is_empty(), filter.unused) {
        (true, None) => Some("r.placements".to_owned()),
        (true, Some(true)) => Some("(r.placements - r.in_use)".to_owned()),
        (true, Some(false)) => Some("r.in_use".to_owned()),
        (false, None) if filter.statuses.contains(&ImageStatus::Available) => {
            let mut others = ImageStatus::ALL
                .iter()
                .filter(|status| !filter.statuses.contains(status));
            Some(format!("(r.placements - ({}))", sum(&mut others)))
        }
        (false, None) => {
            let mut these = ImageStatus::ALL
                .iter()
                .filter(|status| filter.statuses.contains(status));
            Some(format!("({})", sum(&mut these)))
        }
        (false, Some(_)) => None,
    }
}
