use imagefleet_model::Grant;

use crate::Problem;

const MOST: usize = 200;
const LONGEST_PATTERN: usize = 300;

/// Refuses grants that hold nowhere: most likely a mistake, and a silent one.
pub fn check(grants: &[Grant]) -> Result<(), Problem> {
    if grants.len() > MOST {
        return Err(Problem::field("grants", format!("must be {MOST} or fewer")));
    }
    for (n, grant) in grants.iter().enumerate() {
        let servers = &grant.servers;
        if !servers.all && servers.ids.is_empty() && servers.tags.is_empty() {
            return Err(Problem::field(
                format!("grants[{n}].servers"),
                "must be {\"all\":true}, or name ids or tags",
            ));
        }
        let patterns = &grant.repositories;
        if patterns.is_empty() || patterns.iter().any(|p| p.is_empty() || p.len() > LONGEST_PATTERN) {
            return Err(Problem::field(
                format!("grants[{n}].repositories"),
                "must name one pattern or more, such as team/* or *",
            ));
        }
    }
    Ok(())
}
