//! `[[feed]]`: rows of values, from a file or from the load file itself.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;
use shield_types::settings::{Refusal, Setting, Table};

use crate::scenario::model::{Feed, FeedOrder};
use crate::scenario::read::csv;
use crate::scenario::read::limits::{FEED_BYTES_MAX, FEEDS_MAX, FILE_BYTES_MAX, NAME_BYTES_MAX};
use crate::scenario::read::names::{Certainty, FeedNames, own_name};
use crate::scenario::read::rows::{ReadRowsError, Rows};

/// What was read of all feeds.
pub(crate) struct Feeds {
    /// None when there is a mistake in one of them.
    pub(crate) feeds: Option<Vec<Feed>>,
    /// For places.
    pub(crate) names: Vec<FeedNames>,
    /// Whether there is no other name.
    pub(crate) certainty: Certainty,
}

/// What `file` is.
const FILE: &str = "the path of a .csv file with a header or a .jsonl file, such as `accounts.csv`";

pub(crate) fn read(root: &Table<'_>, directory: &Path) -> Feeds {
    let tables = root.tables("feed");
    if let Some(extra) = tables.get(FEEDS_MAX) {
        extra.mistaken(Refusal::new("one feed too many", format!("at most {FEEDS_MAX}")));
    }
    let mut names: Vec<FeedNames> = Vec::new();
    let mut feeds = Vec::new();
    for table in &tables {
        feeds.push(feed(table, directory, &mut names));
    }
    let certainty = if names.len() == tables.len() { Certainty::Complete } else { Certainty::Guessed };
    Feeds { feeds: feeds.into_iter().collect(), names, certainty }
}

fn feed(table: &Table<'_>, directory: &Path, names: &mut Vec<FeedNames>) -> Option<Feed> {
    let name = table.string("name", NAME_BYTES_MAX, "a name for places, such as `accounts`");
    let name = name.and_then(|name| {
        own_name(&name)?;
        match names.iter().any(|other| other.name == name) {
            true => Err(Refusal::new("the name of another feed", "a name of its own")),
            false => Ok(name),
        }
    });
    let name = name.required().take();
    let rows = rows(table, directory);
    let orders =
        [("sequence", FeedOrder::Sequence), ("random", FeedOrder::Random), ("per-user", FeedOrder::PerUser)];
    let order = table.enumeration("order", &orders).or(FeedOrder::Sequence).take();
    if let Some(name) = &name {
        let columns = rows.as_ref().map(|rows| rows.columns.clone());
        names.push(FeedNames { name: name.clone(), columns });
    }
    let Rows { columns, rows } = rows?;
    Some(Feed { name: name?, columns, rows, order: order? })
}

fn rows(table: &Table<'_>, directory: &Path) -> Option<Rows> {
    let file = table.string("file", FILE_BYTES_MAX, FILE).and_then(|file| {
        read_file(&directory.join(&file), &file).map_err(|error| Refusal::new(error.to_string(), FILE))
    });
    let listed = "a list of tables with the same keys, such as [{ email = \"a@example.com\" }]";
    let rows = table.json("rows", listed, |value| {
        let Value::Array(values) = value else { return Err(Refusal::new("not a list", listed)) };
        Rows::from_values(values).map_err(|error| Refusal::new(error.to_string(), listed))
    });
    one_of(table, file.optional(), rows.optional())
}

fn one_of(
    table: &Table<'_>,
    file: Setting<'_, Option<Rows>>,
    rows: Setting<'_, Option<Rows>>,
) -> Option<Rows> {
    match (file.value(), rows.value()) {
        (Some(None), Some(None)) => table.missing("file", "`file` or `rows`"),
        (Some(Some(_)), Some(Some(_))) => {
            rows.mistaken(Refusal::new("given beside `file`", "one of `file`, `rows`"));
        }
        _ => {}
    }
    file.take()?.or(rows.take()?)
}

fn read_file(path: &Path, written: &str) -> Result<Rows, ReadRowsError> {
    let bytes = read_bounded(path)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        ReadRowsError::NotText { line: valid.iter().filter(|byte| **byte == b'\n').count() + 1 }
    })?;
    match Path::new(written).extension().and_then(|extension| extension.to_str()) {
        Some("csv") => csv::rows(&text),
        Some("jsonl") => Rows::from_json_lines(&text),
        _ => Err(ReadRowsError::File { reason: "neither .csv nor .jsonl".to_owned() }),
    }
}

/// A pipe is not opened: that would wait for a writer.
fn read_bounded(path: &Path) -> Result<Vec<u8>, ReadRowsError> {
    let failed = |error: io::Error| ReadRowsError::File { reason: error.to_string() };
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(ReadRowsError::File { reason: "not a regular file".to_owned() });
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(FEED_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FEED_BYTES_MAX { Err(ReadRowsError::TooLong) } else { Ok(bytes) }
}
