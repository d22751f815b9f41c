//! Other load tools: k6, Artillery and Locust run scripts of their own, and what they report comes into our form.
//!
//! What a tool does not report is not made up: it is absent, and where the form knows no absence, it is 0 and a warning says
//! so. None of the three times a request from the moment it was due, so `latency` is always absent and `service` is what they
//! measure. Each other warning names what was measured about the tool, and appears only in runs that it is true of.

pub(crate) mod artillery;
pub(crate) mod artillery_script;
pub(crate) mod context;
pub(crate) mod error;
pub(crate) mod k6;
pub(crate) mod k6_line;
pub(crate) mod k6_samples;
pub(crate) mod launch;
pub(crate) mod locust;
pub(crate) mod process;
pub(crate) mod run;
pub(crate) mod tool;
pub(crate) mod warnings;
