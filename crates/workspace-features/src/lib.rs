//! Makes both programs use the same features of the crates they share.
//!
//! `cargo run` compiles `shield`; its build stage then compiles `linkshield`. Cargo decides features per selection, so a crate that
//! one program needs with more features would be compiled a second time. Both import this crate, which asks for the union.
