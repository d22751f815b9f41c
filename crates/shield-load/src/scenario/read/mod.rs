//! From the text of a load file to [`LoadFile`](crate::LoadFile): every mistake at once, each with its line.

mod answer;
mod auth;
mod csv;
mod document;
mod feeds;
mod json;
mod limits;
mod names;
mod places;
mod request;
mod rows;
mod scenarios;
mod step;
mod target;
#[cfg(test)]
mod tests;
mod thresholds;
mod traffic;

pub use document::read_load_file;
