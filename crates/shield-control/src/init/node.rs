//! Node services.
//!
//! The server is started by `node` itself, never through npm: npm does not pass signals on, so the service would never hear
//! that it should end.

use std::path::Path;

use serde_json::Value;

use super::{
    guess::{Guess, ProjectKind},
    listen, name, ready,
    sources::{joined, read_sources, read_text},
};
use crate::manifest::FILE_NAME;

/// Files that usually start a server, when `package.json` does not say.
const SERVERS: [&str; 8] = [
    "server.js",
    "index.js",
    "app.js",
    "main.js",
    "src/server.js",
    "src/index.js",
    "server.mjs",
    "index.mjs",
];

/// Lock files, the command that installs exactly what they say, and what else decides what is installed.
const LOCKS: [(&str, &str); 3] = [
    ("package-lock.json", "npm ci --no-audit --no-fund"),
    ("pnpm-lock.yaml", "pnpm install --frozen-lockfile"),
    ("yarn.lock", "yarn install --frozen-lockfile"),
];

/// Options of `node` that take the next word as their value.
const OPTIONS_WITH_VALUE: [&str; 5] = ["-r", "--require", "--import", "--loader", "--env-file"];

/// How the server is started.
struct Start {
    command: String,
    env: Vec<(String, String)>,
    reason: String,
}

/// The guess for a directory whose `package.json` leads to a server.
pub(crate) fn inspect(directory: &Path) -> Option<Guess> {
    let package: Value = serde_json::from_str(&read_text(&directory.join("package.json"))?).ok()?;
    let start = start(directory, &package)?;
    let text = joined(&read_sources(directory, &[".js", ".mjs", ".cjs", ".ts"]));
    let package_name = package["name"].as_str().unwrap_or_default();
    let name = match package_name.is_empty() {
        true => name::directory_name(directory),
        false => name::service_name(package_name),
    };
    let (build, build_sentence) = build(directory, &package);
    let test = test_command(&package);
    let mut env = start.env;
    env.extend(listen::variables(&text, name.as_str()));
    let mut sentences = vec![
        format!(
            "start command: `{}`, because {}; not through npm, which keeps signals from the server",
            start.command, start.reason
        ),
        listen_sentence(&text),
        build_sentence,
        "artifact: the project directory, with `node_modules` when there is one".to_owned(),
    ];
    sentences.extend(
        test.as_ref().map(|test| format!("test command: `{test}`, because package.json has a test script")),
    );
    let guess = Guess {
        kind: ProjectKind::Node,
        name,
        start: start.command,
        env,
        build,
        artifact: ".".to_owned(),
        exclude: [".git", ".shield", FILE_NAME].map(str::to_owned).into(),
        test,
        ready: (String::new(), String::new()),
        sentences,
    };
    Some(guess.with_ready(ready::guess(&text)))
}

fn start(directory: &Path, package: &Value) -> Option<Start> {
    let script = package["scripts"]["start"].as_str();
    if let Some((command, env)) = script.and_then(node_command) {
        return Some(Start { command, env, reason: "the start script of package.json says so".to_owned() });
    }
    let main = package["main"].as_str().map(|main| main.trim_start_matches("./"));
    let found =
        main.into_iter().chain(SERVERS).find(|file| is_plain(file) && directory.join(file).is_file())?;
    let reason = match (script, main == Some(found)) {
        (Some(script), _) => {
            format!("{found} is there (the start script `{script}` does not run node directly)")
        }
        (None, true) => "package.json names it as main".to_owned(),
        (None, false) => format!("{found} is there"),
    };
    Some(Start { command: format!("node {}", artifact_file(found)), env: Vec::new(), reason })
}

/// The command and variables of a script such as `NODE_ENV=production node --enable-source-maps dist/server.js`.
fn node_command(script: &str) -> Option<(String, Vec<(String, String)>)> {
    if script.contains(['&', '|', ';', '<', '>', '$', '`', '*', '{', '(']) {
        return None;
    }
    let mut words = shell_words::split(script).ok()?.into_iter().peekable();
    let mut env = Vec::new();
    while let Some((name, value)) = words.peek().and_then(|word| word.split_once('=')) {
        env.push((name.to_owned(), value.to_owned()));
        words.next();
    }
    words.next().filter(|program| program == "node")?;
    let mut command = vec!["node".to_owned()];
    while let Some(option) = words.next_if(|word| word.starts_with('-')) {
        let takes_value = OPTIONS_WITH_VALUE.contains(&option.as_str());
        command.push(shell_words::quote(&option).into_owned());
        if takes_value {
            command.push(shell_words::quote(&words.next()?).into_owned());
        }
    }
    let file = words.next().filter(|file| is_plain(file))?;
    command.push(artifact_file(file.trim_start_matches("./")));
    command.extend(words.map(|word| shell_words::quote(&word).into_owned()));
    Some((command.join(" "), env))
}

/// True for a path inside the project.
fn is_plain(file: &str) -> bool {
    !file.is_empty() && !file.starts_with('/') && !file.split('/').any(|part| part == "..")
}

fn artifact_file(file: &str) -> String {
    let path = format!("{{artifact}}/{file}");
    if file.contains([' ', '"', '\'', '\\']) { shell_words::quote(&path).into_owned() } else { path }
}

fn listen_sentence(text: &str) -> String {
    let sure = match text.contains("PORT") {
        true => "",
        false => "; the sources were not seen to read `PORT`, so check that the server listens on it",
    };
    format!("environment: `PORT` and `HOST` tell the server where to listen{sure}")
}

fn has_entries(value: &Value) -> bool {
    value.as_object().is_some_and(|entries| !entries.is_empty())
}

/// Installs dependencies when there are any, then runs the build script when there is one.
fn build(directory: &Path, package: &Value) -> (Option<String>, String) {
    let dependencies = has_entries(&package["dependencies"]) || has_entries(&package["devDependencies"]);
    let script = package["scripts"]["build"].is_string();
    let lock = LOCKS.into_iter().find(|(file, _)| directory.join(file).is_file());
    let (install, reason) = match (dependencies, lock) {
        (false, _) => (None, "package.json has no dependencies"),
        (true, Some((file, command))) => (Some(install_once(file, command)), "dependencies are locked"),
        (true, None) => (Some("npm install --no-audit --no-fund\n".to_owned()), "there is no lock file"),
    };
    let command = match (install, script) {
        (None, false) => None,
        (install, script) => Some(format!(
            "set -eu\n{}{}",
            install.unwrap_or_default(),
            if script { "npm run build\n" } else { "" }
        )),
    };
    let what = match (command.is_some(), lock.filter(|_| dependencies), dependencies, script) {
        (false, ..) => "none".to_owned(),
        (_, Some((_, command)), _, script) => {
            join_build(command.split(" --").next().unwrap_or(command), script)
        }
        (_, None, true, script) => join_build("npm install", script),
        (_, None, false, _) => "`npm run build`".to_owned(),
    };
    (command, format!("build command: {what}, because {reason}"))
}

fn join_build(install: &str, script: bool) -> String {
    let build = if script { " and `npm run build`" } else { "" };
    format!("`{install}`{build}")
}

/// Installs when the lock file changed since the last time, so that a second run is fast.
fn install_once(lock: &str, command: &str) -> String {
    format!(
        r#"wanted="$(cksum < {lock}) $(node -v)"
if [ "$(cat node_modules/.shield-installed 2>/dev/null)" != "$wanted" ]; then
  {command}
  mkdir -p node_modules
  printf '%s\n' "$wanted" > node_modules/.shield-installed
fi
"#
    )
}

/// `npm test`, unless the script is the one that `npm init` writes.
fn test_command(package: &Value) -> Option<String> {
    let script = package["scripts"]["test"].as_str()?;
    (!script.contains("no test specified")).then(|| "npm test".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_plain_start_scripts() {
        for (script, command) in [
            ("node server.js", Some("node {artifact}/server.js")),
            ("node ./dist/index.js --verbose", Some("node {artifact}/dist/index.js --verbose")),
            ("node -r dotenv/config app.js", Some("node -r dotenv/config {artifact}/app.js")),
            (
                "node --enable-source-maps 'my app.js'",
                Some("node --enable-source-maps '{artifact}/my app.js'"),
            ),
            ("NODE_ENV=production node .", Some("node {artifact}/.")),
            ("next start", None),
            ("npm run build && node x.js", None),
            ("node ../x.js", None),
            ("node", None),
            ("node 'x", None),
        ] {
            assert_eq!(node_command(script).map(|(command, _)| command).as_deref(), command, "{script}");
        }
        let (_, env) = node_command("NODE_ENV=production node x.js").unwrap();
        assert_eq!(env, [("NODE_ENV".to_owned(), "production".to_owned())]);
    }
}
