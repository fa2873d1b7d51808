use imagefleet_engine::PullRequest;
use imagefleet_model::{ErrorCode, RegistryAuth};

use crate::archive::Archive;
use crate::lab::required;
use crate::subject::{Subject, to_the_end, within};

async fn pull(
    subject: &Subject,
    reference: &str,
    platform: Option<&str>,
    auth: Option<RegistryAuth>,
) -> Result<(), imagefleet_model::Failure> {
    let request = PullRequest {
        reference: reference.to_owned(),
        platform: platform.map(ToOwned::to_owned),
        auth,
    };
    let stream = within(subject.engine.pull(request)).await?;
    to_the_end(stream).await.map(drop)
}

/// Why a pull failed is told apart, on every engine. (Engines check no certificates of registries on loopback: those
/// words are tested beside the rules.)
pub async fn registries(subject: &Subject) {
    let registry = &subject.registry;
    let nowhere = required("IMAGEFLEET_LAB_NOTHING").unwrap_or_default();
    let nowhere = nowhere.trim_start_matches("tcp://").to_owned();
    let private = required("IMAGEFLEET_LAB_REGISTRY_AUTH").unwrap_or_default();
    let mut parts = private.splitn(3, ',');
    let (host, user, password) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    for (reference, platform, codes) in [
        (
            format!("{registry}/demo/web:none"),
            None,
            &[ErrorCode::ManifestUnknown][..],
        ),
        (
            format!("{registry}/demo/none:1"),
            None,
            &[ErrorCode::ManifestUnknown],
        ),
        (
            format!("{registry}/demo/multi:1.0"),
            Some("linux/s390x"),
            &[ErrorCode::PlatformMismatch],
        ),
        (
            format!("{nowhere}/demo/web:1.0"),
            None,
            &[ErrorCode::RegistryUnreachable],
        ),
        (
            "registry.imagefleet.invalid/demo/web:1.0".to_owned(),
            None,
            &[ErrorCode::RegistryNameUnresolved],
        ),
        (format!("{host}/demo/web:1.0"), None, &[ErrorCode::RegistryDenied]),
    ] {
        let failure = pull(subject, &reference, platform, None)
            .await
            .expect_err("it cannot be pulled");
        eprintln!("{reference} {platform:?}: {failure}");
        assert!(
            codes.contains(&failure.code),
            "{reference} {platform:?}: {failure}"
        );
        assert!(!failure.message.contains(password), "{failure}");
    }
    let account = |password: &str| RegistryAuth {
        server_address: host.to_owned(),
        username: user.to_owned(),
        password: password.to_owned(),
    };
    let engine = &subject.engine;
    let reference = format!("{host}/contract/private:{}", subject.nonce);
    let archive = Archive::new(&reference, &[&reference], 1_000).await;
    let loading = within(engine.load(archive.body())).await.expect("load");
    to_the_end(loading).await.expect("loads");
    for (auth, allowed) in [
        (None, false),
        (Some(account("wrong")), false),
        (Some(account(password)), true),
    ] {
        let outcome = match within(engine.push(&reference, auth)).await {
            Ok(pushing) => to_the_end(pushing).await.map(drop),
            Err(failure) => Err(failure),
        };
        let code = outcome.as_ref().err().map(|failure| failure.code);
        let wanted = if allowed {
            None
        } else {
            Some(ErrorCode::RegistryDenied)
        };
        assert_eq!(code, wanted, "{outcome:?}");
    }
    within(engine.remove_image(&reference, true))
        .await
        .expect("remove");
    let failure = pull(subject, &reference, None, Some(account("wrong")))
        .await
        .expect_err("wrong password");
    assert_eq!(failure.code, ErrorCode::RegistryDenied, "{failure}");
    pull(subject, &reference, None, Some(account(password)))
        .await
        .expect("with the account it can");
    within(engine.remove_image(&reference, true))
        .await
        .expect("remove");
}
