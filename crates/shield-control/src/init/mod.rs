//! `shield init`: looks at a directory and writes its first `shield.toml`.
//!
//! Cargo, FastAPI and Node projects get a file that ships as it is; any other directory gets a template that says
//! which blanks to fill. Every guess is explained in a sentence, because a wrong guess that nobody sees costs more than none.
//! Nothing of the project is run, nothing but `shield.toml` is written, and one that exists is replaced only on request.

mod cargo;
mod guess;
mod listen;
mod name;
mod node;
mod other;
mod python;
mod ready;
mod render;
mod sources;
mod surroundings;
#[cfg(test)]
mod tests;
mod write;

pub use guess::{Guess, ProjectKind, inspect};
pub use write::{Existing, WriteManifestError, Written, write};
