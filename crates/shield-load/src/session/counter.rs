//! A counter of the target, read before the first request and after the last one has ended.
//!
//! A target may count a request after it was answered, so that a reading is believed once the counter stands still. It may
//! also count that it is read, which is found out before the run: then it rises by one from each reading to the next. One that
//! somebody else raises all the time is told apart, and agrees with nothing: what it missed and what others sent might cancel out.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::measure::reconcile_counter::{CountFinding, Countable, CounterReading};
use crate::measure::report::LoadReport;
use crate::results::model::Reconciled;
use crate::scenario::file::CounterSource;
use crate::session::exam::{MetricsPlace, Reads};
use crate::session::still::Stillness;

/// How long a counter may take to stand still, and to have counted what was answered.
const SETTLE_MAX: Duration = Duration::from_secs(5);

/// What the target counts of a run, if it does.
#[derive(Debug)]
pub(crate) struct CounterWatch(Option<Counter>);

/// A counter whose rise is held against what is sent.
#[derive(Debug)]
struct Counter {
    source: CounterSource,
    place: MetricsPlace,
    /// Where it stood before the first request, or why nobody knows.
    first: Result<Settled, String>,
}

/// One reading.
#[derive(Clone, Debug)]
struct Look {
    reading: CounterReading,
    /// How often the metrics had been read by then.
    reads: Reads,
}

/// The reading that counts.
#[derive(Clone, Debug)]
struct Settled {
    look: Look,
    /// How far each reading raises the counter: 0 or 1; none when it did not stand still.
    per_read: Option<u64>,
}

/// What a reading is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worth {
    /// Nothing yet: something is still to be counted.
    Nothing,
    /// Everything, if the counter stands still.
    IfStill,
    /// Everything.
    All,
}

// === impl CounterWatch ===

impl CounterWatch {
    /// Reads it before anything is sent. There is nothing to read without a counter, which is never without metrics.
    pub(crate) async fn start(source: Option<CounterSource>, place: Option<&MetricsPlace>) -> Self {
        let Some((source, place)) = source.zip(place) else { return Self(None) };
        let first = settle(&source, place, |_| Worth::IfStill).await;
        let first = first.map_err(|problem| format!("before the first request: {problem}"));
        Self(Some(Counter { source, place: place.clone(), first }))
    }

    /// Reads it again, and holds the rise against what was sent.
    pub(crate) async fn finish(self, report: &LoadReport) -> Option<Reconciled> {
        Some(self.0?.finish(report).await)
    }
}

// === impl Counter ===

impl Counter {
    /// A count that cannot be compared does not agree; what was measured stays measured.
    async fn finish(self, report: &LoadReport) -> Reconciled {
        let source = name(&self.source.metric, &self.source.labels);
        let (agrees, summary) = match self.held(report).await {
            Ok((agrees, finding)) => (agrees, format!("the counter {finding}")),
            Err(problem) => (false, format!("the counter tells nothing: {problem}")),
        };
        Reconciled { source, summary, missing: Vec::new(), duplicate: Vec::new(), agrees }
    }

    async fn held(&self, report: &LoadReport) -> Result<(bool, String), String> {
        let Settled { look: first, per_read } = self.first.as_ref().map_err(Clone::clone)?;
        let per_read = per_read.ok_or_else(|| format!("before the first request: {}", restless()))?;
        let sent = Countable::of(report, &self.source.steps);
        let countable = |look: &Look| Countable {
            read: per_read * (look.reads.answered - first.reads.answered),
            read_uncertain: per_read * (look.reads.unanswered() - first.reads.unanswered()),
            ..sent
        };
        let find = |look: &Look| countable(look).hold(&first.reading, &look.reading);
        let worth = |look: &Look| match find(look) {
            CountFinding::Agrees { .. } | CountFinding::More { .. } => Worth::IfStill,
            CountFinding::Fewer { .. } | CountFinding::Missing => Worth::Nothing,
            // It may be as high again before long.
            CountFinding::Fell => Worth::All,
        };
        let Settled { look: last, per_read: still } = settle(&self.source, &self.place, worth).await?;
        let finding = find(&last);
        // It would agree a moment earlier or later, or never.
        if finding.agrees() && still != Some(per_read) {
            return Err(format!("after the last request: {}", restless()));
        }
        Ok((finding.agrees(), countable(&last).tell(finding)))
    }
}

/// Reads until a reading is worth everything, or the time is up: then the last reading counts.
async fn settle(
    source: &CounterSource,
    place: &MetricsPlace,
    worth: impl Fn(&Look) -> Worth,
) -> Result<Settled, String> {
    let deadline = Instant::now() + SETTLE_MAX;
    let (mut before, mut stillness): (Option<Look>, _) = (None, Stillness::default());
    loop {
        let looked = look(source, place).await;
        let late = Instant::now() >= deadline;
        match looked {
            Ok(look) => {
                stillness.rose(before.as_ref().and_then(|before| look.reading.rise_since(&before.reading)));
                let (worth, per_read) = (worth(&look), stillness.per_read());
                if late || worth == Worth::All || (worth == Worth::IfStill && per_read.is_some()) {
                    return Ok(Settled { look, per_read });
                }
                before = Some(look);
            }
            Err(problem) if late => return Err(problem),
            Err(_) => {
                before = None;
                stillness.rose(None);
            }
        }
        sleep(stillness.pause()).await;
    }
}

fn restless() -> String {
    format!(
        "it did not stand still for {SETTLE_MAX:?} while nothing was sent; does something else use the target?"
    )
}

async fn look(source: &CounterSource, place: &MetricsPlace) -> Result<Look, String> {
    let exposition = place.scrape().await?;
    let reading = CounterReading::of(&exposition, &source.metric, &source.labels);
    Ok(Look { reading: reading.map_err(|error| error.to_string())?, reads: place.reads() })
}

/// A counter as its target's metrics write it.
fn name(metric: &str, labels: &BTreeMap<String, String>) -> String {
    if labels.is_empty() {
        return metric.to_owned();
    }
    let pairs: Vec<String> = labels.iter().map(|(label, value)| format!("{label}={value:?}")).collect();
    format!("{metric}{{{}}}", pairs.join(","))
}

/// Both of the target's counts as one, for files that name a ledger and a counter: they agree when both do.
pub(crate) fn together(ledger: Option<Reconciled>, counter: Option<Reconciled>) -> Option<Reconciled> {
    match (ledger, counter) {
        (Some(ledger), Some(counter)) => Some(Reconciled {
            source: format!("{} and {}", ledger.source, counter.source),
            summary: format!("{}; {}", ledger.summary, counter.summary),
            agrees: ledger.agrees && counter.agrees,
            ..ledger
        }),
        (ledger, counter) => ledger.or(counter),
    }
}
