//! A URL ready to be judged: how it was written, what a browser makes of it, and its normal form.
//!
//! Normalisation: `https://` when the scheme is missing, WHATWG parsing (lower-case host, default port dropped, `.`
//! and `..` resolved), path and query kept, fragment dropped. The original text is kept beside it.

use thiserror::Error;
use url::Url;

use super::{host::Host, spelling::Spelling};

/// Longest accepted URL in characters.
pub const URL_LENGTH_MAX: usize = 2048;

/// A parsed URL with its original text.
#[derive(Debug, Clone)]
pub struct Target {
    /// The text as it came in.
    pub original: String,
    /// The parts as they were written.
    pub spelling: Spelling,
    /// The parts as a browser understands them, without the fragment.
    pub url: Url,
    /// Where it points.
    pub host: Host,
}

/// Why a text cannot be judged as a URL.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Nothing but whitespace.
    #[error("the URL is empty")]
    Empty,
    /// More than [`URL_LENGTH_MAX`] characters.
    #[error("the URL has {length} characters, at most {URL_LENGTH_MAX} are accepted")]
    TooLong {
        /// Its length in characters.
        length: usize,
    },
    /// No browser would open it.
    #[error("`{shown}` is not a URL that a browser would open: {reason}")]
    Unparsable {
        /// The text, made printable.
        shown: String,
        /// The parser's words.
        reason: url::ParseError,
    },
}

// === impl Target ===

impl Target {
    /// Parses what a person or a program submitted.
    ///
    /// # Errors
    /// When the text is empty, too long, or not a URL even by a browser's generous rules.
    pub fn parse(original: &str) -> Result<Self, TargetError> {
        let length = original.chars().count();
        if length > URL_LENGTH_MAX {
            return Err(TargetError::TooLong { length });
        }
        if original.chars().all(|character| character <= ' ') {
            return Err(TargetError::Empty);
        }
        let spelling = Spelling::of(original);
        let mut url = Url::parse(&spelling.text)
            .map_err(|reason| TargetError::Unparsable { shown: super::shown::shown(original), reason })?;
        url.set_fragment(None);
        Ok(Self { original: original.to_owned(), host: Host::of(&url), spelling, url })
    }

    /// The normal form: what two spellings of the same URL share.
    pub fn normalized(&self) -> &str {
        self.url.as_str()
    }

    /// Whether the scheme is `http` or `https`.
    pub fn web(&self) -> bool {
        matches!(self.url.scheme(), "http" | "https")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_like_the_original() {
        for (text, expected) in [
            ("Example.COM/Path?Q=1#frag", "https://example.com/Path?Q=1"),
            ("HTTP://EXAMPLE.com:80", "http://example.com/"),
            ("//example.com/a/../b", "https://example.com/b"),
            ("  https://example.com/\n", "https://example.com/"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
            ("bücher.de", "https://xn--bcher-kva.de/"),
        ] {
            assert_eq!(Target::parse(text).unwrap().normalized(), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_browsers_refuse() {
        for text in
            ["", " \n", "https://", "http://a b/", "http://1.2.3.4.5/", "http://[::1", "https://x:99999/"]
        {
            assert!(Target::parse(text).is_err(), "{text:?}");
        }
        assert!(matches!(Target::parse(&"a".repeat(2049)), Err(TargetError::TooLong { length: 2049 })));
    }
}
