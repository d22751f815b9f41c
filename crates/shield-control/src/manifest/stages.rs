//! `[stage.…]`: what happens to a release before production.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use http::{HeaderName, HeaderValue};
use shield_types::settings::{Refusal, Setting, Table};

use super::{
    audit, bench,
    exclusions::{Exclusions, check_pattern},
    model::{BuildStage, CommandStage, DrillStage, LoadStage, SmokeRequest, Stages},
    service::{TEXT_BYTES_MAX, millis, path, seconds, status, variables},
};

use crate::drill::DrillName;

/// Headers that the client sets itself, from the body and the connection.
const OWN_HEADERS: [&str; 5] = ["connection", "content-length", "te", "transfer-encoding", "upgrade"];

/// What a command is.
pub(crate) const COMMAND: &str = "a command line for `sh -c`";

/// What an artifact is.
const ARTIFACT: &str = "a path inside the project, such as `target/release/shop` or `.`";

/// What a file is.
const PROJECT_FILE: &str = "the path of a file inside the project, such as `load.toml`";

/// Longest path of an artifact or file.
const PATH_BYTES_MAX: usize = 4096;

/// Longest name of a smoke request.
const NAME_BYTES_MAX: usize = 200;

pub(crate) fn read(table: &Table<'_>) -> Option<Stages> {
    let build = build(&table.table("build"));
    let test = test(&table.table("test"));
    let audit = audit::stage(&table.table("audit"));
    let bench = bench::stage(&table.table("bench"));
    let staging_env = variables(&table.table("staging"), "env");
    let smoke = smoke(&table.table("smoke"));
    let load = load(&table.table("load"));
    let drill = drill(&table.table("drill"));
    Some(Stages {
        build: build?,
        test: test?,
        audit: audit?,
        bench: bench?,
        staging_env: staging_env.take()?,
        smoke: smoke?,
        load: load?,
        drill: drill?,
    })
}

/// The outer `None` is a mistake, the inner one a service without load.
fn load(table: &Table<'_>) -> Option<Option<LoadStage>> {
    let file = project_file(table, "file");
    if !table.present() {
        return Some(None);
    }
    Some(Some(LoadStage { file: file.required().take()? }))
}

/// The outer `None` is a mistake, the inner one a service without drills.
fn drill(table: &Table<'_>) -> Option<Option<DrillStage>> {
    let drills = table.list_of("drills", |name| {
        name.parse::<DrillName>()
            .map_err(|_| Refusal::new("not a drill", format!("names of drills: {}", DrillName::listed())))
    });
    let drills = drills.and_then(|drills| match drills.is_empty() {
        true => Err(Refusal::new("no drill", "one at least, or no `[stage.drill]`")),
        false => Ok(drills),
    });
    if !table.present() {
        return Some(None);
    }
    Some(Some(DrillStage { drills: drills.required().take()? }))
}

/// The path of a file inside the project.
pub(crate) fn project_file<'r>(table: &Table<'r>, key: &'static str) -> Setting<'r, String> {
    table.string(key, PATH_BYTES_MAX, PROJECT_FILE).and_then(|path| {
        let outside = path.starts_with('/') || path.split('/').any(|part| part == "..");
        if outside { Err(Refusal::new("outside the project", PROJECT_FILE)) } else { Ok(path) }
    })
}

fn build(table: &Table<'_>) -> Option<BuildStage> {
    let command = table.string("command", TEXT_BYTES_MAX, COMMAND).optional();
    let artifact = table.string("artifact", PATH_BYTES_MAX, ARTIFACT).and_then(artifact_path).required();
    let exclude = table.list_of("exclude", |pattern| match check_pattern(&pattern) {
        Ok(()) => Ok(pattern),
        Err(problem) => {
            Err(Refusal::new(problem, "names such as \"tests\" or \"*.log\", or paths inside the artifact"))
        }
    });
    let exclude = exclude.and_then(|patterns| Ok(Exclusions::new(patterns))).or(Exclusions::default());
    let deadline = deadline(table);
    Some(BuildStage {
        command: command.take()?,
        artifact: artifact.take()?,
        exclude: exclude.take()?,
        deadline: deadline.take()?,
    })
}

/// The path without empty and `.` parts; `.` when nothing else is left.
fn artifact_path(path: String) -> Result<String, Refusal> {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if path.starts_with('/') || parts.contains(&"..") {
        return Err(Refusal::new("outside the project", ARTIFACT));
    }
    if parts.contains(&".shield") {
        return Err(Refusal::new("inside shield's own directory", ARTIFACT));
    }
    if parts.is_empty() { Ok(".".to_owned()) } else { Ok(parts.join("/")) }
}

/// The outer `None` is a mistake, the inner one a service without tests.
fn test(table: &Table<'_>) -> Option<Option<CommandStage>> {
    let command = table.string("command", TEXT_BYTES_MAX, COMMAND);
    let deadline = deadline(table);
    if !table.present() {
        return Some(None);
    }
    let command = command.required();
    Some(Some(CommandStage { command: command.take()?, deadline: deadline.take()? }))
}

fn deadline<'r>(table: &Table<'r>) -> Setting<'r, Duration> {
    table.duration("deadline", seconds(1)..=seconds(24 * 3_600)).or(seconds(30 * 60))
}

fn smoke(table: &Table<'_>) -> Option<Vec<SmokeRequest>> {
    let mut names = BTreeSet::new();
    let requests: Vec<Option<SmokeRequest>> =
        table.tables("request").iter().map(|request| smoke_request(request, &mut names)).collect();
    requests.into_iter().collect()
}

fn smoke_request(table: &Table<'_>, names: &mut BTreeSet<String>) -> Option<SmokeRequest> {
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].map(|word| (word, word));
    let method = table.enumeration("method", &methods).or("GET");
    let path = path(table).required();
    let name = table.string("name", NAME_BYTES_MAX, "a short description").and_then(|name| {
        if names.insert(name.clone()) {
            Ok(name)
        } else {
            Err(Refusal::new("the name of another request", "a name of its own"))
        }
    });
    let headers = table.map_of("headers", header).and_then(by_lower_name).or(BTreeMap::new());
    let body = table.string("body", TEXT_BYTES_MAX, "the text to send, or no `body`").optional();
    let status = status(table);
    let contains = table.list_of("contains", Ok).or(Vec::new());
    let timeout = table.duration("timeout", millis(10)..=seconds(600)).or(seconds(5));
    let (method, path) = (method.take(), path.take());
    let default_name = method.zip(path.as_ref()).map(|(method, path)| format!("{method} {path}"));
    let name = match default_name {
        Some(default_name) => name.or(default_name),
        None => name,
    };
    Some(SmokeRequest {
        name: name.take()?,
        method: method?.to_owned(),
        path: path?,
        headers: headers.take()?,
        body: body.take()?,
        status: status.take()?,
        contains: contains.take()?,
        timeout: timeout.take()?,
    })
}

/// A header in the form it is kept: name in lower case, value.
fn header(name: &str, value: String) -> Result<(String, String), Refusal> {
    let lower = name.to_ascii_lowercase();
    if HeaderName::try_from(name).is_err() {
        return Err(Refusal::new("not a header's name", "letters, digits and `-`"));
    }
    if OWN_HEADERS.contains(&lower.as_str()) {
        return Err(Refusal::new("a header that the client sets itself", "another header, or none"));
    }
    if HeaderValue::try_from(value.as_str()).is_err() || !value.is_ascii() {
        return Err(Refusal::new("not a header's value", "printable ASCII characters"));
    }
    Ok((lower, value))
}

fn by_lower_name(headers: BTreeMap<String, (String, String)>) -> Result<BTreeMap<String, String>, Refusal> {
    let written = headers.len();
    let headers: BTreeMap<String, String> = headers.into_values().collect();
    if headers.len() == written {
        Ok(headers)
    } else {
        Err(Refusal::new("a header is given twice", "each name once, in capital or small letters"))
    }
}
