//! Literal passwords and keys behind a name that says so.

mod connection;
mod cursor;
mod docstring;
mod fallback;
mod literal;
mod name;
mod place;
mod words;

pub(super) use connection::password_in_connection;
pub(super) use docstring::docstrings;
pub(super) use literal::{Quoting, literal_behind};
pub(super) use name::{Claim, claim, name_around, repeats_name};
pub(super) use place::{Place, Reading};
