//! Which values of a container are secrets, by the names that people give them.

/// What stands where a secret does.
pub const MASK: &str = "********";

/// Parts of a name, in capitals, that make its value a secret wherever they stand.
const ANYWHERE: [&str; 7] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "CREDENTIAL",
    "APIKEY",
];
/// Words of a name that make its value a secret only as words of their own: `PASS`, but not `COMPASS`.
const WORDS: [&str; 7] = ["PASS", "PWD", "KEY", "AUTH", "DSN", "CERT", "REQUIREPASS"];

/// Whether a value under that name is to be hidden.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    // `PWD` alone is the shell's working directory.
    name != "PWD"
        && (ANYWHERE.iter().any(|part| name.contains(part))
            || name
                .split(|c: char| !c.is_ascii_alphanumeric())
                .any(|word| WORDS.contains(&word)))
}

/// Whether a value shows a secret by itself: an address with a password in it.
fn shows_secret(value: &str) -> bool {
    value
        .split_once("://")
        // Passwords with a slash in them are written like that too, though they should not be.
        .and_then(|(_, rest)| rest.rsplit_once('@'))
        .is_some_and(|(user, _)| user.contains(':'))
}

/// `K=V` lines with what is secret (or, with `all`, everything) hidden, and the names that are.
pub fn mask_env(lines: Vec<String>, all: bool) -> (Vec<String>, Vec<String>) {
    let mut masked = Vec::new();
    let lines = lines
        .into_iter()
        .map(|line| match line.split_once('=') {
            Some((name, value))
                if !value.is_empty() && (all || is_secret_name(name) || shows_secret(value)) =>
            {
                masked.push(name.to_owned());
                format!("{name}={MASK}")
            }
            _ => line,
        })
        .collect();
    (lines, masked)
}

/// Arguments with secrets hidden: `--password x`, `--password=x`, `PASSWORD=x`, and addresses with a password.
pub fn mask_words(words: Vec<String>) -> Vec<String> {
    let mut next = false;
    words
        .into_iter()
        .map(|word| {
            let after_flag = std::mem::take(&mut next);
            if let Some((name, value)) = word.split_once('=')
                && !value.is_empty()
                && is_secret_name(name)
            {
                return format!("{name}={MASK}");
            }
            if word.starts_with('-') && is_secret_name(&word) {
                next = !word.contains('=');
                return word;
            }
            if after_flag || shows_secret(&word) {
                MASK.to_owned()
            } else {
                word
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{MASK, is_secret_name, mask_env, mask_words};

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn names_that_hide_their_value() {
        for name in [
            "MYSQL_ROOT_PASSWORD",
            "RABBITMQ_DEFAULT_PASS",
            "api_token",
            "AWS_SECRET_ACCESS_KEY",
            "SSL_KEY",
            "clientSecret",
            "AUTH",
            "x.apiKey",
            "SENTRY_DSN",
            "--requirepass",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "PATH",
            "COMPASS",
            "KEYBOARD",
            "AUTHOR",
            "PWD",
            "OLDPASSAGE",
            "NGINX_VERSION",
            "MONKEY",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn env_is_hidden_by_name_by_value_or_whole() {
        let lines = texts(&[
            "A=1",
            "DB_PASSWORD=x=y",
            "URL=postgres://u:p@h/d",
            "SITE=http://h/a@b:c",
            "EMPTY_TOKEN=",
            "odd",
        ]);
        let (shown, masked) = mask_env(lines.clone(), false);
        let hidden = [format!("DB_PASSWORD={MASK}"), format!("URL={MASK}")];
        assert_eq!(
            shown,
            [
                "A=1",
                &hidden[0],
                &hidden[1],
                "SITE=http://h/a@b:c",
                "EMPTY_TOKEN=",
                "odd"
            ]
        );
        assert_eq!(masked, ["DB_PASSWORD", "URL"]);
        assert_eq!(mask_env(lines, true).1, ["A", "DB_PASSWORD", "URL", "SITE"]);
    }

    #[test]
    fn arguments_are_hidden_after_their_flag() {
        let words = texts(&[
            "redis-server",
            "--requirepass",
            "x",
            "--port",
            "1",
            "--token=y",
            "PASSWORD=z",
            "http://u:p@h",
        ]);
        assert_eq!(
            mask_words(words),
            [
                "redis-server",
                "--requirepass",
                MASK,
                "--port",
                "1",
                &format!("--token={MASK}"),
                &format!("PASSWORD={MASK}"),
                MASK
            ]
        );
    }
}
