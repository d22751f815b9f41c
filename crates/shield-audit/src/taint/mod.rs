//! What strangers send, followed to where it does harm.
//!
//! The functions of files that name a web framework (Flask, FastAPI, Starlette, Django) are followed statement by statement.
//! Values are known as far as they can be: constants are folded, so that a branch nobody takes is not followed; dictionaries,
//! lists and stores of settings are known by key; what a check rules out is ruled out behind it. A call of a function of the
//! project is followed into that function, in whatever file it is; what it does to plain values is kept as a summary. What a
//! library does is in tables; through something unknown data goes on, and the finding says that it is less sure.
//!
//! It refuses to guess where data of strangers could be: class attributes that other requests set, databases, files and
//! queues are not followed. Work is bounded by the length of each file; what was not followed to its end is said.

mod attributes;
mod calls;
mod characters;
mod classes;
mod expressions;
mod find;
mod functions;
mod guards;
mod handlers;
mod instances;
mod interpreter;
mod items;
mod kinds;
mod lookup;
mod loops;
mod marks;
mod methods;
mod modelled;
pub(crate) mod models;
mod objects;
mod operators;
mod patterns;
mod project;
mod report;
mod rules;
mod run;
mod shells;
mod sinks;
mod sources;
mod state;
mod statements;
mod summaries;
mod tables;
mod targets;
mod texts;
mod value;

pub(crate) use find::follow_with;
pub use find::{Flows, SourceFile, Unfollowed, UnfollowedReason, follow};
pub use rules::all as rules;

#[cfg(test)]
mod tests;
