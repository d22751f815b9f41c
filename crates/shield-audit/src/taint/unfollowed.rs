//! What was not followed to its end, and why: nothing is left out silently.

use std::{collections::BTreeSet, fmt};

use ruff_text_size::TextRange;
use serde::Serialize;

use super::{
    marks::Site,
    project::Project,
    report::{at, shortened, snippet},
    run::CALLS_MAX,
};
use crate::tree::Reason;

/// Something that was not followed to its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unfollowed {
    /// The file.
    pub path: String,
    /// Why.
    pub reason: UnfollowedReason,
}

/// Why data was not followed to its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum UnfollowedReason {
    /// The file could not be parsed, or not whole.
    Unparsed {
        /// What is wrong with it.
        reason: Reason,
    },
    /// There are more ways through its functions than the limit for a file of its length.
    TooManyWays {
        /// The function that was being followed.
        function: String,
        /// Where it begins.
        line: u32,
    },
    /// What its functions leave for each other goes through more places than the limit, or more is left in one place.
    TooManyRounds,
    /// Something in it was not followed because of a limit.
    Limited {
        /// What, as it is written.
        what: String,
        /// Its line.
        line: u32,
        /// Which limit.
        limit: Limit,
    },
}

/// Limits of how far data is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// How deep calls lie in each other.
    Depth,
    /// In how many ways one function is called.
    Looks,
    /// How many sources one value is made of.
    Sources,
}

/// A function whose file has more ways through it than can be followed.
pub(super) fn too_many_ways(
    project: &Project<'_>,
    file: u32,
    function: &str,
    range: TextRange,
) -> Unfollowed {
    let place = at(project, Site::new(file, range));
    let line = place.span.map_or(0, |span| span.line);
    Unfollowed {
        path: place.file,
        reason: UnfollowedReason::TooManyWays { function: function.to_owned(), line },
    }
}

/// A file that would have to be followed again because of what was left for its functions.
pub(super) fn too_many_rounds(project: &Project<'_>, file: u32) -> Unfollowed {
    Unfollowed { path: project.file(file).path.to_owned(), reason: UnfollowedReason::TooManyRounds }
}

/// What limits cut off.
pub(super) fn limited<'s>(
    project: &'s Project<'_>,
    stopped: &'s BTreeSet<(Site, Limit)>,
) -> impl Iterator<Item = Unfollowed> + 's {
    stopped.iter().map(|(site, limit)| {
        let place = at(project, *site);
        let line = place.span.map_or(0, |span| span.line);
        let what = shortened(snippet(project, *site));
        Unfollowed { path: place.file, reason: UnfollowedReason::Limited { what, line, limit: *limit } }
    })
}

// === impl Unfollowed ===

impl fmt::Display for Unfollowed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.reason)
    }
}

impl fmt::Display for UnfollowedReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unparsed { reason } => write!(formatter, "{reason}"),
            Self::TooManyWays { function, line } => write!(
                formatter,
                "there are more ways through `{function}` (line {line}), or through what comes before it, than the limit for the file's \
                 length: it and what follows it were not followed to their end"
            ),
            Self::TooManyRounds => formatter.write_str(
                "what functions leave for each other in variables and attributes goes on through more of them than the limit, or more is \
                 left in one: it was not followed to its end",
            ),
            Self::Limited { what, line, limit } => {
                write!(formatter, "`{what}` (line {line}) is not followed: {limit}")
            }
        }
    }
}

// === impl Limit ===

impl fmt::Display for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Depth => write!(formatter, "it lies more than {CALLS_MAX} calls deep"),
            Self::Looks => formatter.write_str("the function is called in more ways than the limit"),
            Self::Sources => formatter.write_str("it is made of more of strangers' data than the limit"),
        }
    }
}
