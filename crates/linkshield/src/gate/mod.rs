//! What happens to a request before its handler: who it comes from and who it speaks for.

mod authenticate;
mod principal;

pub(crate) use authenticate::session_cookie;
pub use principal::{
    Admin, Authenticated, ClientAddress, Holder, LoggedIn, MaybeAuthenticated, Peer, Principal,
};
