//! `[counter]`: what the target counts of what is sent.

use shield_types::settings::{Refusal, Table};

use crate::scenario::file::CounterSource;
use crate::scenario::model::{Action, Workload};
use crate::scenario::read::thresholds::{labels, metric};

const STEPS: &str = "the names of the steps that it counts";
/// A socket is opened by a request that is no step of its own, when there is none yet: how many there were is not known.
const STEPS_OF_SOCKETS: &str =
    "the names of the steps that it counts: the requests that open WebSockets are none of them";

/// The outer `None` is a mistake, the inner one no counter.
pub(crate) fn read(table: &Table<'_>, workload: Option<&Workload>) -> Option<Option<CounterSource>> {
    let metric = metric(table);
    let labels = labels(table);
    let known = |name: &str| workload.is_none_or(|workload| workload.steps().any(|step| step.name == name));
    let steps = table.list_of("steps", |name| match known(&name) {
        true => Ok(name),
        false => Err(Refusal::new("not the name of a step", STEPS)),
    });
    let steps = steps.optional();
    if !table.present() {
        return Some(None);
    }
    if steps.value().is_some_and(|steps| steps.as_ref().is_some_and(Vec::is_empty)) {
        steps.mistaken(Refusal::new("nothing is counted", STEPS));
    }
    let metric = metric.required();
    let all = workload.map(|workload| workload.steps().map(|step| step.name.clone()).collect());
    if steps.value() == Some(&None) && workload.is_some_and(has_sockets) {
        table.missing("steps", STEPS_OF_SOCKETS);
    }
    let steps = match steps.take()? {
        Some(steps) => steps,
        None => all?,
    };
    Some(Some(CounterSource { metric: metric.take()?, labels: labels.take()?, steps }))
}

fn has_sockets(workload: &Workload) -> bool {
    workload.steps().any(|step| matches!(step.action, Action::WebSocket { .. }))
}
