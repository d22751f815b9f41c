//! HTTP/2, written for load: many streams on one connection, each request put on the wire at most once.

mod answer;
mod block;
mod client;
mod codec;
mod connection;
mod driver;
mod exchange;
mod huffman;
mod incoming;
mod outgoing;
mod sending;
mod streams;
mod table;
#[cfg(test)]
mod tests;
mod wakers;

pub(crate) use block::{RequestLine, write_field, write_request_line};
pub(crate) use client::{Http2Client, SharedConnection};
