//! One value on its way from the document to the resolved settings.

use super::{
    mistake::Mistake,
    reader::{Place, Reader},
};

/// What a getter found under one key.
///
/// Absent values become defaults or mistakes; wrong values are already recorded and stay wrong through every further
/// step, so that one slip gives one mistake.
#[must_use]
pub struct Setting<'r, T> {
    pub(crate) reader: &'r Reader<'r>,
    pub(crate) place: Place,
    pub(crate) accepted: String,
    pub(crate) state: State<T>,
}

#[derive(Debug)]
pub(crate) enum State<T> {
    /// The key is not there.
    Absent,
    /// A good value, written or a default.
    Good(T),
    /// A mistake was recorded.
    Wrong,
}

/// Why a well-formed value is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong, as a fragment.
    pub problem: String,
    /// What would be accepted, as a fragment; empty when `problem` says it all.
    pub accepted: String,
}

// === impl Refusal ===

impl Refusal {
    /// A refusal that says what would be accepted.
    pub fn new(problem: impl Into<String>, accepted: impl Into<String>) -> Self {
        Self { problem: problem.into(), accepted: accepted.into() }
    }
}

// === impl Setting ===

impl<'r, T> Setting<'r, T> {
    fn with<U>(self, state: State<U>) -> Setting<'r, U> {
        Setting { reader: self.reader, place: self.place, accepted: self.accepted, state }
    }

    /// `default` when the key is absent.
    pub fn or(mut self, default: T) -> Self {
        if let State::Absent = self.state {
            self.state = State::Good(default);
        }
        self
    }

    /// A mistake when the key is absent.
    pub fn required(mut self) -> Self {
        if let State::Absent = self.state {
            self.reader.record_missing(&self.place, &self.accepted);
            self.state = State::Wrong;
        }
        self
    }

    /// `None` when the key is absent; for settings whose absence means something of its own.
    pub fn optional(self) -> Setting<'r, Option<T>> {
        let Self { reader, place, accepted, state } = self;
        let state = match state {
            State::Absent => State::Good(None),
            State::Good(value) => State::Good(Some(value)),
            State::Wrong => State::Wrong,
        };
        Setting { reader, place, accepted, state }
    }

    /// Turns the value into another one; a refusal becomes a mistake under this key.
    pub fn and_then<U>(mut self, convert: impl FnOnce(T) -> Result<U, Refusal>) -> Setting<'r, U> {
        let state = match std::mem::replace(&mut self.state, State::Wrong) {
            State::Absent => State::Absent,
            State::Wrong => State::Wrong,
            State::Good(value) => match convert(value) {
                Ok(converted) => State::Good(converted),
                Err(refusal) => {
                    self.mistaken(refusal);
                    State::Wrong
                }
            },
        };
        self.with(state)
    }

    /// Mistakes about a value that `secret` recognises do not show it.
    pub fn hidden_if(mut self, secret: impl FnOnce(&T) -> bool) -> Self {
        if let State::Good(value) = &self.state
            && secret(value)
        {
            self.place.value = None;
        }
        self
    }

    /// Records a mistake about this key, for checks that look at several settings.
    pub fn mistaken(&self, refusal: Refusal) {
        self.reader.record(Mistake {
            line: self.place.line,
            column: self.place.column,
            key: self.place.key.clone(),
            value: self.place.value.clone(),
            problem: refusal.problem,
            accepted: refusal.accepted,
            suggestion: None,
        });
    }

    /// The value, unless it is absent or wrong.
    pub fn value(&self) -> Option<&T> {
        match &self.state {
            State::Good(value) => Some(value),
            State::Absent | State::Wrong => None,
        }
    }

    /// The value, unless it is absent or wrong.
    pub fn take(self) -> Option<T> {
        match self.state {
            State::Good(value) => Some(value),
            State::Absent | State::Wrong => None,
        }
    }
}
