//! What other scanners say, joined with our own findings: one defect, once, with who saw it.
//!
//! [`tools`] is a table: how each scanner is run, what its exit codes mean, and how its output is read. [`Runner`] runs those
//! that are installed; one that is missing, not allowed, fails, takes too long or writes nonsense says so in its [`Ran`], none
//! is skipped in silence. [`Tool::read`] and [`read_sarif`] also take outputs that were made elsewhere. [`consolidate`] joins
//! all: by the rule and the place, by the weakness and the place, a secret by its place, an advisory by any of its names.
//!
//! Running a scanner is a trust in it and in the audited tree: some execute what the tree says (build scripts, plugins), and
//! some ask the network. Both are refused unless [`Allowed`] says otherwise, and so is a program that lies in the tree itself.
//! Values of secrets that scanners print are not taken over.

mod consolidate;
mod elsewhere;
mod heard;
mod observation;
mod read;
mod rules;
mod run;
mod tools;
mod wanted;

pub(crate) use elsewhere::come_home;
pub(crate) use rules::{findings, plain};

pub use consolidate::{Consolidated, Defect, Sighting, Sources, Theirs, consolidate};
pub use heard::{Heard, hear};
pub use observation::{About, Observation, Output};
pub use read::{ReadOutputError, read_sarif};
pub use run::{Allowed, Outcome, ParsePermissionError, Permission, Ran, Runner};
pub use tools::{Tool, tools};
pub use wanted::{Import, Others, ParseWantedError, Wanted};
