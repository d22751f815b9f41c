//! Plans, the release state machine, health and the watch: decisions only.
//!
//! Nothing here reads a clock, opens a file or draws a random number; time comes in as an argument. The control plane
//! executes what this crate decides, the edge enforces it, and a simulation of both checks the invariants.
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a panic is a test's failure"))]

mod environment;
mod event;
mod health;
mod plan;
mod release;
mod table;
mod watch;

pub use environment::{Environment, Instance, InstancePhase, Position, ProcessRef, Remains, Rollout};
pub use event::{Effect, Event};
pub use health::{Health, HealthPolicy, HealthTracker};
pub use plan::{Plan, PlanRefusal, Step, plan};
pub use release::{FinishedRelease, ReleaseOutcome, ReleaseSpec, Timings};
pub use table::{Endpoint, InvalidTable, Pool, PoolRole, RouteTable, WatchOrder};
pub use watch::{Baseline, Outcome, ReturnReason, Watch};
