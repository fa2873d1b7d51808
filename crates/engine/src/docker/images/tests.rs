use super::{HistoryLine, ListedImage, with_diff_ids};

fn line(created_by: &str, size: i64) -> HistoryLine {
    HistoryLine {
        created: 0,
        created_by: created_by.to_owned(),
        size,
        comment: String::new(),
    }
}

#[test]
fn nulls_and_nones_of_a_list() {
    let text = r#"[
        {"Id":"sha256:1","RepoTags":null,"RepoDigests":null,"Created":0,"Size":-1},
        {"Id":"sha256:2","RepoTags":["<none>:<none>"],"RepoDigests":["a@sha256:x","<none>@<none>"],"Created":1700000000,"Size":5},
        {"Id":"sha256:3","RepoTags":["localhost/a:1","a/b@sha256:x"],"Containers":-1,"SharedSize":-1,"Created":1,"Size":7,
         "Manifests":[{"ID":"m","Available":true,"Kind":"attestation"},
                      {"ID":"n","Available":true,"Kind":"image","ImageData":{"Platform":{"architecture":"arm64","os":"linux","variant":"v8"}}}]}
    ]"#;
    let listed: Vec<ListedImage> = serde_json::from_str(text).expect("readable");
    let images: Vec<_> = listed.into_iter().map(ListedImage::into_image).collect();
    assert_eq!(
        (images[0].repo_tags.len(), images[0].size, images[0].created_at),
        (0, 0, None)
    );
    assert_eq!(images[1].repo_tags, Vec::<String>::new());
    assert_eq!(images[1].repo_digests, ["a@sha256:x"]);
    assert_eq!(images[2].repo_tags, ["localhost/a:1"]);
    assert_eq!(images[2].platform.as_deref(), Some("linux/arm64/v8"));
}

#[test]
fn every_name_of_the_containerd_store_has_its_digest() {
    let text = r#"[
        {"Id":"sha256:1","RepoTags":["h:5/a:1","h:5/a:2","nginx:1"],"RepoDigests":["h:5/a@sha256:1"],"Created":0,"Size":1,
         "Descriptor":{"mediaType":"m","digest":"sha256:1","size":2},
         "Manifests":[{"ID":"n","Available":true,"Kind":"image","ImageData":{"Platform":{"architecture":"","os":""}}}]},
        {"Id":"sha256:2","RepoTags":["b:1"],"RepoDigests":null,"Created":0,"Size":1,"Descriptor":null}
    ]"#;
    let listed: Vec<ListedImage> = serde_json::from_str(text).expect("readable");
    let images: Vec<_> = listed.into_iter().map(ListedImage::into_image).collect();
    assert_eq!(images[0].repo_digests, ["h:5/a@sha256:1", "nginx@sha256:1"]);
    assert_eq!(images[0].platform, None, "it has none of its own");
    assert_eq!(images[1].repo_digests, Vec::<String>::new());
}

#[test]
fn diff_ids_go_to_the_lines_that_made_layers() {
    let ids = [
        "sha256:base".to_owned(),
        "sha256:empty".to_owned(),
        "sha256:top".to_owned(),
    ];
    let lines = vec![
        line("CMD [\"x\"]", 0),
        line("COPY a b", 10),
        line("RUN /bin/sh -c true", 0),
        line("/bin/sh -c #(nop)  ENV A=1", 0),
        line("/bin/sh -c #(nop) ADD file:1 in /", 100),
    ];
    let layers = with_diff_ids(lines, &ids);
    let given: Vec<_> = layers
        .iter()
        .map(|layer| (layer.diff_id.as_deref(), layer.empty))
        .collect();
    assert_eq!(
        given,
        [
            (None, true),
            (Some("sha256:top"), false),
            (Some("sha256:empty"), false),
            (None, true),
            (Some("sha256:base"), false),
        ]
    );
    // A count that does not fit claims nothing.
    let layers = with_diff_ids(vec![line("COPY a b", 10)], &ids);
    assert_eq!(layers[0].diff_id, None);
}
