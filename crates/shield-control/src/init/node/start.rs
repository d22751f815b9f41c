//! How the server of a Node project is started.

use std::path::Path;

use serde_json::Value;

use super::{
    super::sources::read_text,
    script::{Script, artifact_file, is_plain, resolve},
};

/// Scripts that start the server for real, when the one called `start` does not say how.
const SCRIPTS: [&str; 5] = ["start", "start:prod", "start:production", "prod", "serve"];

/// Directories of a server, and names of its file, the most usual first.
const DIRECTORIES: [&str; 3] = ["", "src/", "lib/"];
const NAMES: [&str; 4] = ["server", "index", "app", "main"];
const ENDINGS: [&str; 3] = ["js", "mjs", "cjs"];

/// How the server is started.
pub(super) struct Start {
    pub(super) command: String,
    pub(super) env: Vec<(String, String)>,
    /// Commands that the start script runs before the server: they belong to the build.
    pub(super) before: Vec<String>,
    pub(super) reason: String,
}

/// What the scripts say, or else a file of a usual name. Without a `package.json` the file must listen.
pub(super) fn start(directory: &Path, package: &Value, text: &str) -> Option<Start> {
    let script = SCRIPTS.iter().find_map(|name| Some((*name, resolve(package, name)?)));
    if let Some((name, Script { command, env, before })) = script {
        let reason = format!("the {name} script of package.json says so");
        return Some(Start { command, env, before, reason });
    }
    let listens = text.contains("listen(") || text.contains("createServer(");
    let found =
        main(directory, package).or_else(|| existing(directory)).or_else(|| built(directory, package));
    let (file, reason) = found.filter(|_| package.is_object() || listens)?;
    let reason = match package["scripts"]["start"].as_str() {
        Some(script) => format!("{reason} (the start script `{script}` does not run node directly)"),
        None => reason,
    };
    let command = format!("node {}", artifact_file(&file));
    Some(Start { command, env: Vec::new(), before: Vec::new(), reason })
}

/// What `package.json` names; a file that a build script makes need not be there yet.
fn main(directory: &Path, package: &Value) -> Option<(String, String)> {
    let main = package["main"].as_str()?.trim_start_matches("./");
    let made = package["scripts"]["build"].is_string()
        && ["dist/", "build/", "out/", "lib/"].iter().any(|products| main.starts_with(products));
    (is_plain(main) && (made || directory.join(main).is_file()))
        .then(|| (main.to_owned(), "package.json names it as main".to_owned()))
}

fn existing(directory: &Path) -> Option<(String, String)> {
    let files = DIRECTORIES.iter().flat_map(|parent| {
        ENDINGS
            .iter()
            .flat_map(move |ending| NAMES.iter().map(move |name| format!("{parent}{name}.{ending}")))
    });
    let found = files.into_iter().find(|file| directory.join(file).is_file())?;
    let reason = format!("{found} is there");
    Some((found, reason))
}

/// What the TypeScript compiler makes of a file of a usual name.
fn built(directory: &Path, package: &Value) -> Option<(String, String)> {
    let config =
        read_text(&directory.join("tsconfig.json")).filter(|_| package["scripts"]["build"].is_string())?;
    let products = config
        .split_once("\"outDir\"")
        .and_then(|(_, rest)| rest.split('"').nth(1))
        .map_or("dist", |products| products.trim_start_matches("./").trim_end_matches('/'));
    let source = ["src/", ""].iter().flat_map(|parent| NAMES.iter().map(move |name| (parent, name)));
    let (parent, name) =
        source.into_iter().find(|(parent, name)| directory.join(format!("{parent}{name}.ts")).is_file())?;
    let file = format!("{products}/{name}.js");
    is_plain(&file).then(|| (file, format!("the build makes it of {parent}{name}.ts")))
}
