//! What `shield` measures of a backend, as its users see it. A program of its own: cargo runs one after the other, and a load generator
//! that a hundred other tests hold up measures nothing.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

mod benches;
#[path = "../black_box/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "most of it serves the other tests")]
mod support;
