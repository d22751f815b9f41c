//! SARIF 2.1.0.

mod log;
mod result;
mod tool;

pub use log::sarif;
