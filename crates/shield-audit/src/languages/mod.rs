//! JavaScript and TypeScript, Go, Rust: rules over the syntax trees of tree-sitter.
//!
//! Names are followed through imports, aliases and constants of one file; texts are put together from literals, constants,
//! concatenations and templates. That is enough to tell `require('child_process').exec('ls')` from one that runs what a variable
//! holds; it is no data flow across functions. Files without any word of a rule are not parsed, and neither are minified ones,
//! which are named. Trees are walked with a cursor and every way through names and values has its steps counted, so that no
//! file, however deep, costs more than its length. What is found in tests is kept, as good to know.

mod address;
mod answer;
mod audit;
mod call;
mod check;
mod fold;
mod go;
mod guard;
mod javascript;
mod language;
mod list;
mod names;
mod page;
mod rust;
mod scan;
mod secret;
mod source;
mod third_party;
mod trojan;
pub mod unruled;

#[cfg(test)]
mod tests;

pub use audit::Audit;
pub use language::Language;
pub(crate) use source::parse;
