//! `[service]`: how instances start and when they are ready.

use std::time::Duration;

use shield_types::settings::{Refusal, Setting, Table};

use super::{
    model::{ReadyProbe, ServiceSettings},
    status::StatusRange,
    template::{PLACEHOLDERS, ParseTemplateError, StartCommand, Template, Variables},
};

/// Longest command or environment value.
pub(crate) const TEXT_BYTES_MAX: usize = 32 * 1024;

/// Longest path with its query.
pub(crate) const PATH_BYTES_MAX: usize = 2048;

/// What `service.start` is.
const START: &str = "program and arguments, such as `{artifact} --port {port}`";

pub(crate) fn read(table: &Table<'_>) -> Option<ServiceSettings> {
    let start = table.string("start", TEXT_BYTES_MAX, START).and_then(parse_command).required();
    let instances = table.integer("instances", 1..=32).or(1);
    let env = variables(table, "env");
    if let Some((start_command, env)) = start.value().zip(env.value())
        && !start_command.mentions("port")
        && !env.mention("port")
    {
        start.mistaken(Refusal::new(
            "`{port}` is nowhere",
            "`{port}` in `service.start` or in a value of `service.env`",
        ));
    }
    let ready = ready(&table.table("ready"));
    Some(ServiceSettings {
        start: start.take()?,
        instances: u16::try_from(instances.take()?).ok()?,
        env: env.take()?,
        ready: ready?,
    })
}

fn ready(table: &Table<'_>) -> Option<ReadyProbe> {
    let path = path(table).required();
    let status = status(table);
    let interval = table.duration("interval", millis(10)..=seconds(60)).or(millis(250));
    let timeout = table.duration("timeout", millis(10)..=seconds(60)).or(seconds(1));
    Some(ReadyProbe {
        path: path.take()?,
        status: status.take()?,
        interval: interval.take()?,
        timeout: timeout.take()?,
    })
}

/// `path`: what follows the host in a URL.
pub(crate) fn path<'r>(table: &Table<'r>) -> Setting<'r, String> {
    let accepted = "a path that starts with `/`, such as `/health?deep=1`, without spaces or `#`";
    table.string("path", PATH_BYTES_MAX, accepted).and_then(|path| {
        let well_formed = http::uri::PathAndQuery::try_from(path.as_str()).is_ok();
        if path.starts_with('/') && well_formed && !path.contains('#') {
            Ok(path)
        } else {
            Err(Refusal::new("not a path", accepted))
        }
    })
}

/// `status`: what counts as success.
pub(crate) fn status<'r>(table: &Table<'r>) -> Setting<'r, StatusRange> {
    let accepted = "a status such as \"200\" or a range such as \"200-299\", in quotes";
    table.parse("status", "a status", accepted).or(StatusRange::SUCCESS)
}

/// Environment variables under `key`.
pub(crate) fn variables<'r>(table: &Table<'r>, key: &'static str) -> Setting<'r, Variables> {
    table.map_of(key, variable).and_then(|variables| Ok(Variables(variables))).or(Variables::default())
}

fn variable(name: &str, value: String) -> Result<Template, Refusal> {
    let first = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if !first || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(Refusal::new(
            "not a variable's name",
            "letters, digits and `_`, not starting with a digit",
        ));
    }
    if name.starts_with("SHIELD_") {
        return Err(Refusal::new(
            "a name that shield keeps for itself",
            "a name that does not start with `SHIELD_`",
        ));
    }
    if value.len() > TEXT_BYTES_MAX {
        return Err(Refusal::new("too long", format!("at most {TEXT_BYTES_MAX} bytes")));
    }
    value.parse().map_err(refuse_template)
}

fn parse_command(text: String) -> Result<StartCommand, Refusal> {
    text.parse().map_err(refuse_template)
}

fn refuse_template(error: ParseTemplateError) -> Refusal {
    match error {
        ParseTemplateError::Placeholder { word } => {
            let accepted = format!("{PLACEHOLDERS}; `{{{{{word}}}}}` for the text `{{{word}}}`");
            Refusal::new(format!("`{{{word}}}` is not a placeholder"), accepted)
        }
        ParseTemplateError::Quote { .. } => {
            Refusal::new("a quote is not closed", "words, quoted as in a shell")
        }
        ParseTemplateError::Empty => Refusal::new("no program", "a program and its arguments"),
    }
}

pub(crate) fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

pub(crate) fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}
