//! What to send, to whom, how and until when; refused as a whole before anything is sent.

pub(crate) mod model;
pub(crate) mod share;
pub(crate) mod validate;
