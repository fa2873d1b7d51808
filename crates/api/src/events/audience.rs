use std::sync::{Arc, PoisonError, RwLock};

use imagefleet_model::{Access, ServerId, Verb};
use sha2::{Digest as _, Sha256};

/// Those who hold the same rights to see: a room.
#[derive(Debug, Clone)]
pub struct Class {
    /// The room's name.
    pub room: String,
    /// Their rights.
    pub access: Access,
}

/// Everybody who can be meant by an event, in classes. Made from the users' grants too and not from the sockets alone: who is let in at
/// this moment is among them already.
#[derive(Debug, Default)]
pub struct Audience {
    classes: RwLock<Arc<Vec<Class>>>,
}

impl Audience {
    /// From now on events are for these.
    pub fn set(&self, classes: Vec<Class>) {
        *self.classes.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(classes);
    }

    /// Events are for these too; the others stay, because sockets are still in their rooms.
    pub fn add(&self, class: Class) {
        let mut classes = self.classes.write().unwrap_or_else(PoisonError::into_inner);
        include(Arc::make_mut(&mut classes), class);
    }

    /// The classes.
    pub fn classes(&self) -> Arc<Vec<Class>> {
        Arc::clone(&self.classes.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The classes of these rights; who may see nothing is in none.
pub fn classes_of(accesses: impl IntoIterator<Item = Access>) -> Vec<Class> {
    let mut classes = Vec::new();
    for access in accesses {
        if let Some(room) = room_of(&access) {
            include(&mut classes, Class { room, access });
        }
    }
    classes
}

/// Puts a class among others, unless it is there.
pub fn include(classes: &mut Vec<Class>, class: Class) {
    if !classes.iter().any(|other| other.room == class.room) {
        classes.push(class);
    }
}

/// The room of those who may see exactly this; `None` for who may see nothing.
pub fn room_of(access: &Access) -> Option<String> {
    if access.holds_everywhere(Verb::ImageView) {
        return Some("view:all".to_owned());
    }
    let mut scopes: Vec<String> = access
        .scopes(Verb::ImageView)
        .filter(|(servers, _)| servers.is_none_or(|servers| !servers.is_empty()))
        .map(|(servers, globs)| {
            let globs: Option<Vec<String>> =
                globs.map(|globs| globs.iter().map(imagefleet_model::Glob::to_like).collect());
            format!("{servers:?} {globs:?}")
        })
        .collect();
    if scopes.is_empty() {
        return None;
    }
    scopes.sort_unstable();
    scopes.dedup();
    let digest = Sha256::digest(scopes.join("\n").as_bytes());
    Some(format!("view:{}", hex::encode(&digest[..12])))
}

/// Whether these rights let see something of that server, and of that repository when one is named.
pub fn sees(access: &Access, server: ServerId, repository: Option<&str>) -> bool {
    match repository {
        Some(repository) => access.on_image(Verb::ImageView, server, repository),
        None => access.on_server(Verb::ImageView, server),
    }
}

#[cfg(test)]
mod tests {
    use imagefleet_model::{Access, Verb};

    use super::{room_of, sees};

    fn viewer(servers: Option<Vec<i64>>, repositories: &[&str]) -> Access {
        let mut access = Access::default();
        let repositories: Vec<String> = repositories.iter().map(|text| (*text).to_owned()).collect();
        access.add(vec![Verb::ImageView], servers, &repositories);
        access
    }

    #[test]
    fn equal_rights_share_a_room_and_others_do_not() {
        assert_eq!(room_of(&Access::full()), room_of(&viewer(None, &["*"])));
        assert_eq!(
            room_of(&viewer(Some(vec![1]), &["*"])),
            room_of(&viewer(Some(vec![1]), &["*"]))
        );
        assert_ne!(
            room_of(&viewer(Some(vec![1]), &["*"])),
            room_of(&viewer(Some(vec![2]), &["*"]))
        );
        assert_ne!(
            room_of(&viewer(Some(vec![1]), &["a/*"])),
            room_of(&viewer(Some(vec![1]), &["*"]))
        );
        assert_eq!(room_of(&Access::default()), None);
        assert_eq!(room_of(&viewer(Some(vec![]), &["*"])), None);
        assert_eq!(room_of(&Access::full().narrowed(&[Verb::ImagePull])), None);
    }

    #[test]
    fn a_repository_is_checked_when_there_is_one() {
        let access = viewer(Some(vec![1]), &["a/*"]);
        assert!(sees(&access, 1, Some("a/b")) && sees(&access, 1, None));
        assert!(!sees(&access, 1, Some("b")) && !sees(&access, 2, None));
    }
}
