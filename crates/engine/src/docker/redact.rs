//! Takes credentials out of what engines and registries say before people read it.

/// More of an engine's words than this helps nobody.
const LONGEST: usize = 2_000;
/// Words after which a secret follows, up to the next blank, quote or separator.
const SECRETS_AFTER: [&str; 13] = [
    "bearer ",
    "basic ",
    "x-registry-auth: ",
    "authorization: ",
    "access_token=",
    "refresh_token=",
    "token=",
    "password=",
    "passwd=",
    "secret=",
    "signature=",
    "x-amz-credential=",
    "sig=",
];

/// The same words without user information in addresses, authorization headers, tokens and signatures.
pub(super) fn redact(text: &str) -> String {
    let clean = without_userinfo(text.trim());
    let clean = without_secrets(&clean);
    if clean.chars().count() <= LONGEST {
        clean
    } else {
        clean.chars().take(LONGEST).chain(['…']).collect()
    }
}

/// `https://user:pass@host/` becomes `https://***@host/`.
fn without_userinfo(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let authority = after
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '?' | '#' | '<' | '>'))
            .unwrap_or(after.len());
        match after[..authority].rfind('@') {
            Some(userinfo) => {
                out.push_str("***");
                rest = &after[userinfo..];
            }
            None => rest = after,
        }
    }
    out.push_str(rest);
    out
}

fn without_secrets(text: &str) -> String {
    // Lower case in ASCII only, so that positions in both texts agree.
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    while let Some((word, at)) = next_secret(&lower, from) {
        let begin = at + word.len();
        let end = text[begin..]
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '&' | ',' | ';' | ')' | '}' | ']'))
            .map_or(text.len(), |length| begin + length);
        out.push_str(&text[from..begin]);
        if lower[begin..].starts_with("bearer ") || lower[begin..].starts_with("basic ") {
            from = begin;
            continue;
        }
        let scheme = matches!(word, "bearer " | "basic " | "authorization: ");
        let plain = begin == end || (scheme && is_plain(&text[begin..end]));
        out.push_str(if plain { &text[begin..end] } else { "***" });
        from = end;
    }
    out.push_str(&text[from..]);
    out
}

/// Words in small letters, as in `basic authentication required`, and the challenge `Bearer realm="…"` are no secrets.
fn is_plain(value: &str) -> bool {
    value.to_ascii_lowercase().starts_with("realm=")
        || value
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b':')
}

/// The first secret's word at or after `from`, the longest one where several begin.
fn next_secret(lower: &str, from: usize) -> Option<(&'static str, usize)> {
    SECRETS_AFTER
        .iter()
        .filter_map(|word| lower[from..].find(word).map(|at| (*word, from + at)))
        .min_by_key(|(word, at)| (*at, usize::MAX - word.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::redact;

    #[test]
    fn secrets_go_and_the_rest_stays() {
        for (text, clean) in [
            (
                "Get \"https://ana:pa@ss@r.example/v2/\": EOF",
                "Get \"https://***@r.example/v2/\": EOF",
            ),
            (
                "Get https://r.example/v2/a@sha256:1",
                "Get https://r.example/v2/a@sha256:1",
            ),
            (
                "Authorization: Bearer abc.def, more",
                "Authorization: Bearer ***, more",
            ),
            ("Authorization: Basic YTpi", "Authorization: Basic ***"),
            ("sent token=s3cret&scope=x", "sent token=***&scope=x"),
            (
                "https://b/x?X-Amz-Signature=ff&y=1",
                "https://b/x?X-Amz-Signature=***&y=1",
            ),
            (
                "denied: basic authentication required",
                "denied: basic authentication required",
            ),
            ("password=hunter&user=a", "password=***&user=a"),
            (
                "may require authorization: authorization failed: no",
                "may require authorization: authorization failed: no",
            ),
            ("manifest unknown", "manifest unknown"),
        ] {
            assert_eq!(redact(text), clean);
        }
        assert!(redact(&"x".repeat(5_000)).chars().count() <= 2_001);
    }

    proptest! {
        #[test]
        fn no_password_survives(user in "[a-z]{1,8}", secret in "Q[A-Z0-9]{7,12}", tail in "\\PC{0,20}") {
            let text = format!("Get https://{user}:{secret}@registry/v2/ token={secret} bearer {secret} {tail}");
            prop_assert!(!redact(&text).contains(&secret) || tail.contains(&secret));
        }
    }
}
