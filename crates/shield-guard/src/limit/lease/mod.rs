//! Limits over all nodes: tokens lent by a shared store.

mod bucket;
mod store;
mod table;
#[cfg(test)]
mod tests;

pub use store::{LeaseAnswer, LeaseRequest, LeaseStore};
pub use table::{
    Cluster, LeaseDecision, LeaseDemand, LeaseRefusal, LeaseSettings, LeaseTable, Sharing, StoreState,
};
