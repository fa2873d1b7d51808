use imagefleet_model::{ImageStatus, ServerId};

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

    /// Whether an image in this status, in use or not, can be meant.
    pub(super) fn allows(&self, status: ImageStatus, in_use: bool) -> bool {
        (self.statuses.is_empty() || self.statuses.contains(&status))
            && self.unused.is_none_or(|unused| unused != in_use)
    }
}

/// What is searched for, when anything is.
pub fn searched(text: Option<&String>) -> Option<String> {
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

/// `'AVAILABLE', 'PULLING'`: our own words need no parameters.
pub fn words(statuses: &[ImageStatus]) -> String {
    let words: Vec<String> = statuses
        .iter()
        .map(|status| format!("'{}'", status.as_str()))
        .collect();
    words.join(", ")
}
