//! The coverage statement: what was not read, and why.

use std::{fmt, io};

use serde::Serialize;

/// Something that was not looked at, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Skipped {
    /// The file or directory: relative to the audited directory, `/` between names; `.` is that directory itself.
    pub path: String,
    /// Why.
    pub reason: Reason,
}

/// Why something was not looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Reason {
    /// The settings say so.
    Excluded,
    /// A link that leads back to a directory it lies in, or round in a circle.
    LinkLoop,
    /// A link to nothing.
    LinkBroken,
    /// A link out of the audited directory.
    LinkOutside,
    /// The link of a virtual environment to the interpreter that it was made with: what runs the project, and no part of it.
    Interpreter,
    /// Neither a file nor a directory: a socket, a pipe, a device.
    NotRegular,
    /// The operating system refused.
    Unreadable {
        /// What it said.
        error: String,
    },
    /// Larger than the settings allow.
    TooLarge {
        /// The limit, in bytes.
        limit_bytes: u64,
    },
    /// Larger than the settings allow, and no text: it holds zero bytes where a text begins.
    LargeBinary {
        /// The limit, in bytes.
        limit_bytes: u64,
    },
    /// The text is not in the encoding it declares, UTF-8 if it declares none.
    Undecodable {
        /// That encoding.
        encoding: String,
        /// Where the first wrong byte is, counted from 0.
        offset_bytes: usize,
    },
    /// The text declares an encoding that is not supported here.
    UnsupportedEncoding {
        /// Its name as written.
        encoding: String,
    },
    /// A zero byte in a text: no interpreter runs it.
    ZeroByte {
        /// Where, counted from 0.
        offset_bytes: usize,
    },
    /// Code that a program packed for other programs: it runs, but nobody reads it.
    Minified {
        /// The longest line, in bytes.
        line_bytes: usize,
    },
    /// A rule of a rule file was not looked for to the end: there are too many ways for it to match.
    NotSearched {
        /// Its id.
        rule: String,
    },
    /// It does not parse. What could be made out around the place was looked at.
    SyntaxError {
        /// The first line that is wrong, from 1.
        line: u32,
        /// What is wrong there.
        message: String,
    },
}

// === impl Skipped ===

impl fmt::Display for Skipped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.reason)
    }
}

// === impl Reason ===

impl Reason {
    /// What the operating system said, as a reason.
    #[must_use]
    pub fn unreadable(error: &io::Error) -> Self {
        // The kind, not the text: that one differs between systems.
        Self::Unreadable { error: error.kind().to_string() }
    }

    /// Whether the audit is incomplete for it: what the settings leave out is no gap, and neither is what no part of it reads.
    #[must_use]
    pub const fn leaves_gap(&self) -> bool {
        !matches!(self, Self::Excluded | Self::Interpreter | Self::LargeBinary { .. })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Excluded => formatter.write_str("excluded by the settings"),
            Self::LinkLoop => formatter.write_str("a link that leads round in a circle"),
            Self::LinkBroken => formatter.write_str("a link to nothing"),
            Self::LinkOutside => formatter.write_str("a link out of the audited directory"),
            Self::Interpreter => formatter.write_str("the interpreter of a virtual environment"),
            Self::NotRegular => formatter.write_str("not a regular file"),
            Self::Unreadable { error } => write!(formatter, "not readable: {error}"),
            Self::TooLarge { limit_bytes } => write!(formatter, "larger than {limit_bytes} bytes"),
            Self::LargeBinary { limit_bytes } => {
                write!(formatter, "no text, and larger than {limit_bytes} bytes")
            }
            Self::Undecodable { encoding, offset_bytes } => {
                write!(formatter, "not {encoding} at byte {offset_bytes}")
            }
            Self::UnsupportedEncoding { encoding } => {
                write!(formatter, "declares the encoding `{encoding}`, which is not read here")
            }
            Self::ZeroByte { offset_bytes } => write!(formatter, "a zero byte at {offset_bytes}"),
            Self::Minified { line_bytes } => write!(formatter, "minified: a line has {line_bytes} bytes"),
            Self::NotSearched { rule } => {
                write!(formatter, "not searched to its end for `{rule}`: there are too many ways to match")
            }
            Self::SyntaxError { line, message } => write!(formatter, "line {line} does not parse: {message}"),
        }
    }
}
