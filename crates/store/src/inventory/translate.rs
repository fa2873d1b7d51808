use std::collections::HashSet;

use imagefleet_model::{EngineImage, ImageRef};

use super::SeenImage;

/// The repository of an untagged image that no repository digest names.
pub const UNKNOWN_REPOSITORY: &str = "<none>";

/// The rows that an engine's list means: every tag of an image is a row, an untagged image is one row under its id.
/// A name that is no reference is kept as the engine tells it.
#[must_use]
pub fn seen_images(images: &[EngineImage]) -> Vec<SeenImage> {
    let mut known = HashSet::new();
    let mut seen = Vec::with_capacity(images.len());
    for image in images {
        let digests: Vec<(String, &str)> = image
            .repo_digests
            .iter()
            .filter_map(|text| text.split_once('@'))
            .map(|(repository, digest)| (familiar_repository(repository), digest))
            .collect();
        let tags = image.repo_tags.iter().filter(|text| is_name(text));
        let mut names: Vec<Name> = tags.map(|text| familiar(text)).collect();
        if names.is_empty() && !image.id.is_empty() {
            let repository = digests.first().map(|(repository, _)| repository.clone());
            names.push(Name {
                full_name: image.id.clone(),
                repository: repository.unwrap_or_else(|| UNKNOWN_REPOSITORY.to_owned()),
                tag: None,
            });
        }
        for name in names {
            // Two spellings of one reference (`nginx:1`, `docker.io/library/nginx:1`) are one row.
            if !known.insert((name.full_name.clone(), name.repository.clone())) {
                continue;
            }
            let digest = digests
                .iter()
                .find(|(repository, _)| *repository == name.repository);
            seen.push(SeenImage {
                engine_id: image.id.clone(),
                digest: digest.map(|(_, digest)| (*digest).to_owned()),
                full_name: name.full_name,
                repository: name.repository,
                tag: name.tag,
                size: image.size,
                created_at: image.created_at,
                platform: image.platform.clone(),
            });
        }
    }
    seen
}

/// Not `<none>:<none>`, and not longer than an index of `PostgreSQL` takes (a name and a tag are at most 384 letters).
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 1_024 && !text.starts_with('<')
}

struct Name {
    full_name: String,
    repository: String,
    tag: Option<String>,
}

fn familiar(text: &str) -> Name {
    if let Ok(reference) = ImageRef::parse(text) {
        return Name {
            full_name: reference.to_string(),
            repository: reference.repository(),
            tag: reference.tag().map(ToOwned::to_owned),
        };
    }
    // The colon of a registry's port is not the tag's.
    let colon = text
        .rfind(':')
        .filter(|colon| text.rfind('/').is_none_or(|slash| *colon > slash));
    Name {
        full_name: text.to_owned(),
        repository: colon.map_or(text, |colon| &text[..colon]).to_owned(),
        tag: colon.map(|colon| text[colon + 1..].to_owned()),
    }
}

fn familiar_repository(text: &str) -> String {
    ImageRef::parse(text).map_or_else(|_| text.to_owned(), |reference| reference.repository())
}

/// The familiar full name and repository that a container's image text means; `None` for an engine id.
#[must_use]
pub fn container_name(text: &str) -> Option<(String, String)> {
    if text.is_empty() || text.starts_with("sha256:") {
        return None;
    }
    let reference = ImageRef::parse(text).ok()?.with_default_tag();
    Some((reference.to_string(), reference.repository()))
}

#[cfg(test)]
mod tests {
    use imagefleet_model::EngineImage;

    use super::{container_name, seen_images};

    fn image(id: &str, tags: &[&str], digests: &[&str]) -> EngineImage {
        EngineImage {
            id: id.to_owned(),
            repo_tags: tags.iter().map(ToString::to_string).collect(),
            repo_digests: digests.iter().map(ToString::to_string).collect(),
            size: 7,
            ..EngineImage::default()
        }
    }

    #[test]
    fn every_tag_is_a_row_and_digests_go_to_their_repository() {
        let rows = seen_images(&[image(
            "sha256:aa",
            &["docker.io/library/nginx:1", "nginx:1", "host:5000/ns/app:1.2"],
            &["host:5000/ns/app@sha256:d2", "docker.io/library/nginx@sha256:d1"],
        )]);
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    row.full_name.as_str(),
                    row.repository.as_str(),
                    row.tag.as_deref(),
                    row.digest.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                ("nginx:1", "nginx", Some("1"), Some("sha256:d1")),
                (
                    "host:5000/ns/app:1.2",
                    "host:5000/ns/app",
                    Some("1.2"),
                    Some("sha256:d2")
                ),
            ]
        );
    }

    #[test]
    fn untagged_images_go_under_their_id() {
        let rows = seen_images(&[
            image("sha256:aa", &[], &["team/app@sha256:d1"]),
            image("sha256:bb", &[], &[]),
        ]);
        assert_eq!(
            (
                rows[0].full_name.as_str(),
                rows[0].repository.as_str(),
                &rows[0].tag
            ),
            ("sha256:aa", "team/app", &None)
        );
        assert_eq!(rows[0].digest.as_deref(), Some("sha256:d1"));
        assert_eq!((rows[1].repository.as_str(), &rows[1].digest), ("<none>", &None));
    }

    #[test]
    fn odd_names_are_kept_as_told() {
        let rows = seen_images(&[image(
            "sha256:aa",
            &[
                "Host:5000/Upper:Tag",
                "x'; DROP TABLE images;--",
                "",
                "<none>:<none>",
                ":",
                "名字:标签",
            ],
            &["@", "no-digest"],
        )]);
        let names: Vec<_> = rows.iter().map(|row| row.full_name.as_str()).collect();
        assert_eq!(
            names,
            [
                "Host:5000/Upper:Tag",
                "x'; DROP TABLE images;--",
                ":",
                "名字:标签"
            ]
        );
        assert_eq!(
            (rows[0].repository.as_str(), rows[0].tag.as_deref()),
            ("Host:5000/Upper", Some("Tag"))
        );
    }

    #[test]
    fn containers_name_their_image_like_the_list() {
        let name = |text| container_name(text).map(|(full_name, _)| full_name);
        assert_eq!(name("nginx").as_deref(), Some("nginx:latest"));
        assert_eq!(name("docker.io/library/nginx:1").as_deref(), Some("nginx:1"));
        assert_eq!(name("sha256:aa"), None);
        assert_eq!(
            name("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            None
        );
    }
}
