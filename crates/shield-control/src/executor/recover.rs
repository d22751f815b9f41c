//! What is known after a crash: from the journal, or from what runs when the journal is lost.

use std::{collections::BTreeMap, fs};

use shield_release::{Environment, ProcessRef, Remains, RouteTable};
use shield_runtime::Found;
use shield_types::InstanceId;

use super::{StartControlError, record::process_record};
use crate::{
    journal::{Journal, Opened},
    layout::Layout,
};

/// Everything that was found at the start.
pub(super) struct Recovered {
    pub(super) environment: Environment,
    pub(super) journal: Journal,
    /// What the next command reports.
    pub(super) notice: Option<String>,
}

/// The state from the journal; or, if that is lost, from the edge's live table and what runs.
pub(super) fn recover(
    layout: &Layout,
    table: Option<RouteTable>,
    found: &[Found],
) -> Result<Recovered, StartControlError> {
    let path = layout.journal();
    let journal_error = |source| StartControlError::Journal { source };
    let opened = Journal::open(&path).map_err(journal_error)?;
    let last_good: Option<Environment> =
        fs::read(layout.last_good()).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let problem = match opened {
        Opened::Replayed(journal, environment) => {
            match behind(&environment, table.as_ref(), last_good.as_ref()) {
                None => return Ok(Recovered { environment: *environment, journal, notice: None }),
                Some(newer) => {
                    let problem = format!("it ends at generation {}, {newer}", environment.generation());
                    Some(journal.set_aside(problem).map_err(journal_error)?.to_string())
                }
            }
        }
        Opened::Damaged(damage) => Some(damage.to_string()),
        Opened::Missing if layout.last_good().exists() || table.is_some() || !found.is_empty() => {
            Some(format!("the journal `{}` is missing", path.display()))
        }
        Opened::Missing => None,
    };
    let processes = found.iter().map(|found| process_of(layout.scope(), found)).collect::<BTreeMap<_, _>>();
    let environment = Environment::rebuild(Remains { last_good, table, processes });
    let journal =
        Journal::begin(&path, &environment).map_err(|source| StartControlError::BeginJournal { source })?;
    let notice = problem.map(|problem| {
        let live = environment.live().map_or("none".to_owned(), ToString::to_string);
        format!(
            "{problem}; the state was rebuilt from what runs (live release: {live}, generation {})",
            environment.generation()
        )
    });
    if let Some(notice) = &notice {
        tracing::error!(notice, "state was damaged");
    }
    Ok(Recovered { environment, journal, notice })
}

/// What knows more than the journal: events were lost on a disk that was full or failing, or the file was cut.
fn behind(
    environment: &Environment,
    table: Option<&RouteTable>,
    last_good: Option<&Environment>,
) -> Option<String> {
    let known = environment.generation();
    if let Some(table) = table.filter(|table| table.generation > known) {
        return Some(format!("the edge routes by {}", table.generation));
    }
    let saved = last_good
        .filter(|saved| saved.generation() > known || saved.newest_number() > environment.newest_number())?;
    Some(format!(
        "the state that was saved at the end of the last release is of generation {}",
        saved.generation()
    ))
}

fn process_of(scope: &str, found: &Found) -> (InstanceId, ProcessRef) {
    let identity = process_record(scope, &found.identity);
    (found.instance.clone(), ProcessRef { address: found.address, identity })
}
