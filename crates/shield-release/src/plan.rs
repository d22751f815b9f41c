//! Planning: everything a release will do, decided before anything happens.
//!
//! A plan is immutable and has no choices left in it: which instances start, what is routed, what is stopped, how long
//! each wait may last. It names the generation it was made against; the environment refuses a plan made for another.

use serde::{Deserialize, Serialize};
use shield_types::{Generation, InstanceId, ReleaseId};

use crate::{Environment, ReleaseSpec};

/// The steps of one blue-green release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Newest table when the plan was made.
    pub base: Generation,
    /// What is released.
    pub release: ReleaseSpec,
    /// The release that carries the traffic now, and takes it back if this one fails.
    pub previous: Option<ReleaseId>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// What takes it back, from wherever it stands.
    pub undo: Vec<Step>,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// Start the instances and wait until all are healthy.
    Start {
        /// The first process of each slot.
        instances: Vec<InstanceId>,
    },
    /// Give the release all new requests in one swap; the previous one stays warm.
    Promote {
        /// Who gets the traffic.
        release: ReleaseId,
    },
    /// Judge the release while the previous one stays warm.
    Watch {
        /// Who is judged.
        release: ReleaseId,
    },
    /// Take a release out of the table, let its requests finish, stop its instances.
    Retire {
        /// Who is stopped.
        release: ReleaseId,
    },
}

/// Why no plan can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "refusal", rename_all = "kebab-case")]
pub enum PlanRefusal {
    /// One release per environment at a time.
    #[error("plan release `{wanted}`: `{underway}`, requested by {holder}, is under way")]
    ReleaseUnderWay {
        /// What was asked for.
        wanted: ReleaseId,
        /// What is running.
        underway: ReleaseId,
        /// Who asked for that.
        holder: String,
    },
    /// Ids are never used twice.
    #[error("plan release `{wanted}`: release numbers up to {newest} are taken")]
    NumberTaken {
        /// What was asked for.
        wanted: ReleaseId,
        /// The newest number.
        newest: u64,
    },
    /// The environment was taken down.
    #[error("plan release `{wanted}`: the environment is down")]
    Down {
        /// What was asked for.
        wanted: ReleaseId,
    },
}

/// Plans the blue-green release of `target` into `current`.
pub fn plan(current: &Environment, target: ReleaseSpec) -> Result<Plan, PlanRefusal> {
    let wanted = target.id.clone();
    if let Some(underway) = current.underway() {
        let holder = underway.release().requested_by.clone();
        return Err(PlanRefusal::ReleaseUnderWay { wanted, underway: underway.release().id.clone(), holder });
    }
    if target.number <= current.newest_number() {
        return Err(PlanRefusal::NumberTaken { wanted, newest: current.newest_number() });
    }
    if !current.serving() {
        return Err(PlanRefusal::Down { wanted });
    }
    let previous = current.live().cloned();
    let mut steps = vec![
        Step::Start { instances: target.first_instances() },
        Step::Promote { release: wanted.clone() },
        Step::Watch { release: wanted.clone() },
    ];
    steps.extend(previous.clone().map(|release| Step::Retire { release }));
    Ok(Plan {
        base: current.generation(),
        release: target,
        previous,
        steps,
        undo: vec![Step::Retire { release: wanted }],
    })
}
