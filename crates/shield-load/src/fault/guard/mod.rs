//! Who carries faults out and undoes them, whatever happens to whom.

pub(crate) mod armed;
pub(crate) mod carry;
pub(crate) mod journal;
pub(crate) mod leftovers;
pub(crate) mod life;
pub(crate) mod lines;
pub(crate) mod messages;
pub(crate) mod network;
pub(crate) mod role;
pub(crate) mod undo;
