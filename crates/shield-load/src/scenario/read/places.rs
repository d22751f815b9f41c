//! A text cut at its places: `{{name}}` and `{{raw name}}`.
//!
//! Two opening braces always begin a place, so that a typing error never reaches the target as text; two closing ones
//! without them are text, as JSON ends with them. The text `{{` itself can come from a feed, whose values are no templates.

use thiserror::Error;

/// A stretch of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    /// As it stands.
    Text(&'t str),
    /// A place.
    Place {
        /// What stands there.
        name: &'t str,
        form: Form,
    },
}

/// How a value is written into its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Made fit for where it goes.
    Escaped,
    /// As it is.
    Raw,
}

/// A text with a place that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum ParsePlacesError {
    #[error("`{{{{` at character {at} has no `}}}}`")]
    Unclosed {
        /// Position of the place, in characters from 1.
        at: usize,
    },
    #[error("`{{{{` at character {at} names nothing")]
    Nameless {
        /// Position of the place, in characters from 1.
        at: usize,
    },
}

pub(crate) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, ParsePlacesError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let at = text[..text.len() - rest.len() + open].chars().count() + 1;
        let inside = &rest[open + 2..];
        // A brace in a name: this place was never closed, and another one begins.
        let close = inside.find("}}").filter(|close| !inside[..*close].contains('{'));
        let close = close.ok_or(ParsePlacesError::Unclosed { at })?;
        if open > 0 {
            pieces.push(Piece::Text(&rest[..open]));
        }
        let written = inside[..close].trim();
        let raw = written.strip_prefix("raw").filter(|name| name.starts_with(char::is_whitespace));
        let (name, form) = raw.map_or((written, Form::Escaped), |name| (name.trim(), Form::Raw));
        if name.is_empty() {
            return Err(ParsePlacesError::Nameless { at });
        }
        pieces.push(Piece::Place { name, form });
        rest = &inside[close + 2..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Form, ParsePlacesError, Piece, pieces};

    fn place(name: &str, form: Form) -> Piece<'_> {
        Piece::Place { name, form }
    }

    #[test]
    fn cuts_at_places() {
        let cut = pieces("a{{ b }}{{raw c}}} }}{d}").unwrap();
        let expected =
            [Piece::Text("a"), place("b", Form::Escaped), place("c", Form::Raw), Piece::Text("} }}{d}")];
        assert_eq!(cut, expected);
        assert_eq!(pieces("{{rawness}}").unwrap(), [place("rawness", Form::Escaped)]);
        assert_eq!(pieces("{{raw}}").unwrap(), [place("raw", Form::Escaped)]);
        assert_eq!(pieces("").unwrap(), []);
    }

    #[test]
    fn places_must_end_and_name_something() {
        for (text, at) in [("é{{", 2), ("{{a}", 1), ("{{a}}{{b {{c}}", 6), ("{{{a}}", 1), ("a {{ {b}}", 3)] {
            assert_eq!(pieces(text), Err(ParsePlacesError::Unclosed { at }), "{text}");
        }
        assert_eq!(pieces("a{{  }}"), Err(ParsePlacesError::Nameless { at: 2 }));
    }

    proptest! {
        #[test]
        fn texts_without_places_are_one_piece(text in "[^{]{1,20}|[a-z]\\{[^{]{0,20}") {
            prop_assert_eq!(pieces(&text), Ok(vec![Piece::Text(&text)]));
        }

        #[test]
        fn pieces_make_up_the_text(parts in prop::collection::vec(("[^{}]{1,5}", "[a-z][a-z.]{0,5}", any::<bool>()), 0..8)) {
            let written = |(text, name, raw): &(String, String, bool)| {
                if *raw { format!("{text}{{{{raw {name}}}}}") } else { format!("{text}{{{{{name}}}}}") }
            };
            let text: String = parts.iter().map(written).collect();
            let expected = parts.iter().flat_map(|(text, name, raw)| {
                [Piece::Text(text.as_str()), place(name, if *raw { Form::Raw } else { Form::Escaped })]
            });
            prop_assert_eq!(pieces(&text).unwrap(), expected.collect::<Vec<_>>());
        }

        #[test]
        fn any_text_is_judged(text in "(\\{|\\}|\\{\\{|\\}\\}|raw | |[a-zé]|\\PC){0,30}") {
            let _ = pieces(&text);
        }
    }
}
