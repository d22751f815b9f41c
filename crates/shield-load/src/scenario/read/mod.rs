//! From the text of a load file to [`LoadFile`](crate::LoadFile): every mistake at once, each with its line.

mod answer;
mod auth;
mod counter;
mod csv;
mod document;
mod faults;
mod feeds;
mod json;
mod limits;
mod machine_faults;
mod names;
mod network_faults;
mod places;
mod process_faults;
mod request;
mod rows;
mod scenarios;
mod step;
mod target;
#[cfg(test)]
mod tests;
mod thresholds;
mod traffic;

pub use document::{read_load_file, read_load_file_with};
