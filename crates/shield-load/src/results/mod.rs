//! What a run found, in the form that is stored, compared and shown.

pub(crate) mod abort;
pub(crate) mod contradiction;
pub(crate) mod model;
pub(crate) mod prometheus;
pub(crate) mod read;
pub(crate) mod thresholds;
