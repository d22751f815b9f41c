//! Errors for people: the whole chain in one place, what to do next apart from it.

use std::{error::Error, fmt};

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

/// `error:`, one `caused by:` per source, one `hint:` per hint; each on a line of its own, ended by a newline.
pub fn render_error(error: &dyn Error, hints: &[String]) -> String {
    let mut text = format!("error: failed to {error}\n");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!("  caused by: {cause}\n"));
        source = cause.source();
    }
    for hint in hints {
        text.push_str(&format!("  hint: {hint}\n"));
    }
    text
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
            render_error(&error, &["write `drain = \"5s\"`".to_owned()]),
            "error: failed to read setting `drain`\n  caused by: parse duration `5`: expected a whole number and a \
             unit, such as `500ms`, `10s`, `5m` or `1h`\n  hint: write `drain = \"5s\"`\n"
        );
    }
}
