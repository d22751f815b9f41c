//! What virtual users do: scenarios of steps, from TOML to a form that is cheap to run.

pub(crate) mod model;
pub(crate) mod template;
