//! The audited tree: which files there are, whose they are, what is in them, and what was not read and why.
//!
//! [`Tree::walk`] lists a directory once, in the order of its paths; [`Tree::visit`] reads each wanted file once, on as many
//! threads as asked for, and hands it to whoever looks for something. What cannot be looked at becomes a [`Skipped`] with its
//! path and its reason, and changes nothing else. Hidden and ignored files belong to an audit; links are never followed, since
//! what they lead to inside the tree is read under its own name, and what lies outside is somebody else's: it is named.

mod origin;
mod regular;
mod settings;
mod skipped;
mod text;
mod tracked;
mod visit;
mod walk;

pub use origin::Origin;
pub use regular::{
    REGULAR_BYTES_MAX, directory_of, locate_in, read_regular, read_regular_text, read_text_in,
};
pub use settings::{Ignored, Settings};
pub use skipped::{Reason, Skipped};
pub use text::{Encoding, Text, decode};
pub use visit::Visited;
pub use walk::{Entry, Tree, WalkError};
