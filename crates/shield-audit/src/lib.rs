//! Audits a project: its code, what it depends on, its secrets and its packaging.
//!
//! One audit reads a tree once ([`finding`] is what it says). What it could not read is part of its answer, never silently left
//! out; the same tree gives the same bytes, whatever the number of threads.
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a panic is a test's failure"))]

pub mod advisories;
pub mod audit;
pub mod baseline;
pub mod cache;
pub mod configuration;
pub mod custom;
pub mod dependencies;
pub mod finding;
pub mod foreign;
mod git;
pub mod imports;
pub mod languages;
pub mod notebook;
pub mod python;
pub mod reachability;
pub mod remedy;
pub mod replay;
pub mod report;
pub mod secrets;
pub mod taint;
mod templates;
pub mod tree;
