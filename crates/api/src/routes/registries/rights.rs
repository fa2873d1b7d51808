use imagefleet_model::{Access, Verb};

use crate::Problem;
use crate::extract::{Caller, Target};

/// Who pulls, pushes or manages may see which accounts there are, and look into their registries.
const LOOKERS: [Verb; 3] = [Verb::ImagePull, Verb::ImagePush, Verb::RegistryManage];

/// The right to see registries at all.
pub fn require_look(caller: &Caller) -> Result<(), Problem> {
    if LOOKERS.iter().any(|verb| caller.may(*verb, Target::Anything)) {
        Ok(())
    } else {
        caller.require(Verb::ImagePull, Target::Anything)
    }
}

/// Whether the caller may know that the familiar repository exists: it is in a pattern of some grant of theirs.
pub fn may_look(access: &Access, repository: &str) -> bool {
    LOOKERS.iter().any(|verb| {
        access
            .scopes(*verb)
            .any(|(_, globs)| globs.is_none_or(|globs| globs.iter().any(|glob| glob.matches(repository))))
    })
}
