//! What virtual users do: scenarios of steps, from TOML to a form that is cheap to run.

pub(crate) mod answer;
pub(crate) mod cookies;
pub(crate) mod faults;
pub(crate) mod file;
pub(crate) mod mix;
pub(crate) mod model;
pub(crate) mod program;
pub(crate) mod read;
pub(crate) mod serde_http;
pub(crate) mod template;
pub(crate) mod user;
