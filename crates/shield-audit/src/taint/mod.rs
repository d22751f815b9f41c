//! What strangers send, followed to where it does harm.
//!
//! The functions of files that have to do with a web framework (Flask, FastAPI, Starlette, Django and others), by themselves or through
//! what they import, are followed statement by statement.
//! Values are known as far as they can be: constants are folded, so that a branch nobody takes is not followed; dictionaries,
//! lists and stores of settings are known by key; what a check rules out is ruled out behind it. A call of a function of the
//! project is followed into that function, in whatever file it is; what it does to plain values is kept as a summary. What a
//! library does is in tables; through something unknown data goes on, and the finding says that it is less sure.
//!
//! What a function leaves in variables of the file, attributes or queues, any other may find there (`kept`). It refuses to guess
//! where data of strangers could be: databases, files and queues outside of the process are not followed. Work is bounded by the length of each file; what was not followed to its end is said.

mod allowed;
mod answers;
mod attributes;
mod callers;
mod calls;
mod characters;
mod classes;
mod decorators;
mod endings;
mod expressions;
mod fastapi;
mod find;
mod forms;
mod functions;
mod guards;
mod handed;
mod handlers;
mod importers;
mod instances;
mod interpreter;
mod items;
mod kept;
mod kinds;
mod library_targets;
mod lookup;
mod loops;
mod marks;
mod methods;
mod modelled;
pub(crate) mod models;
mod objects;
mod operators;
mod patterns;
mod placement;
mod project;
mod registered;
mod report;
mod rules;
mod run;
mod sanitisers;
mod shells;
mod sinks;
mod sources;
mod state;
mod statements;
mod summaries;
mod tables;
mod targets;
mod texts;
mod typed_answers;
mod unfollowed;
mod value;
mod views;

pub(crate) use find::follow_with;
pub use find::{Flows, SourceFile, follow};
pub use rules::all as rules;
pub use unfollowed::{Limit, Unfollowed, UnfollowedReason};

#[cfg(test)]
mod answers_tests;
#[cfg(test)]
mod clearing_tests;
#[cfg(test)]
mod elsewhere_tests;
#[cfg(test)]
mod forms_tests;
#[cfg(test)]
mod frameworks_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod web_tests;
