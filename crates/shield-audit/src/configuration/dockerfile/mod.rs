//! How an image is built: Dockerfiles, Containerfiles.

mod catalogue;
mod image;
mod parse;
mod rules;
#[cfg(test)]
mod tests;

pub(super) use image::{Pinning, pinning};
pub(in crate::configuration) use rules::look;
