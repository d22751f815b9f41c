//! Passwords: what may be one, how one is kept, how one is checked.
//!
//! Kept as argon2id in a PHC string, at least as dear as ASVS 5.0 appendix C demands (11.4.2). Checked at the same
//! cost whether or not the account exists (6.3.8). Any characters, 8 to 128 of them, exactly as they came (6.2.1,
//! 6.2.5, 6.2.8, 6.2.9): the original demanded an upper-case letter, a lower-case one, a digit and a special
//! character, which ASVS forbids, since it makes `Password1!` good and a passphrase bad. Refused instead is what
//! attackers try first: common passwords (6.2.4), rows of a keyboard, the name of the service or of the person
//! (6.2.11), and what is in the operator's list of breached passwords (6.2.12). Nothing is looked up over a network.
//!
//! **Deployment.** Text is not normalised (6.2.8): `é` in one piece and in two are different passwords, as they are
//! everywhere else. One hashing takes 15 to 50 ms of a core and 19 MiB: run it behind [`HashingSlots`], never on a
//! thread that serves requests.

mod breach;
mod common;
mod cost;
mod hash;
mod hasher;
mod policy;
mod slots;

pub use breach::{
    BreachFilter, BreachedHash, BuildFilterError, OpenFilterError, ParseBreachedHashError, build_filter,
};
pub use cost::{CostError, HashingCost};
pub use hash::{ParsePasswordHashError, PasswordHash};
pub use hasher::{HashPasswordError, PASSWORD_BYTES_MAX, PasswordHasher, PasswordVerdict};
pub use policy::{
    PASSWORD_CHARACTERS_MAX, PASSWORD_CHARACTERS_MIN, PASSWORD_CHARACTERS_RECOMMENDED, PasswordPolicy,
    PasswordRefusal, PolicyError, words_of_email,
};
pub use slots::{Entry, Handover, HashingSlots, PerRank, Rank};
