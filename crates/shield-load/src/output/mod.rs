//! How results are shown: to a browser, to a build server, to a person at a terminal, during a run and after it.

mod axis;
mod bench_page;
mod bench_plot;
mod bench_text;
mod escape;
pub(crate) mod figures;
mod html;
mod junit;
mod live;
mod plot;
mod plots;
#[cfg(test)]
pub(crate) mod sample;
mod table;
mod tables;
mod terminal;
mod text;
mod thin;
mod words;

pub use bench_page::bench_html;
pub use bench_text::bench_text;
pub use html::html;
pub use junit::junit;
pub use live::{LiveHeader, LiveView, SoFar, plain_line};
pub use text::{text, verdict_line};
pub use words::word as verdict_word;
