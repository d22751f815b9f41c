//! A statistical verdict between two variants, from runs that take turns.

pub(crate) mod analyse;
pub(crate) mod block;
pub(crate) mod pauses;
pub(crate) mod record;
pub(crate) mod settings;
pub(crate) mod statistics;
pub(crate) mod text;
pub(crate) mod verdict;

#[cfg(test)]
mod tests;
