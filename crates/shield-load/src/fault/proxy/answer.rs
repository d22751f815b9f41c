//! Where the answers of an upstream end.
//!
//! Pure: it follows bytes that pass anyway.

use crate::fault::proxy::request::{Body, HEAD_BYTES_MAX, Method};
use crate::wire::head::{Framing, parse_head};

/// How much of an answer was seen.
#[derive(Debug)]
pub(crate) enum Answer {
    Head(Vec<u8>, Method),
    Body(Body),
}

/// What some bytes were.
#[derive(Debug)]
pub(crate) enum Followed {
    /// A part; this is what is left.
    Part(Answer),
    /// The answer is whole.
    Whole,
    /// Something whose end cannot be known.
    Lost,
}

// === impl Answer ===

impl Answer {
    /// To a request, none of which was seen.
    pub(crate) fn expected(method: Method) -> Self {
        Self::Head(Vec::new(), method)
    }

    /// Takes what belongs to the answer off the bytes.
    pub(crate) fn follow(self, bytes: &mut &[u8]) -> Followed {
        match self {
            Self::Head(seen, method) => follow_head(seen, method, bytes),
            Self::Body(mut body) => {
                let Some(taken) = body.take(bytes) else { return Followed::Lost };
                *bytes = &bytes[taken..];
                with_body(body)
            }
        }
    }
}

fn follow_head(mut seen: Vec<u8>, method: Method, bytes: &mut &[u8]) -> Followed {
    let before = seen.len();
    seen.extend_from_slice(&bytes[..bytes.len().min(HEAD_BYTES_MAX - before)]);
    let (head, length) = match parse_head(&seen) {
        Ok(Some(parsed)) => parsed,
        Ok(None) if seen.len() < HEAD_BYTES_MAX => {
            *bytes = &[];
            return Followed::Part(Answer::Head(seen, method));
        }
        Ok(None) | Err(_) => return Followed::Lost,
    };
    *bytes = &bytes[length - before..];
    match (head.status, method) {
        (101, _) | (200..=299, Method::Connect) => Followed::Lost,
        (100..=199, _) => Followed::Part(Answer::expected(method)),
        (_, Method::Head) => with_body(Body::framed(Framing::Length(0))),
        _ => with_body(Body::framed(head.framing)),
    }
}

fn with_body(body: Body) -> Followed {
    if body.done() { Followed::Whole } else { Followed::Part(Answer::Body(body)) }
}
