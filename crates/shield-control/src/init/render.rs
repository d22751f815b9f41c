//! The text of a first `shield.toml`.

use toml::Value;

use super::guess::{Guess, ProjectKind};

/// The file for `guess`, with the defaults that people most often change as comments.
pub(crate) fn render(guess: &Guess) -> String {
    let kind = match guess.kind {
        ProjectKind::Cargo => "a Cargo project",
        ProjectKind::FastApi => "a FastAPI service",
        ProjectKind::Node => "a Node service",
        ProjectKind::Other => "a service that `shield init` does not know: fill in every `\"\"`",
    };
    [
        format!("# How `shield` builds, starts and releases this service: {kind}.\n# Every key: docs/shield-toml.md.\nformat = 1\nname = {}\n", quoted(guess.name.as_str())),
        service(guess),
        stages(guess),
        DEFAULTS.to_owned(),
    ]
    .join("\n")
}

const DEFAULTS: &str = r#"# The defaults of how a release takes over. Remove the `#` to change one.
# [release]
# min_healthy = "10s"       # an instance gets traffic after being ready that long
# start_deadline = "60s"    # a release that is not ready by then has failed
# drain = "30s"             # how long requests to the old instances may take to end
# watch = "60s"             # how long the old instances stay ready to take over again
# error_ratio_max = "0.1%"  # failed requests that the watch tolerates

# [edge]
# https = "127.0.0.1:8443"  # where clients connect
# hostnames = ["localhost"] # names in the certificate
"#;

fn service(guess: &Guess) -> String {
    let mut text = String::from("[service]\n");
    if guess.start.is_empty() {
        text.push_str("# Program and arguments, run without a shell. {artifact}, {address}, {port} and {data} are filled in; the\n");
        text.push_str("# service must listen on {address} and {port}: told so here, or by [service.env].\n");
        text.push_str("# start = \"{artifact} --listen {address}:{port}\"\n");
    }
    text.push_str(&format!("start = {}\n# instances = 1\n", quoted(&guess.start)));
    match (guess.env.is_empty(), guess.start.is_empty()) {
        (true, true) => text.push_str("\n# [service.env]\n# PORT = \"{port}\"\n"),
        (true, false) => {}
        (false, _) => text.push_str("\n[service.env]\n"),
    }
    for (name, value) in &guess.env {
        text.push_str(&format!("{name} = {}\n", quoted(value)));
    }
    let keeps_files = guess.env.iter().any(|(_, value)| value == "{data}");
    // A program of one file runs in `{data}`; a directory is its own working directory.
    if guess.kind != ProjectKind::Cargo && !keeps_files {
        text.push_str(
            "# Each release has a working directory of its own: files that must stay belong in {data}.\n",
        );
        text.push_str("# DATA_DIR = \"{data}\"\n");
    }
    let (path, status) = &guess.ready;
    text.push_str("\n# An instance is ready when this path answers with this status.\n");
    text.push_str(&format!("[service.ready]\npath = {}\nstatus = {}\n", quoted(path), quoted(status)));
    text
}

fn stages(guess: &Guess) -> String {
    let mut text = String::from("[stage.build]\n");
    match &guess.build {
        Some(command) => text.push_str(&format!("command = {}\n", quoted(command))),
        None if guess.artifact.is_empty() => {
            text.push_str(
                "# Makes the artifact, in this directory; without a command it is taken as it lies there.\n",
            );
            text.push_str("# command = \"go build -o server .\"\n");
        }
        None => text.push_str("# command = \"make\"  # nothing needs to be built\n"),
    }
    if guess.artifact.is_empty() {
        text.push_str(
            "# The file or directory that is released, inside this directory; \".\" is all of it.\n# artifact = \"server\"\n",
        );
    }
    text.push_str(&format!("artifact = {}\n", quoted(&guess.artifact)));
    if !guess.exclude.is_empty() {
        let patterns: Vec<String> = guess.exclude.iter().map(|pattern| quoted(pattern)).collect();
        text.push_str(&format!("exclude = [{}]\n", patterns.join(", ")));
    }
    text.push_str(&match &guess.test {
        Some(command) => format!("\n[stage.test]\ncommand = {}\n", quoted(command)),
        None => "\n# [stage.test]\n# command = \"make test\"\n".to_owned(),
    });
    let (path, status) = &guess.ready;
    text.push_str(
        "\n# Asked of a staging instance before production; add requests that matter to your clients.\n",
    );
    text.push_str(&format!(
        "[[stage.smoke.request]]\nname = \"answers\"\npath = {}\nstatus = {}\n",
        quoted(path),
        quoted(status)
    ));
    text
}

/// `text` as a TOML string; several lines stay several lines.
fn quoted(text: &str) -> String {
    if text.contains('\n') && !text.contains("'''") {
        format!("'''\n{text}'''")
    } else {
        Value::String(text.to_owned()).to_string()
    }
}
