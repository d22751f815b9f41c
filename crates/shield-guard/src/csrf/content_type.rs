//! JSON endpoints take JSON: a form of another site cannot send it without asking first (CORS preflight).

use super::Field;

/// Why a body is not taken as JSON. Status 415.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentTypeRefusal {
    /// No `Content-Type`; a script of another site may leave it out without a preflight.
    #[error("take a body without `Content-Type` as JSON")]
    Missing,
    /// `Content-Type` came twice.
    #[error("choose between two `Content-Type`s")]
    Repeated,
    /// Another type: one that needs no preflight (`text/plain`, the two form types), or anything else.
    #[error("take a body of another type as JSON: expected `application/json`")]
    Other,
}

/// Requires `application/json` or `application/NAME+json`, alone or with `charset=utf-8` (ASVS 5.0, 3.5.2). Other parameters
/// are refused: browsers have taken `text/plain; application/json` for simple.
pub fn require_json(content_type: Field<'_>) -> Result<(), ContentTypeRefusal> {
    let value = match content_type {
        Field::Absent => return Err(ContentTypeRefusal::Missing),
        Field::Repeated => return Err(ContentTypeRefusal::Repeated),
        Field::One(value) => value,
    };
    let mut parts = value.splitn(2, |byte| *byte == b';').map(<[u8]>::trim_ascii);
    let essence = parts.next().unwrap_or_default();
    let charset = parts.next();
    let utf_8 = |parameter: &[u8]| {
        parameter.eq_ignore_ascii_case(b"charset=utf-8")
            || parameter.eq_ignore_ascii_case(b"charset=\"utf-8\"")
    };
    match is_json(essence) && charset.is_none_or(utf_8) {
        true => Ok(()),
        false => Err(ContentTypeRefusal::Other),
    }
}

fn is_json(essence: &[u8]) -> bool {
    const APPLICATION: usize = b"application/".len();
    const SUFFIX: usize = b"+json".len();
    let (Some(kind), Some(subtype)) = (essence.get(..APPLICATION), essence.get(APPLICATION..)) else {
        return false;
    };
    if !kind.eq_ignore_ascii_case(b"application/") {
        return false;
    }
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    let named = |length: usize| {
        let (name, suffix) = subtype.split_at(length);
        suffix.eq_ignore_ascii_case(b"+json") && !name.is_empty() && name.iter().all(known)
    };
    subtype.eq_ignore_ascii_case(b"json") || subtype.len().checked_sub(SUFFIX).is_some_and(named)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ContentTypeRefusal, Field, require_json};

    #[test]
    fn asvs_v3_5_2_refuses_types_that_need_no_preflight() {
        for simple in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "text/plain; application/json",
            "text/plain;charset=application/json",
            "application/json, text/plain",
            "text/json",
            "application/jsonp",
            "application/+json",
            "application/json; charset=utf-8; x",
            "application/json;",
            "",
        ] {
            let refused = require_json(Field::One(simple.as_bytes()));
            assert_eq!(refused, Err(ContentTypeRefusal::Other), "{simple}");
        }
        assert_eq!(require_json(Field::Absent), Err(ContentTypeRefusal::Missing));
        assert_eq!(require_json(Field::Repeated), Err(ContentTypeRefusal::Repeated));
    }

    #[test]
    fn takes_json_however_it_is_spelled() {
        for json in [
            "application/json",
            "Application/JSON",
            "application/json;charset=UTF-8",
            "application/json ; charset=\"utf-8\"",
            "application/problem+json",
            "application/vnd.api+json",
        ] {
            assert_eq!(require_json(Field::One(json.as_bytes())), Ok(()), "{json}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_says_json(bytes in prop::collection::vec(any::<u8>(), 0..60), text in "application/[a-z+;= ]{0,20}") {
            for value in [bytes.as_slice(), text.as_bytes()] {
                if require_json(Field::One(value)).is_ok() {
                    let essence = value.split(|byte| *byte == b';').next().unwrap().trim_ascii();
                    prop_assert!(essence.to_ascii_lowercase().starts_with(b"application/"));
                    prop_assert!(essence.to_ascii_lowercase().ends_with(b"json"));
                }
            }
        }
    }
}
