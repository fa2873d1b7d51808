//! imagefleet: manages the Docker images of many servers; one program with the page inside.

mod cli;
mod doctor;
mod first_start;
mod folder;
mod key;
mod logs;
mod metrics;
mod openapi;
mod password;
mod queue_settings;
mod serve;
mod settings;
mod shutdown;
mod tls;
mod user;
mod web;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command, KeyCommand, UserCommand};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Serve(args) => settings::Settings::load(*args).and_then(|settings| {
            logs::start(settings.log_format);
            let sockets = socket_thread()?;
            let outcome = run(serve::serve(settings, sockets.handle().clone()));
            sockets.shutdown_background();
            outcome
        }),
        Command::Doctor(args) => match run(doctor::doctor(*args)) {
            Ok(true) => Ok(()),
            Ok(false) => return ExitCode::FAILURE,
            Err(error) => Err(error),
        },
        Command::Openapi => openapi::print(),
        Command::User(UserCommand::ResetPassword(args)) => run(user::reset_password(*args)),
        Command::Key(KeyCommand::Rotate(args)) => {
            settings::Data::load(*args).and_then(|data| run(async move { key::rotate(&data).await }))
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The chain of causes on one line: what failed, and why.
            eprintln!("imagefleet: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(work);
    // What still blocks a thread (a password being hashed) must not hold up the end.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    outcome
}

/// The one thread that sends live events.
fn socket_thread() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(1)
        .thread_name("sockets")
        .enable_all()
        .build()
}
