//! Scripts of `package.json`, read as far as they say how the server is started.

use serde_json::Value;

/// Options of `node` that take the next word as their value.
const OPTIONS_WITH_VALUE: [&str; 5] = ["-r", "--require", "--import", "--loader", "--env-file"];

/// Servers that a dependency brings, and that end when they are told to.
const LOCAL_PROGRAMS: [&str; 6] = ["tsx", "ts-node", "next", "fastify", "remix-serve", "react-router-serve"];

/// Words before the program that only set variables.
const WRAPPERS: [&str; 3] = ["cross-env", "env", "exec"];

/// Longest chain of scripts that run each other.
const CHAIN_MAX: usize = 8;

/// What a script says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Script {
    pub(super) command: String,
    pub(super) env: Vec<(String, String)>,
    /// Commands that it runs before.
    pub(super) before: Vec<String>,
}

/// The server that the script `name` ends in; `None` when it is no program that is known to pass signals on.
pub(super) fn resolve(package: &Value, name: &str) -> Option<Script> {
    let mut before = Vec::new();
    let mut name = name.to_owned();
    for _ in 0..CHAIN_MAX {
        let script = package["scripts"][&name].as_str()?;
        if package["scripts"][format!("pre{name}")].is_string() {
            before.push(format!("npm run pre{name}"));
        }
        let mut parts: Vec<&str> = script.split("&&").map(str::trim).collect();
        let last = parts.pop()?;
        if parts.iter().any(|part| part.starts_with("cd ")) {
            return None;
        }
        before.extend(parts.into_iter().map(str::to_owned));
        match other_script(last) {
            Some(other) => name = other.to_owned(),
            None => return server(last).map(|(command, env)| Script { command, env, before }),
        }
    }
    None
}

/// The name in `npm run NAME`, `npm start`, `yarn NAME` or `pnpm run NAME`.
fn other_script(command: &str) -> Option<&str> {
    let words: Vec<&str> = command.split_whitespace().collect();
    match words.as_slice() {
        ["npm" | "yarn" | "pnpm", "run", name] | ["yarn" | "pnpm", name] => Some(*name),
        ["npm", "start"] => Some("start"),
        _ => None,
    }
}

/// The command and variables of `NODE_ENV=production node --enable-source-maps dist/server.js` and its like.
fn server(script: &str) -> Option<(String, Vec<(String, String)>)> {
    let script = with_port_placeholder(script);
    let plain = script.replace("{port}", "");
    if plain.contains(['&', '|', ';', '<', '>', '$', '`', '*', '{', '(']) {
        return None;
    }
    let mut words = shell_words::split(&script).ok()?.into_iter().peekable();
    let mut env = Vec::new();
    while let Some(word) = words.next_if(|word| WRAPPERS.contains(&word.as_str()) || word.contains('=')) {
        env.extend(word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    let program = words.next()?;
    let mut command = Vec::new();
    if program == "node" {
        command.push(program);
        while let Some(option) = words.next_if(|word| word.starts_with('-')) {
            if option.starts_with("--watch") || option.starts_with("--inspect") {
                continue;
            }
            let takes_value = OPTIONS_WITH_VALUE.contains(&option.as_str());
            command.push(quoted(&option));
            if takes_value {
                command.push(quoted(&words.next()?));
            }
        }
        let file = words.next().filter(|file| is_plain(file))?;
        command.push(artifact_file(file.trim_start_matches("./")));
    } else if LOCAL_PROGRAMS.contains(&program.as_str()) {
        command.push(format!("{{artifact}}/node_modules/.bin/{program}"));
    } else {
        return None;
    }
    command.extend(free_port(words).iter().map(|word| quoted(word)));
    Some((command.join(" "), env))
}

/// `$PORT`, `${PORT}` and `${PORT:-3000}` as the placeholder.
fn with_port_placeholder(script: &str) -> String {
    let mut text = String::new();
    let mut rest = script;
    while let Some((before, after)) = rest.split_once("${PORT") {
        text.push_str(before);
        text.push_str("{port}");
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    text.push_str(rest);
    text.replace("$PORT", "{port}")
}

/// The words, with a port that an option fixes replaced: two releases run side by side.
fn free_port(words: impl Iterator<Item = String>) -> Vec<String> {
    let is_port = |text: &str| text.parse::<u16>().is_ok();
    let mut free: Vec<String> = Vec::new();
    for word in words {
        let before = free.last().map(String::as_str).unwrap_or_default();
        let alone = !before.starts_with('-') && word.parse::<u16>().is_ok_and(|port| port >= 1024);
        let named = matches!(before, "-p" | "--port") && is_port(&word);
        let joined = word.strip_prefix("--port=").is_some_and(is_port);
        free.push(match (alone || named, joined) {
            (true, _) => "{port}".to_owned(),
            (_, true) => "--port={port}".to_owned(),
            _ => word,
        });
    }
    free
}

/// True for a path inside the project.
pub(super) fn is_plain(file: &str) -> bool {
    !file.is_empty() && !file.starts_with('/') && !file.split('/').any(|part| part == "..")
}

pub(super) fn artifact_file(file: &str) -> String {
    let path = format!("{{artifact}}/{file}");
    if file.contains([' ', '"', '\'', '\\']) { shell_words::quote(&path).into_owned() } else { path }
}

fn quoted(word: &str) -> String {
    if word.contains("{port}") { word.to_owned() } else { shell_words::quote(word).into_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
            ("cross-env NODE_ENV=production node --watch x.js", Some("node {artifact}/x.js")),
            ("node x.js --port 3000", Some("node {artifact}/x.js --port {port}")),
            ("node x.js --port=3000 -p $PORT", Some("node {artifact}/x.js --port={port} -p {port}")),
            ("node x.js 8080 --limit 5000 7", Some("node {artifact}/x.js {port} --limit 5000 7")),
            ("tsx src/index.ts", Some("{artifact}/node_modules/.bin/tsx src/index.ts")),
            ("next start -p ${PORT:-3000}", Some("{artifact}/node_modules/.bin/next start -p {port}")),
            ("nodemon x.js", None),
            ("node x.js | pino", None),
            ("node $FILE", None),
            ("node ../x.js", None),
            ("node", None),
            ("node 'x", None),
        ] {
            assert_eq!(server(script).map(|(command, _)| command).as_deref(), command, "{script}");
        }
        let (_, env) = server("NODE_ENV=production node x.js").unwrap();
        assert_eq!(env, [("NODE_ENV".to_owned(), "production".to_owned())]);
    }

    #[test]
    fn follows_scripts_to_the_server() {
        let package = json!({ "scripts": {
            "start": "npm run build && npm run serve",
            "preserve": "echo",
            "serve": "node x.js",
            "elsewhere": "cd api && node x.js",
            "loop": "yarn loop",
            "dev": "nodemon x.js",
        }});
        let script = resolve(&package, "start").unwrap();
        assert_eq!(script.command, "node {artifact}/x.js");
        assert_eq!(script.before, ["npm run build", "npm run preserve"]);
        assert_eq!(
            ["loop", "dev", "elsewhere", "none"].map(|name| resolve(&package, name)),
            [const { None }; 4]
        );
    }
}
