//! Drills: something is broken on purpose, to see whether what is promised about it is true.
//!
//! A drill is data ([`Drill`]): a hypothesis, a disturbance, how much users may suffer before it is broken off, and what must
//! be whole again by when. One engine runs any of them: it refuses where a drill was not allowed or would learn nothing,
//! measures the steady state with a load of its own, lets the guard break something on the load's clock, watches the control
//! plane's own view of production meanwhile, waits until everything is as before, judges, and signs what it found. Whatever
//! becomes of the process that drills, the guard undoes the fault within its lease; only a control plane that was killed
//! stays away then, and the edge and the instances serve on without it.
//!
//! What it refuses: an environment that `shield.toml` does not mark, and to call a drill held whose fault never happened.

mod catalogue;
mod course;
mod disk;
mod engine;
mod expectation;
mod judge;
mod model;
mod plan;
mod refusal;
mod report;
#[cfg(test)]
mod sample;
mod scene;
mod sightings;
mod statement;
mod traffic;
mod watcher;

pub use catalogue::{Surroundings, drill};
pub use engine::{DrillLock, DrillOrder, lock_for_drills, run_drill};
pub use model::{Disturbance, Drill, DrillName, FailuresAllowed, ParseDrillNameError};
pub use refusal::RunDrillError;
pub use report::{DrillCheck, DrillEvent, DrillOutcome, DrillReport, DrillTimes};
pub use scene::{demand_marked, demand_suitable};
