//! Literal passwords and keys behind a name that says so.

mod literal;
mod name;
mod place;

pub(super) use literal::{Quoting, literal_behind};
pub(super) use name::{Claim, claim, name_around, repeats_name};
pub(super) use place::{Place, Reading};
