//! Which faults happen when: from a seeded plan to a schedule without choices.

pub(crate) mod effect;
pub(crate) mod model;
pub(crate) mod schedule;
