//! The edge process, as the control plane keeps it: running, configured, routed by the newest table.
//!
//! The control plane binds the listening sockets and keeps its copies, so an edge may die, or be replaced by a newer one,
//! without a refused connection. One task owns all of it; the rest of the control plane says which table and which
//! configuration it wants (watch channels: the newest value counts) and reads what the edge knows.

mod found;
mod manager;
mod process;
mod sockets;
mod view;

pub(crate) use found::{FoundEdges, ReadyEdges};
pub(crate) use manager::{EdgeManager, EdgeSetup};
pub(crate) use process::EDGE_NAME;
pub(crate) use sockets::Sockets;
pub(crate) use view::{EdgeNews, EdgeOrders, EdgeView};
