//! The reasons behind an error, for the log and for people. Answers to clients never hold them.

use std::{error::Error, iter};

/// What stands behind `error`, outermost first. Some libraries print their source as well; it is not repeated.
pub fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for cause in iter::successors(error.source(), |&cause| cause.source()) {
        let text = cause.to_string();
        if !texts.last().is_some_and(|outer| outer.ends_with(&text)) {
            texts.push(text);
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use std::io;

    use thiserror::Error;

    use super::*;

    #[derive(Debug, Error)]
    #[error("middle: {source}")]
    struct Talkative {
        #[source]
        source: io::Error,
    }

    #[derive(Debug, Error)]
    #[error("outer")]
    struct Outer {
        #[source]
        source: Talkative,
    }

    #[test]
    fn printed_source_is_not_repeated() {
        let source = Talkative { source: io::Error::other("inner") };
        assert_eq!(causes(&Outer { source }), ["middle: inner"]);
    }
}
