//! Rules, models and changes that a project adds in TOML.
//!
//! A rule file says what its project does not want (`ban`, `pattern`), what its own functions do with strangers' data (`source`,
//! `sink`, `sanitizer`, `propagator`, `kind`) and what it thinks of a built-in rule (`change`). [`Rules::load`] reads all files or none:
//! every mistake of every file is told at once, and there is no audit with the rest of them. Rules carry examples of what they find
//! and of what they do not; one that its examples contradict is a mistake like any other, since a rule that finds nothing looks the
//! same as a clean project.
//!
//! Rules are about the project's own files. Names are looked up in tables and files are sorted out by words, so that a thousand rules
//! cost a file no more than ten; regular expressions and queries are bounded.

mod bans;
mod changes;
mod condition;
mod examples;
mod head;
mod intern;
mod known;
#[cfg(test)]
mod mistakes;
mod name;
mod naming;
mod paths;
mod patterns;
mod read;
mod rules;
#[cfg(test)]
mod taint_tests;
mod taints;
#[cfg(test)]
mod tests;
mod texts;
mod used;
mod words;

pub(crate) use bans::{Banned, Bans, Look};
pub(crate) use changes::apply;
pub use changes::{Becomes, Change};
pub(crate) use name::{Name, Names};
pub(crate) use naming::Naming;
pub(crate) use patterns::Patterns;
pub use rules::{File, LoadRulesError, RuleFile, Rules};
pub use used::{Used, UsedChange, UsedRule};
