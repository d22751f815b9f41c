//! Node services.
//!
//! The server is started by `node` itself, never through npm: npm does not pass signals on, so the service would never hear
//! that it should end.

mod build;
mod script;
mod start;

use std::path::Path;

use serde_json::Value;

use self::{
    build::{Build, build},
    start::start,
};
use super::{
    guess::{Guess, ProjectKind},
    listen, name, ready,
    sources::{joined, read_sources, read_text},
};
use crate::manifest::FILE_NAME;

/// The guess for a directory whose `package.json` leads to a server, or that holds one in a file of the usual name.
pub(crate) fn inspect(directory: &Path) -> Option<Guess> {
    let package = package(directory)?;
    let text = joined(&read_sources(directory, &[".js", ".mjs", ".cjs", ".ts", ".mts"]));
    let start = start(directory, &package, &text)?;
    let package_name = package["name"].as_str().unwrap_or_default();
    let name = match package_name.is_empty() {
        true => name::directory_name(directory),
        false => name::service_name(package_name),
    };
    let Build { command: build, sentence: build_sentence } = build(directory, &package, &start.before);
    let test = test_command(&package);
    let listen = listen::variables(&text, name.as_str());
    let told =
        listen.iter().any(|(variable, _)| listen::reads(&text, variable) && variable.ends_with("PORT"));
    let option = if told || start.command.contains("{port}") { "" } else { port_option(&text) };
    let command = format!("{}{option}", start.command);
    let mut env: Vec<(String, String)> =
        start.env.into_iter().filter(|(name, _)| !listen.iter().any(|(other, _)| other == name)).collect();
    env.extend(listen);
    let mut sentences = vec![
        format!(
            "start command: `{command}`, because {}; not through npm, which keeps signals from the server",
            start.reason
        ),
        listen_sentence(&text, told || command.contains("{port}")),
        build_sentence,
        "artifact: the project directory, with `node_modules` when there is one".to_owned(),
    ];
    sentences.extend(
        test.as_ref().map(|test| format!("test command: `{test}`, because package.json has a test script")),
    );
    let guess = Guess {
        kind: ProjectKind::Node,
        name,
        start: command,
        env,
        build,
        artifact: ".".to_owned(),
        exclude: [".git", ".shield", FILE_NAME, "node_modules/.shield-installed"].map(str::to_owned).into(),
        test,
        ready: (String::new(), String::new()),
        sentences,
    };
    Some(guess.with_ready(ready::guess(&text)))
}

/// `package.json`; empty when there is none.
fn package(directory: &Path) -> Option<Value> {
    match read_text(&directory.join("package.json")) {
        None => Some(Value::Null),
        Some(text) => serde_json::from_str(text.trim_start_matches('\u{feff}')).ok(),
    }
}

/// How programs that read no variable are told the port.
fn port_option(text: &str) -> &'static str {
    let first_argument =
        text.lines().any(|line| line.contains("argv[2]") && line.to_ascii_lowercase().contains("port"));
    match (listen::has_option(text, "port"), first_argument) {
        (true, _) => " --port {port}",
        (_, true) => " {port}",
        _ => "",
    }
}

fn listen_sentence(text: &str, told: bool) -> String {
    let sure = match (told, listen::fixed_port(text)) {
        (true, _) => String::new(),
        (false, Some(port)) => format!(
            "; but the sources seem to listen on port {port} whatever it says: make them read `process.env.PORT`, or \
             no release starts"
        ),
        (false, None) => {
            "; the sources were not seen to read `PORT`, so check that the server listens on it".to_owned()
        }
    };
    format!("environment: `PORT` and `HOST` tell the server where to listen{sure}")
}

/// `npm test`, unless the script is the one that `npm init` writes. `CI` keeps runners from waiting for changes.
fn test_command(package: &Value) -> Option<String> {
    let script = package["scripts"]["test"].as_str()?;
    (!script.contains("no test specified")).then(|| "CI=true npm test".to_owned())
}
