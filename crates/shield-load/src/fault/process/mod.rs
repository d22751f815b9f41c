//! Faults of processes and of the machine they run on.

pub(crate) mod clock;
pub(crate) mod descriptors;
pub(crate) mod disk;
pub(crate) mod finder;
pub(crate) mod identity;
pub(crate) mod procfs;
pub(crate) mod signals;
pub(crate) mod stress;
