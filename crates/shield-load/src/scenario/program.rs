//! A workload as the engine runs it: all steps in one list, scenarios as ranges of it.

use std::ops::Range;

use fastrand::Rng;
use http::Method;

use crate::scenario::model::{Action, Check, Feed, Place, Refresh, Step, Workload};

/// What virtual users run.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) steps: Vec<ProgramStep>,
    pub(crate) scenarios: Vec<ProgramScenario>,
    pub(crate) feeds: Vec<Feed>,
    pub(crate) variables: usize,
    pub(crate) id_prefix: String,
    weights: u64,
}

/// A step, and what the engine must know before it has its answer.
#[derive(Debug)]
pub(crate) struct ProgramStep {
    pub(crate) step: Step,
    /// Name of its scenario.
    pub(crate) scenario: String,
    /// What of the answer is looked at later.
    pub(crate) keep: Keep,
    /// Its answer has no body, whatever length it tells.
    pub(crate) bodiless: bool,
    /// Its first check, in the numbering of all checks.
    pub(crate) first_check: usize,
}

/// Parts of an answer that are kept until it was judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keep {
    pub(crate) body: bool,
    pub(crate) headers: bool,
}

/// A scenario.
#[derive(Debug)]
pub(crate) struct ProgramScenario {
    weight: u32,
    pub(crate) setup: Range<usize>,
    pub(crate) refresh: Range<usize>,
    pub(crate) renewal: Option<Refresh>,
    pub(crate) steps: Range<usize>,
}

// === impl Program ===

impl Program {
    pub(crate) fn new(workload: &Workload) -> Self {
        let mut program = Self {
            steps: Vec::new(),
            scenarios: Vec::new(),
            feeds: workload.feeds.clone(),
            variables: workload.variables.len(),
            id_prefix: workload.id_prefix.clone(),
            weights: workload.scenarios.iter().map(|scenario| u64::from(scenario.weight)).sum(),
        };
        for scenario in &workload.scenarios {
            let renewing = scenario.refresh.as_ref().map_or(&[][..], |refresh| &refresh.steps);
            let ranges = [&scenario.setup[..], renewing, &scenario.steps]
                .map(|steps| program.append(&scenario.name, steps));
            let [setup, refresh, steps] = ranges;
            let renewal = scenario.refresh.clone();
            program.scenarios.push(ProgramScenario {
                weight: scenario.weight,
                setup,
                refresh,
                renewal,
                steps,
            });
        }
        program
    }

    fn append(&mut self, scenario: &str, steps: &[Step]) -> Range<usize> {
        let first = self.steps.len();
        for step in steps {
            let first_check = self.checks().count();
            let bodiless = matches!(&step.action, Action::Http(request) if request.method == Method::HEAD);
            let (keep, step, scenario) = (Keep::of(step), step.clone(), scenario.to_owned());
            self.steps.push(ProgramStep { step, scenario, keep, bodiless, first_check });
        }
        first..self.steps.len()
    }

    /// All checks with their step, in the order of their numbers.
    pub(crate) fn checks(&self) -> impl Iterator<Item = (&Step, &Check)> {
        self.steps.iter().flat_map(|step| step.step.checks.iter().map(|check| (&step.step, check)))
    }

    /// One scenario, by weight.
    pub(crate) fn draw(&self, random: &mut Rng) -> usize {
        if self.scenarios.len() == 1 {
            return 0;
        }
        let mut left = random.u64(..self.weights);
        let drawn = self.scenarios.iter().position(|scenario| {
            let weight = u64::from(scenario.weight);
            let hit = left < weight;
            left = left.saturating_sub(weight);
            hit
        });
        drawn.expect("what is drawn is less than the sum of all weights")
    }
}

// === impl Keep ===

impl Keep {
    pub(crate) fn of(step: &Step) -> Self {
        let places = || {
            let checked = step.checks.iter().map(|check| &check.place);
            checked.chain(step.extract.iter().map(|extract| &extract.place))
        };
        Self {
            body: places().any(|place| matches!(place, Place::Pointer(_) | Place::Body)),
            headers: places().any(|place| matches!(place, Place::Header(_))),
        }
    }
}
