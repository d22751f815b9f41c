//! Replay of a foreign report: what became of every entry of a list of files that a search for words made.
//!
//! A [`Report`] is what that search said. A [`Survey`] looks at the files as they are today: which of the [`Accusation`]'s
//! patterns match, in what (a longer word, a comment, a text, a name), and what our rules find there. [`judge`] joins both: every
//! entry gets exactly one [`Verdict`] with a reason, so that the sums add up, and what the search missed is named. Nothing is
//! run, and no entry is taken on trust or left out: one that cannot be judged says so.

mod accusation;
mod judge;
mod look;
mod reading;
mod report;
mod standing;
mod survey;
mod verdict;

pub use accusation::{Accusation, Pattern};
pub use judge::judge;
pub use look::{Look, Match};
pub use reading::{Reading, Seen};
pub use report::{Claim, ReadReportError, Report, Status};
pub use standing::{Reachability, Standing};
pub use survey::{Root, Survey};
pub use verdict::{Count, Judged, JudgedClaim, Missed, Replay, Stage, Verdict};
