//! The rules, one file per family. Each family is a function from a target to findings; none depends on another.

mod address;
mod brand;
mod characters;
mod credentials;
mod download;
mod encoding;
mod host_shape;
mod international;
mod port;
mod redirect;
mod registry;
mod scheme;
mod scripts;
mod threat_list;

pub(super) use redirect::follow_redirects;
pub(super) use registry::findings;
pub use registry::{all_rules, threat_list_version};
