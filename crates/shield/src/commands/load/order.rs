//! What is to be run: a load file, or what a command line says about a URL.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use shield_load::{FileTarget, LoadFile, Scheme, read_load_file};
use shield_types::{format_duration, settings::Mistakes};

use crate::{
    cli::UrlArguments,
    exit::{Exit, Failure},
};

/// Name of the load file that is made of a command line, in messages.
const COMMAND_LINE: &str = "the command line";

/// What a `https` URL is verified against when nothing is named: the certificates that the system trusts.
const SYSTEM_TRUST: &str = "/etc/ssl/certs/ca-certificates.crt";
const NAME_A_FILE: &str = "name a load file, or a URL that begins with http:// or https://";
const NAME_TRUST: &str =
    "name a PEM file with --trust: the certificate authority that signed the target's certificate";
/// How long a URL is loaded.
const DURATION: Duration = Duration::from_secs(10);
/// How many requests a second are offered to a URL.
const RATE: f64 = 10.0;

/// A load file with what lies beside it.
pub(crate) struct Order {
    pub(crate) file: LoadFile,
    pub(crate) trust_pem: Option<String>,
}

/// True for what is a URL and no file.
pub(crate) fn is_url(what: &str) -> bool {
    what.starts_with("http://") || what.starts_with("https://")
}

/// The load file that is named, or that the arguments stand for.
pub(crate) fn order(what: &str, arguments: &UrlArguments) -> Result<Order, Failure> {
    let (text, name, directory) = if is_url(what) {
        (of_url(what, arguments), COMMAND_LINE.to_owned(), current_directory()?)
    } else {
        refuse_url_arguments(what, arguments)?;
        let path = Path::new(what);
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let text = read(path, NAME_A_FILE)?;
        refuse_json(what, &text)?;
        (text, what.to_owned(), parent.map_or_else(|| PathBuf::from("."), Path::to_owned))
    };
    let file = read_load_file(&text, &name, &directory).map_err(|mistakes| mistaken(&name, mistakes))?;
    let trust = arguments.trust.clone().or_else(|| file.trust.clone());
    let trust_pem = trust.map(|trust| read(&trust, NAME_TRUST)).transpose()?;
    Ok(Order { file, trust_pem })
}

/// Another target than the load file's.
pub(crate) fn redirect(order: &mut Order, target: &str) -> Result<(), Failure> {
    let redirected = FileTarget::parse(target).map_err(|refusal| {
        // A name or password in it is a mistake, and not repeated.
        let shown = if target.contains('@') { "--target".to_owned() } else { format!("--target {target}") };
        let message = format!("failed to use `{shown}`: {}", refusal.problem);
        Failure::plain(Exit::Usage, &message, &format!("pass {}", refusal.accepted))
    })?;
    if redirected.scheme == Scheme::Https && order.trust_pem.is_none() {
        let message = format!("failed to use `--target {target}`: nothing to verify its certificate against");
        return Err(Failure::plain(Exit::Usage, &message, NAME_TRUST));
    }
    order.file.target = redirected;
    Ok(())
}

/// The load file is wrong.
#[derive(Debug, thiserror::Error)]
#[error("read the load in `{name}`")]
struct ReadLoadError {
    name: String,
    #[source]
    source: Mistakes,
}

fn mistaken(name: &str, source: Mistakes) -> Failure {
    let error = ReadLoadError { name: name.to_owned(), source };
    Failure::new(Exit::Usage, &error, &["docs/load-file.md describes every key".to_owned()])
}

fn read(path: &Path, hint: &str) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| {
        let message = format!("failed to read `{}`: {error}", path.display());
        Failure::plain(Exit::Usage, &message, hint)
    })
}

/// What begins as no TOML does would be a mistake in every line.
fn refuse_json(name: &str, text: &str) -> Result<(), Failure> {
    if !text.trim_start().starts_with('{') {
        return Ok(());
    }
    let message = format!("failed to read the load in `{name}`: it is JSON, and a load file is TOML");
    let hint = format!(
        "`shield load report {name}` shows the results of a run; docs/load-file.md describes load files"
    );
    Err(Failure::plain(Exit::Usage, &message, &hint))
}

fn current_directory() -> Result<PathBuf, Failure> {
    env::current_dir().map_err(|error| Failure::unexpected("find the current directory", &error))
}

/// The load file that stands for a URL and its options.
fn of_url(url: &str, arguments: &UrlArguments) -> String {
    let (scheme, rest) = url.split_once("://").expect("a URL was recognised by it");
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let duration = arguments.duration.unwrap_or(DURATION);
    let lasts = format_duration(duration);
    let model = match arguments.users {
        Some(users) => format!("[closed]\nusers = {users}\nfor = \"{lasts}\"\n"),
        None => {
            let rate = arguments.rate.unwrap_or(RATE);
            // A rate that is no number is one of the reader's mistakes, as TOML writes it.
            let rate = format!("{rate:?}").to_lowercase();
            format!("[open]\nphases = [{{ rate = {rate}, for = \"{lasts}\" }}]\n")
        }
    };
    let protocol = if arguments.http2 { "h2" } else { "http/1.1" };
    let target = toml_string(&format!("{scheme}://{authority}"));
    let system = (scheme == "https").then(|| Path::new(SYSTEM_TRUST));
    let trust = arguments.trust.as_deref().or(system);
    let trust = trust.map(|trust| format!("trust = {}\n", toml_string(&trust.to_string_lossy())));
    let trust = trust.unwrap_or_default();
    let path = toml_string(&path.replace("{{", "%7B%7B"));
    format!(
        "name = \"url\"\ntarget = {target}\nprotocol = \"{protocol}\"\n{trust}{model}\n[[scenario]]\nname = \"get\"\n\
         [[scenario.step]]\nname = \"get\"\nget = {path}\n"
    )
}

/// A TOML string; JSON's escapes are a part of TOML's.
fn toml_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Options that describe the load of a URL say nothing about a load file.
pub(crate) fn refuse_url_arguments(what: &str, arguments: &UrlArguments) -> Result<(), Failure> {
    let given = [
        ("--rate", arguments.rate.is_some()),
        ("--users", arguments.users.is_some()),
        ("--for", arguments.duration.is_some()),
        ("--http2", arguments.http2),
    ];
    let given: Vec<&str> = given.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    if given.is_empty() {
        return Ok(());
    }
    let message =
        format!("failed to use {} with `{what}`: they describe the load of a URL", given.join(", "));
    Err(Failure::plain(
        Exit::Usage,
        &message,
        "say it in the load file or script: `[open]` or `[closed]`, and `protocol`",
    ))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;
    use shield_load::read_load_file;

    use super::{is_url, of_url};
    use crate::cli::{Cli, Command};

    fn text(line: &[&str]) -> String {
        let cli = Cli::try_parse_from([&["shield", "load"], line].concat()).unwrap();
        let Command::Load(arguments) = cli.command else { panic!("another command") };
        of_url(&arguments.run.what.clone().unwrap(), &arguments.run.url)
    }

    #[test]
    fn every_command_line_is_a_load_file() {
        for line in [
            &["http://127.0.0.1:1"][..],
            &["http://localhost/a?b={{c}}", "--rate", "0.5", "--for", "1m"],
            &["http://h:8080?x=%221", "--users", "3", "--http2"],
        ] {
            let text = text(line);
            if let Err(mistakes) = read_load_file(&text, "line", Path::new(".")) {
                panic!("{text}\n{mistakes}");
            }
        }
        assert!(is_url("https://a") && !is_url("load.toml"));
    }
}
