//! The whole file.

use std::env;
use std::path::{self, Path};
use std::time::Duration;

use shield_types::settings::{Mistakes, Reader, Refusal, Setting, Table};

use crate::measure::histogram::HIGHEST_VALUE;
use crate::plan::model::Protocol;
use crate::scenario::file::LoadFile;
use crate::scenario::model::Workload;
use crate::scenario::read::feeds::Feeds;
use crate::scenario::read::limits::{PATH_BYTES_MAX, THINK_MAX};
use crate::scenario::read::names::{Environment, Scope, World};
use crate::scenario::read::request::{Headers, headers, is_path};
use crate::scenario::read::scenarios::Scenarios;
use crate::scenario::read::step::{LedgerTable, WholeFile};
use crate::scenario::read::{faults, feeds, scenarios, target, thresholds, traffic};

/// Longest name of a file: ids begin with it.
const NAME_BYTES_MAX: usize = 40;
/// Parts of keys whose values may be secrets.
const SECRET: [&str; 6] = ["headers", "value", "rows", "json", "form", "body"];
const NAME: &str = "1 to 40 of a-z, 0-9 and `-`, starting with a letter";

/// Reads a load file, or says everything that is wrong with it. `file` is what mistakes call it; files that it names are
/// looked for in `directory`, and absolute from here on: who uses them, such as the guard of faults, has another current
/// directory. Variables of the environment are looked up now.
pub fn read_load_file(text: &str, file: &str, directory: &Path) -> Result<LoadFile, Mistakes> {
    read_load_file_with(text, file, directory, &|name| env::var(name).ok())
}

/// The same with another environment than this process's.
pub fn read_load_file_with(
    text: &str,
    file: &str,
    directory: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<LoadFile, Mistakes> {
    let reader = reader(text, file);
    let beside = Path::new(".").join(directory);
    // Without a current directory nothing beside the file can be found, which those who look for it say.
    let beside = path::absolute(&beside).unwrap_or(beside);
    let load_file = resolve(&reader.root(), &beside, environment);
    reader.finish()?;
    Ok(load_file.expect("a value is withheld only together with a mistake"))
}

/// A reader whose mistakes do not show what may be a secret.
pub(crate) fn reader<'t>(text: &'t str, file: &str) -> Reader<'t> {
    Reader::new(text, file).hiding(&SECRET)
}

pub(crate) fn resolve(root: &Table<'_>, directory: &Path, environment: Environment<'_>) -> Option<LoadFile> {
    let name = root.string("name", NAME_BYTES_MAX, NAME).and_then(file_name).required();
    let connecting = target::read(root, directory);
    let model = traffic::read(root, connecting.as_ref());
    let seed = root.integer("seed", 0..=i64::MAX).or(1);
    let timeout = root.duration("timeout", Duration::from_millis(1)..=HIGHEST_VALUE);
    let timeout = timeout.or(Duration::from_secs(10));
    let failure_pause = root.duration("failure_pause", Duration::ZERO..=THINK_MAX);
    let failure_pause = failure_pause.or(Duration::from_millis(10));
    let feeds = feeds::read(root, directory);
    let faults = faults::read(root, connecting.as_ref(), model.as_ref(), directory);
    let ledger = Ledger::read(root);
    let protocol = connecting.as_ref().map(|connecting| connecting.protocol);
    let workload = workload(root, feeds, Around { ledger: &ledger, protocol, environment });
    let judged = thresholds::read(root, connecting.as_ref(), workload.as_ref());
    let (name, connecting, judged) = (name.take()?, connecting?, judged?);
    Some(LoadFile {
        // No `-`: it separates the parts of an id.
        workload: Workload { id_prefix: name.replace('-', "_"), ..workload? },
        name,
        target: connecting.target,
        trust: connecting.trust,
        protocol: connecting.protocol,
        connection: connecting.connection,
        model: model?,
        timeout: timeout.take()?,
        failure_pause: failure_pause.take()?,
        seed: u64::try_from(seed.take()?).ok()?,
        thresholds: judged.thresholds,
        abort: judged.abort,
        metrics: judged.metrics,
        faults: faults?,
        ledger: ledger.path.take()?,
        counter: judged.counter,
    })
}

fn file_name(name: String) -> Result<String, Refusal> {
    let part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(part) {
        true => Ok(name),
        false => Err(Refusal::new("not a name", NAME)),
    }
}

/// What scenarios are read with, besides their own tables.
struct Around<'a, 'r> {
    ledger: &'a Ledger<'r>,
    protocol: Option<Protocol>,
    environment: Environment<'a>,
}

fn workload(root: &Table<'_>, feeds: Feeds, around: Around<'_, '_>) -> Option<Workload> {
    let Around { ledger, protocol, environment } = around;
    let world = World { feeds: &feeds.names, certainty: feeds.certainty, environment };
    let headers = headers(root, &Scope::new(world, "", Vec::new())).or(Headers::new()).take();
    let written = if ledger.table.present() { LedgerTable::Written } else { LedgerTable::Absent };
    let mut file = WholeFile::new(written, protocol);
    let scenarios = scenarios::read(root, world, &headers.clone().unwrap_or_default(), &mut file);
    if let (Some(_), 0, LedgerTable::Written) = (&scenarios, file.ledger_steps, written) {
        ledger.table.mistaken(Refusal::new("no step is held against it", "a step with `ledger = true`"));
    }
    let Scenarios { scenarios, variables } = scenarios?;
    headers?;
    Some(Workload { scenarios, feeds: feeds.feeds?, variables, ..Workload::default() })
}

/// `[ledger]`: where the target lists what it applied.
struct Ledger<'r> {
    table: Table<'r>,
    /// None without the table.
    path: Setting<'r, Option<String>>,
}

// === impl Ledger ===

impl<'r> Ledger<'r> {
    fn read(root: &Table<'r>) -> Self {
        let table = root.table("ledger");
        let accepted = "the path of the list of applied ids, one per line, such as `/ledger`";
        let path = table.string("get", PATH_BYTES_MAX, accepted).and_then(|path| match is_path(&path) {
            true => Ok(path),
            false => Err(Refusal::new("not a path", accepted)),
        });
        let path = if table.present() { path.required() } else { path };
        Self { table, path: path.optional() }
    }
}
