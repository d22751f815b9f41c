//! Takes a token apart: header, claims and signature (RFC 7515, 7.1).

use memchr::{memchr, memrchr};

use crate::token::{TOKEN_BYTES_MAX, TokenRefusal};

/// The three parts of a token, and what was signed.
pub(super) struct Compact<'a> {
    pub(super) header: &'a [u8],
    pub(super) claims: &'a [u8],
    pub(super) signature: &'a [u8],
    /// Header and claims with the point between them.
    pub(super) signed: &'a [u8],
}

// === impl Compact ===

impl<'a> Compact<'a> {
    /// The parts of `token`, of which none is empty: exactly two points, at most [`TOKEN_BYTES_MAX`] bytes.
    pub(super) fn split(token: &'a [u8]) -> Result<Self, TokenRefusal> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenRefusal::TooLong);
        }
        let not_compact = TokenRefusal::NotCompact;
        let second = memrchr(b'.', token).ok_or(not_compact)?;
        let (signed, signature) = (&token[..second], &token[second + 1..]);
        let first = memchr(b'.', signed).ok_or(not_compact)?;
        let (header, claims) = (&signed[..first], &signed[first + 1..]);
        let empty = header.is_empty() || claims.is_empty() || signature.is_empty();
        if empty || memchr(b'.', claims).is_some() {
            return Err(not_compact);
        }
        Ok(Self { header, claims, signature, signed })
    }
}

#[cfg(test)]
mod tests {
    use super::Compact;
    use crate::token::{TOKEN_BYTES_MAX, TokenRefusal};

    #[test]
    fn three_parts_are_found() {
        let parts = Compact::split(b"ab.cde.f").unwrap();
        assert_eq!((parts.header, parts.claims), (&b"ab"[..], &b"cde"[..]));
        assert_eq!((parts.signature, parts.signed), (&b"f"[..], &b"ab.cde"[..]));
    }

    #[test]
    fn other_numbers_of_parts_are_refused() {
        for token in ["", ".", "..", "a.b", "a.b.", "a..c", ".b.c", "a.b.c.d", "a.b.c.", "a.b.c.d.e"] {
            assert_eq!(Compact::split(token.as_bytes()).err(), Some(TokenRefusal::NotCompact), "{token}");
        }
        let long = vec![b'.'; TOKEN_BYTES_MAX + 1];
        assert_eq!(Compact::split(&long).err(), Some(TokenRefusal::TooLong));
    }
}
