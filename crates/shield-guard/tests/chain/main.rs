//! The whole check of a request, over the public interface alone, as a backend uses it.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

mod allocations;
mod asvs;
mod failures;
mod fixture;
mod limits;
mod properties;
mod table;
