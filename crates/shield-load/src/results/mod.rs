//! What a run found, in the form that is stored, compared and shown.

pub(crate) mod model;
pub(crate) mod read;
