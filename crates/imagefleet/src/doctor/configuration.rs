use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use imagefleet_store::SecretKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::report::Finding;
use crate::settings::{Data, Settings};
use crate::{folder, tls};

const PATIENCE: Duration = Duration::from_secs(5);

/// The settings, the data directory, the certificate and the address.
pub async fn look(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![
        Finding::ok("configuration", "flags, variables and file can be read"),
        directory(&settings.data),
    ];
    if let Some((cert, key)) = &settings.tls {
        findings.push(match tls::acceptor(cert, key) {
            Ok(_) => Finding::ok(
                "certificate",
                format!("{} and its key belong together", cert.display()),
            ),
            Err(error) => Finding::problem(
                "certificate",
                format!("{error:#}"),
                "Give a PEM chain with tls_cert and its private key with tls_key.",
            ),
        });
    }
    findings.push(address(settings).await);
    findings
}

fn directory(data: &Data) -> Finding {
    let what = "data directory";
    let shown = data.directory.display();
    let metadata = match std::fs::metadata(&data.directory) {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => {
            return Finding::problem(
                what,
                format!("{shown} is no directory"),
                "Give another one with --data-dir.",
            );
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return match folder::try_making(&data.directory) {
                Ok(()) => Finding::warning(
                    what,
                    format!("{shown} is not there yet"),
                    "It is made at the first start; check --data-dir when this is not the first.",
                ),
                Err(error) => Finding::problem(
                    what,
                    format!("{shown} cannot be made: {error}"),
                    "Make it for the user that the program runs as, or give another one with --data-dir.",
                ),
            };
        }
        Err(error) => {
            return Finding::problem(
                what,
                format!("{shown}: {error}"),
                "Run this as the user that the program runs as, and give that user the directory.",
            );
        }
    };
    // With the database elsewhere nothing need be written here.
    if data.sqlite_file().map(folder::of) == Some(&data.directory)
        && let Err(error) = folder::try_writing(&data.directory)
    {
        return Finding::problem(
            what,
            format!("{shown} cannot be written to: {error}"),
            "Give the directory to the user that the program runs as, run this as that user, and see that its file \
             system is neither full nor mounted to read only.",
        );
    }
    let mode = metadata.permissions().mode() & 0o777;
    if is_open_to_others(mode) {
        return Finding::warning(
            what,
            format!("others on this machine may look into {shown} (mode {mode:o})"),
            format!("chmod 700 {shown}"),
        );
    }
    Finding::ok(what, format!("{shown} is private"))
}

/// Whether anybody but the owner may do anything with it.
fn is_open_to_others(mode: u32) -> bool {
    let others = 0o077;
    mode & others != 0
}

/// The key, and how it was found.
pub fn key(path: &Path) -> (Option<SecretKey>, Finding) {
    let what = "secret key";
    match crate::key::given() {
        Ok(Some(key)) => return (Some(key), Finding::ok(what, "it comes from the environment")),
        Ok(None) => {}
        Err(error) => {
            let remedy =
                "Give the key's 64 hexadecimal digits, or leave the variable out to use the key file.";
            return (None, Finding::problem(what, format!("{error:#}"), remedy));
        }
    }
    let shown = path.display();
    match SecretKey::read(path) {
        Ok(Some(key)) => {
            let mode = std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode() & 0o777);
            let finding = if is_open_to_others(mode) {
                Finding::problem(
                    what,
                    format!("{shown} can be read by others (mode {mode:o})"),
                    format!(
                        "chmod 600 {shown}; whoever read it can open the passwords and keys in a copy of the database"
                    ),
                )
            } else {
                Finding::ok(what, format!("{shown} can be read by its owner alone"))
            };
            (Some(key), finding)
        }
        Ok(None) => (
            None,
            Finding::warning(
                what,
                format!("{shown} is not there"),
                "It is made at the first start. A database that was used before needs its own: restore that file.",
            ),
        ),
        Err(error) => (
            None,
            Finding::problem(
                what,
                error.to_string(),
                "Restore the file from the backup, readable by the user that the program runs as.",
            ),
        ),
    }
}

/// Free, or ours.
async fn address(settings: &Settings) -> Finding {
    let what = "address";
    let listen = settings.listen;
    match TcpListener::bind(listen).await {
        Ok(_) => Finding::ok(what, format!("{listen} is free: the program does not run there")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            if settings.tls.is_some() {
                return Finding::ok(what, format!("something answers on {listen}"));
            }
            match tokio::time::timeout(PATIENCE, alive(listen)).await {
                Ok(Ok(true)) => Finding::ok(what, format!("imagefleet answers on {listen}")),
                _ => Finding::problem(
                    what,
                    format!("{listen} is taken by something that does not answer /healthz"),
                    "Stop that program, or give another address with --listen.",
                ),
            }
        }
        Err(error) => Finding::problem(
            what,
            format!("{listen}: {error}"),
            "Give an address of this machine with --listen; ports below 1024 need a right of their own.",
        ),
    }
}

async fn alive(listen: std::net::SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(listen).await?;
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await?;
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200"))
}
