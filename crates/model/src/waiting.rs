use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{OperationId, ServerId};

/// What a queued step waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitingCode {
    /// Nothing but a free place and its turn.
    Turn,
    /// Other changing steps run on its server.
    ServerBusy,
    /// Its server is paused.
    ServerPaused,
    /// The off-peak window of its server is closed.
    OffPeak,
    /// It failed for a passing reason and is tried again later.
    Retry,
    /// As many steps as allowed pull from or push to its registry.
    RegistryBusy,
    /// An equal step on the same server, whose end will be its end.
    Shared,
}

impl WaitingCode {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Turn,
        Self::ServerBusy,
        Self::ServerPaused,
        Self::OffPeak,
        Self::Retry,
        Self::RegistryBusy,
        Self::Shared,
    ];

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Turn => "turn",
            Self::ServerBusy => "server_busy",
            Self::ServerPaused => "server_paused",
            Self::OffPeak => "off_peak",
            Self::Retry => "retry",
            Self::RegistryBusy => "registry_busy",
            Self::Shared => "shared",
        }
    }

    /// The code of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word)
    }
}

/// Why a queued step does not run yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitingFor {
    /// A stable word.
    pub code: WaitingCode,
    /// A sentence for people; also the step's message.
    pub message: String,
    /// Until when, where that is known: the next try, or when the window opens.
    pub until: Option<DateTime<Utc>>,
    /// The operation that it waits for, when the caller may see it.
    pub operation_id: Option<OperationId>,
    /// That operation's title.
    pub title: Option<String>,
    /// Server and repository of that operation's step: who may see it may read its title.
    #[serde(skip)]
    pub subject: Option<(ServerId, Option<String>)>,
}

impl WaitingFor {
    /// A reason that names no other operation.
    #[must_use]
    pub fn new(code: WaitingCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            until: None,
            operation_id: None,
            title: None,
            subject: None,
        }
    }

    /// The same for who may not see the other operation.
    #[must_use]
    pub fn without_title(self) -> Self {
        if self.title.is_none() {
            return self;
        }
        let message = match self.code {
            WaitingCode::Shared => "Waits together with an equal step",
            _ => "Waits for another operation on this server",
        };
        Self {
            until: self.until,
            ..Self::new(self.code, message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{WaitingCode, WaitingFor};

    #[test]
    fn a_title_is_left_out_for_who_may_not_read_it() {
        let mut waiting = WaitingFor::new(WaitingCode::ServerBusy, "Waits for: Pull secret/app:1 to a");
        waiting.title = Some("Pull secret/app:1 to a".to_owned());
        waiting.operation_id = Some("1".to_owned());
        let told = serde_json::to_string(&waiting.without_title()).expect("JSON");
        assert!(
            !told.contains("secret") && told.contains("another operation"),
            "{told}"
        );
        assert!(
            WaitingCode::ALL
                .iter()
                .all(|code| WaitingCode::from_word(code.as_str()) == Some(*code))
        );
    }
}
