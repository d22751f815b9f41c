//! One page that shows a report to a browser, and needs nothing else.

mod findings;
mod funnel;
mod page;
mod replay;
mod surroundings;
mod table;

pub use page::html;
pub use replay::replay;
