//! Load files with mistakes and what people are told about them; load files without, and what they resolve to.

mod accepts;
mod credentials;
mod documents;
mod faults;
mod refuses;

use std::fs;

use shield_types::settings::Mistakes;
use tempfile::TempDir;

use crate::scenario::file::LoadFile;
use crate::scenario::model::{Action, HttpRequest, Step};
use crate::scenario::read::document::{reader, resolve};
use crate::scenario::template::{Escape, Part, Template, Value};

/// Every table there is.
const FULL: &str = include_str!("full.toml");

/// A small file that is accepted.
const MINIMAL: &str = "name = \"shop\"
target = \"http://127.0.0.1:8080\"

[closed]
users = 2
for = \"10s\"

[[scenario]]
name = \"look\"

[[scenario.step]]
get = \"/\"
";

/// A value of the environment that nobody may see.
const SECRET: &str = "hunter2\"";

/// A directory with the files that the tests' load files name.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("accounts.csv"), "email,password\r\na@x,\"s,1\"\r\nb@x,s2\r\n").unwrap();
    fs::write(directory.path().join("accounts.jsonl"), "{\"email\":\"a@x\",\"age\":7}\n").unwrap();
    fs::write(directory.path().join("bad.csv"), "email,password\na@x,hunter2,more\n").unwrap();
    fs::write(directory.path().join("latin.csv"), b"email\nhunter2\xff\n").unwrap();
    directory
}

fn environment(name: &str) -> Option<String> {
    match name {
        "API_KEY" => Some(SECRET.to_owned()),
        "LINES" => Some("hunter2\r\nx: y".to_owned()),
        _ => None,
    }
}

fn parse(text: &str) -> Result<LoadFile, Mistakes> {
    let directory = directory();
    let reader = reader(text, "load.toml");
    let file = resolve(&reader.root(), directory.path(), &environment);
    reader.finish()?;
    Ok(file.expect("a value is withheld only together with a mistake"))
}

fn parsed(text: &str) -> LoadFile {
    parse(text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// The small file with more at its end, which belongs to its only step first.
fn with(more: &str) -> LoadFile {
    parsed(&format!("{MINIMAL}{more}"))
}

fn http(step: &Step) -> &HttpRequest {
    match &step.action {
        Action::Http(request) => request,
        Action::WebSocket { .. } => panic!("`{}` is a WebSocket", step.name),
    }
}

/// A template as it can be compared: `<value>` for a place, with its escape.
fn shown(template: &Template) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Value { value, escape } => {
            let value = match value {
                Value::Id => "id".to_owned(),
                Value::User => "user".to_owned(),
                Value::Iteration => "iteration".to_owned(),
                Value::Random => "random".to_owned(),
                Value::Variable(index) => format!("variable {index}"),
                Value::Feed { feed, column } => format!("feed {feed}.{column}"),
                Value::Cookie(name) => format!("cookie {name}"),
            };
            let escape = match escape {
                Escape::None => "",
                Escape::Json => " json",
                Escape::Url => " url",
            };
            format!("<{value}{escape}>")
        }
    };
    template.parts.iter().map(part).collect()
}

fn header(step: &Step, name: &str) -> Option<String> {
    let headers = match &step.action {
        Action::Http(request) => &request.headers,
        Action::WebSocket { headers, .. } => headers,
    };
    headers.iter().find(|(header, _)| header == name).map(|(_, value)| shown(value))
}

fn body(step: &Step) -> String {
    http(step).body.as_ref().map(shown).unwrap_or_default()
}
