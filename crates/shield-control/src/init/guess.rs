//! What a directory looks like.

use std::path::Path;

use shield_types::ServiceName;

use super::{cargo, node, other, python, ready::ReadyGuess, surroundings::with_surroundings};

/// What kind of project a directory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectKind {
    /// A Rust package or workspace with a binary.
    Cargo,
    /// A FastAPI application.
    FastApi,
    /// A Node server.
    Node,
    /// Anything else.
    Other,
}

/// What `shield.toml` should say about a directory, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    /// What the directory holds.
    pub kind: ProjectKind,
    /// Name of the service.
    pub name: ServiceName,
    /// Start command; empty when it is a blank to fill.
    pub start: String,
    /// Environment variables, in the order they are written.
    pub env: Vec<(String, String)>,
    /// Build command, when one is needed.
    pub build: Option<String>,
    /// Artifact; empty when it is a blank to fill.
    pub artifact: String,
    /// What the artifact leaves out; empty for a file.
    pub exclude: Vec<String>,
    /// Test command, when the project has tests.
    pub test: Option<String>,
    /// Readiness path and the statuses that mean ready.
    pub ready: (String, String),
    /// Each guess in a sentence.
    pub sentences: Vec<String>,
}

/// Guesses what `shield.toml` should say about `directory`. What cannot be read there says nothing.
pub fn inspect(directory: &Path) -> Guess {
    let guess = cargo::inspect(directory)
        .or_else(|| python::inspect(directory))
        .or_else(|| node::inspect(directory))
        .or_else(|| python::inspect_sources(directory))
        .unwrap_or_else(|| other::inspect(directory));
    with_surroundings(directory, guess)
}

// === impl Guess ===

impl Guess {
    /// The keys that a person must fill in before the file is accepted.
    pub fn blanks(&self) -> Vec<&'static str> {
        let blanks = [("service.start", &self.start), ("stage.build.artifact", &self.artifact)];
        blanks.into_iter().filter(|(_, value)| value.is_empty()).map(|(key, _)| key).collect()
    }

    pub(crate) fn with_ready(mut self, guess: ReadyGuess) -> Self {
        self.sentences.push(guess.sentence);
        self.ready = (guess.path, guess.status);
        self
    }
}
