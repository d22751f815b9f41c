//! Errors for people: the whole chain in one place, what to do next apart from it.

use std::{error::Error, fmt, iter};

/// An error with what the reader can do about it.
#[derive(Debug)]
pub struct Hinted<E> {
    /// What went wrong.
    pub error: E,
    /// A sentence in the imperative, without a final period.
    pub hint: String,
}

impl<E: Error> fmt::Display for Hinted<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, formatter)
    }
}

impl<E: Error + 'static> Error for Hinted<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// A failure as it is told: `error:`, one `caused by:` per cause, one `hint:` per hint, each ended by a newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What failed, as a sentence without a final period.
    pub error: String,
    /// Why, from the outermost cause to the innermost.
    pub causes: Vec<String>,
    /// What to do next.
    pub hints: Vec<String>,
}

// === impl Report ===

impl Report {
    /// The whole chain of `error`.
    pub fn of(error: &dyn Error, hints: &[String]) -> Self {
        Self { error: format!("failed to {error}"), causes: causes(error).collect(), hints: hints.to_vec() }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "error: {}", self.error)?;
        for cause in &self.causes {
            match cause.contains('\n') {
                true => writeln!(formatter, "  caused by:\n    {}", cause.replace('\n', "\n    "))?,
                false => writeln!(formatter, "  caused by: {cause}")?,
            }
        }
        self.hints.iter().try_for_each(|hint| writeln!(formatter, "  hint: {hint}"))
    }
}

/// Why `error` happened, from the outermost cause to the innermost, without `error` itself.
pub fn causes(error: &dyn Error) -> impl Iterator<Item = String> {
    iter::successors(error.source(), |cause| (*cause).source()).map(ToString::to_string)
}

/// `error` with all its causes in one line, for whom a message is all that arrives.
pub fn chain(error: &dyn Error) -> String {
    causes(error).fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ParseDurationError, parse_duration};

    #[derive(Debug, thiserror::Error)]
    #[error("read setting `drain`")]
    struct Outer {
        #[source]
        source: ParseDurationError,
    }

    #[test]
    fn prints_the_chain_and_hints() {
        let error = Outer { source: parse_duration("5").unwrap_err() };
        assert_eq!(
            Report::of(&error, &["write `drain = \"5s\"`".to_owned()]).to_string(),
            "error: failed to read setting `drain`\n  caused by: parse duration `5`: expected a whole number and a \
             unit, such as `500ms`, `10s`, `5m` or `1h`\n  hint: write `drain = \"5s\"`\n"
        );
    }

    #[test]
    fn chain_is_one_line() {
        let source = parse_duration("5").unwrap_err();
        assert_eq!(chain(&source), source.to_string());
        let all = format!("read setting `drain`: {source}");
        assert_eq!(chain(&Outer { source }), all);
    }

    #[test]
    fn aligns_a_cause_of_several_lines() {
        let report = Report {
            error: "failed to accept `f`".to_owned(),
            causes: vec!["f:1: odd\n    expected: even\nf:2: odd".to_owned()],
            hints: Vec::new(),
        };
        assert_eq!(
            report.to_string(),
            "error: failed to accept `f`\n  caused by:\n    f:1: odd\n        expected: even\n    f:2: odd\n"
        );
    }
}
