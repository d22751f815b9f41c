//! Tests of the whole edge, over real sockets, with backends that can hang, lie and die.

mod answers;
mod backend;
mod harness;
mod hygiene;
mod retry;
mod sockets;
mod swap;
mod tls;
mod watch;
