//! What to send, to whom, how and until when; refused as a whole before anything is sent.

pub(crate) mod model;
pub(crate) mod validate;
