//! Things that break on purpose.

pub(crate) mod proxy;
