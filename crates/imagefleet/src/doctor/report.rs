use serde::Serialize;

/// How something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it should be.
    Ok,
    /// It works, and is worth a look.
    Warning,
    /// Something does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// What was looked at: `database`, `server web-1`, …
    pub what: String,
    pub health: Health,
    /// What was found.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Finding {
    pub fn ok(what: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            health: Health::Ok,
            message: message.into(),
            advice: None,
        }
    }

    pub fn warning(what: impl Into<String>, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            health: Health::Warning,
            advice: Some(advice.into()),
            ..Self::ok(what, message)
        }
    }

    pub fn problem(what: impl Into<String>, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            health: Health::Problem,
            advice: Some(advice.into()),
            ..Self::ok(what, message)
        }
    }
}

/// Everything that was found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Whether nothing is wrong.
    pub ok: bool,
    pub findings: Vec<Finding>,
}

impl From<Vec<Finding>> for Report {
    fn from(findings: Vec<Finding>) -> Self {
        Self {
            ok: findings.iter().all(|finding| finding.health != Health::Problem),
            findings,
        }
    }
}

impl Report {
    /// For people: one line a finding, its advice below it.
    pub fn text(&self) -> String {
        let mut lines = Vec::with_capacity(self.findings.len() * 2 + 1);
        for finding in &self.findings {
            let mark = match finding.health {
                Health::Ok => "ok     ",
                Health::Warning => "warning",
                Health::Problem => "PROBLEM",
            };
            lines.push(format!("{mark}  {}: {}", finding.what, finding.message));
            lines.extend(finding.advice.iter().map(|advice| format!("         → {advice}")));
        }
        let count = |health| {
            let found = self.findings.iter().filter(|finding| finding.health == health);
            found.count()
        };
        lines.push(format!(
            "{} looked at, {} warnings, {} problems\n",
            self.findings.len(),
            count(Health::Warning),
            count(Health::Problem)
        ));
        lines.join("\n")
    }
}
