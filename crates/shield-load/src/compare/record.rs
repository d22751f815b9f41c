//! Lets two variants take turns under load, and records it in blocks.
//!
//! Both runs are begun once and held at a gate in between, so their connections stay warm. A slice is counted after a time to
//! settle; what is under way at its end is waited for and belongs to it, so that nothing slow gets lost between slices. Where
//! most of that takes longer than another slice, the variant stood still, and the time is charged to it.

use std::time::Duration;

use fastrand::Rng;
use thiserror::Error;
use tokio::time::{Instant, sleep};

use crate::compare::analyse::analyse;
use crate::compare::block::{Block, Counted};
use crate::compare::pauses::StoodStill;
use crate::compare::settings::{BLOCKS_LEAST, CompareSettings, CompareSettingsError};
use crate::compare::verdict::{Comparison, Metric};
use crate::engine::handle::{LoadHandle, WaitForLoadError};
use crate::engine::run::start;
use crate::measure::counters::LoadCounters;
use crate::plan::model::{LoadPlan, Model, Stop};
use crate::plan::validate::{PHASE_MAX, StartLoadError};

/// Time that a held run gets to finish what is under way, beyond the timeout of its requests.
const DRAIN_GRACE: Duration = Duration::from_secs(2);

/// Length of the first slice of each variant, which tells how slow its answers are.
const FIRST_SLICE: Duration = Duration::from_millis(500);
/// The share of them that a slice must have room for several times.
const SLOW: f64 = 0.99;

/// Blocks, and whether they may be believed.
#[derive(Clone, Debug)]
pub struct Recording {
    /// In order.
    pub blocks: Vec<Block>,
    /// How they were recorded, and are to be analysed: slow answers get longer slices, and the open model, whose rate is given,
    /// has no throughput.
    pub settings: CompareSettings,
    /// Why the figures are about the generator; empty when they are not.
    pub invalid: Vec<String>,
}

/// The comparison could not be made.
#[derive(Debug, Error)]
pub enum CompareError {
    /// Its settings.
    #[error("follow the settings")]
    Settings(#[source] CompareSettingsError),
    /// The plans differ in what decides when requests are sent.
    #[error("compare a `{a}` model with a `{b}` one: their figures are of different things")]
    Models {
        /// Model of A.
        a: &'static str,
        /// Model of B.
        b: &'static str,
    },
    /// A rate that changes cannot take turns.
    #[error("compare at a schedule of `{phases}` phases: it takes one phase of an unchanging rate")]
    Schedule {
        /// How many.
        phases: usize,
    },
    /// A plan was refused.
    #[error("start the load of `{variant}`")]
    Start {
        /// A or B.
        variant: char,
        /// Why.
        #[source]
        source: StartLoadError,
    },
    /// A run did not finish its requests, or ended.
    #[error("let `{variant}` finish its slice")]
    Slice {
        /// A or B.
        variant: char,
        /// Why.
        #[source]
        source: WaitForLoadError,
    },
}

/// One side of the comparison under way.
struct Variant {
    name: char,
    load: LoadHandle,
    drain_limit: Duration,
}

/// Compares A with B under load until the blocks decide. Of the plans, the end and the length of the schedule are set here.
pub async fn compare(
    a: LoadPlan,
    b: LoadPlan,
    settings: &CompareSettings,
) -> Result<Comparison, CompareError> {
    let recording = record(a, b, settings).await?;
    let comparison = analyse(&recording.blocks, &recording.settings).map_err(CompareError::Settings)?;
    Ok(Comparison { invalid: recording.invalid, ..comparison })
}

/// The same without the verdict: records until the blocks decide, at most [`CompareSettings::blocks_max`].
pub async fn record(a: LoadPlan, b: LoadPlan, settings: &CompareSettings) -> Result<Recording, CompareError> {
    let settings = match a.model {
        Model::Closed => settings.clone(),
        Model::Open { .. } => without_throughput(settings),
    };
    settings.validate().map_err(CompareError::Settings)?;
    let (model_a, model_b) = (a.model.name(), b.model.name());
    if model_a != model_b {
        return Err(CompareError::Models { a: model_a, b: model_b });
    }
    let a = Variant::start('A', a)?;
    let b = Variant::start('B', b)?;
    let mut coins = Rng::with_seed(settings.seed);
    let mut settings = acquaint(&a, &b, &settings).await?;
    let began = Instant::now();
    let mut blocks = Vec::new();
    let mut looks = settings.looks().collect::<Vec<_>>().into_iter().peekable();
    while blocks.len() < settings.blocks_max
        && (began.elapsed() < settings.limit || blocks.len() < BLOCKS_LEAST)
    {
        blocks.push(block(&a, &b, &mut coins, &settings).await?);
        if looks.next_if_eq(&blocks.len()).is_some()
            && analyse(&blocks, &settings).map_err(CompareError::Settings)?.decided()
        {
            break;
        }
    }
    if began.elapsed() >= settings.limit {
        // As many as were allowed. Time does not know which side was which, so ending by it costs no confidence.
        settings.blocks_max = blocks.len();
        settings.blocks_min = settings.blocks_min.min(blocks.len());
    }
    let invalid = a.end().await.into_iter().chain(b.end().await).collect();
    Ok(Recording { blocks, settings, invalid })
}

/// Opens the connections and sees how slow the answers are. Nothing of it is counted.
async fn acquaint(
    a: &Variant,
    b: &Variant,
    settings: &CompareSettings,
) -> Result<CompareSettings, CompareError> {
    let long = CompareSettings { slice: settings.slice.max(FIRST_SLICE), ..settings.clone() };
    let mut slow = Duration::ZERO;
    for variant in [a, b] {
        let seen = variant.slice(&long).await?;
        slow = slow.max(seen.latency.quantile(SLOW).unwrap_or_default());
    }
    Ok(settings.for_answers_of(slow))
}

fn without_throughput(settings: &CompareSettings) -> CompareSettings {
    let metrics = settings.metrics.iter().copied().filter(|metric| *metric != Metric::Throughput);
    CompareSettings { metrics: metrics.collect(), ..settings.clone() }
}

/// Four slices in the order that a coin says.
async fn block(
    a: &Variant,
    b: &Variant,
    coins: &mut Rng,
    settings: &CompareSettings,
) -> Result<Block, CompareError> {
    let (mut of_a, mut of_b) = (Counted::default(), Counted::default());
    let a_outside = coins.bool();
    for outside in [true, false, false, true] {
        let (variant, counted) = if outside == a_outside { (a, &mut of_a) } else { (b, &mut of_b) };
        counted.add(&variant.slice(settings).await?);
    }
    Ok(Block { a: of_a.side(), b: of_b.side() })
}

fn ended(counters: &LoadCounters) -> u64 {
    counters.answered + counters.failed + counters.abandoned
}

// === impl Variant ===

impl Variant {
    /// Begins the run and holds it up at once.
    fn start(name: char, mut plan: LoadPlan) -> Result<Self, CompareError> {
        plan.stop = Stop::WhenTold;
        if let Model::Open { schedule, .. } = &mut plan.model {
            let phases = schedule.phases.len();
            let [phase] = &mut schedule.phases[..] else { return Err(CompareError::Schedule { phases }) };
            if phase.from_per_second != phase.to_per_second {
                return Err(CompareError::Schedule { phases });
            }
            // As long as may be: the run is stopped, not waited for.
            phase.duration = PHASE_MAX;
        }
        let drain_limit = plan.request_timeout + DRAIN_GRACE;
        let load = start(plan).map_err(|source| CompareError::Start { variant: name, source })?;
        load.pause();
        Ok(Self { name, load, drain_limit })
    }

    /// Runs alone for a slice.
    async fn slice(&self, settings: &CompareSettings) -> Result<Counted, CompareError> {
        self.load.resume();
        sleep(settings.settle).await;
        let (began, before, latency_before) = (Instant::now(), self.load.counters(), self.load.latency());
        sleep(settings.slice).await;
        let (length, after) = (began.elapsed(), self.load.counters());
        self.load.pause();
        let shut = Instant::now();
        // One slow answer among many holds up one client and is no pause: hence most of them.
        let few = self.under_way(&self.load.counters()) / 2;
        self.wait_until("most of what was under way done", |counters| self.under_way(counters) <= few)
            .await?;
        let waited = shut.elapsed();
        let nothing = |counters: &LoadCounters| self.load.waiting() == 0 && counters.begun == ended(counters);
        let drained = self.wait_until("nothing under way", nothing).await?;
        let still = match waited > settings.slice {
            true => StoodStill { times: 1, seconds: waited.as_secs_f64() },
            false => StoodStill::default(),
        };
        Ok(Counted {
            length,
            answered_in_time: after.answered - before.answered,
            failed: drained.failed - before.failed,
            latency: self.load.latency().since(&latency_before),
            still,
        })
    }

    /// Requests begun or due that have not ended.
    fn under_way(&self, counters: &LoadCounters) -> u64 {
        counters.begun.saturating_sub(ended(counters)) + self.load.waiting()
    }

    async fn wait_until(
        &self,
        what: &str,
        reached: impl Fn(&LoadCounters) -> bool,
    ) -> Result<LoadCounters, CompareError> {
        let waited = self.load.wait_until(what, self.drain_limit, reached).await;
        waited.map_err(|source| CompareError::Slice { variant: self.name, source })
    }

    /// What the run says about itself.
    async fn end(self) -> Vec<String> {
        self.load.stop();
        self.load.join().await.audit.invalid
    }
}
