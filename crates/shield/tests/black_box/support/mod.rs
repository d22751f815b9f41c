//! What the tests share.

pub(crate) mod client;
mod leftovers;
mod project;
mod run;
mod text;

pub(crate) use client::Traffic;
pub(crate) use project::{LIMIT, Project};
pub(crate) use run::{Run, Running};
pub(crate) use text::same;
