//! How values look.

mod example;
mod value;
mod words;

pub(super) use example::published as is_published;
pub(super) use value::{
    LENGTH_MAX, Look, entropy, holds_placeholder, is_made_up, is_typed_token, look, refers,
};
