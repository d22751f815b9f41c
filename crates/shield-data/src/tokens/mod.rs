//! What tokens need to be remembered: the keys that sign them, sealed, and families of refresh tokens.

mod keys;
mod refresh;

pub use keys::SqlKeys;
pub use refresh::SqlRefreshFamilies;
