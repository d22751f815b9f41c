//! Request ids and W3C trace context.
//!
//! A request id names one request in logs; it is no secret, so a fast generator is enough. An id sent by a client is
//! never kept: two requests could share it. A trace id is kept when it is well formed, because the trace may have begun
//! before us.

use http::HeaderValue;

/// `00-` trace id `-` span id `-` flags.
const TRACEPARENT_BYTES: usize = 55;
const TRACE_ID: std::ops::Range<usize> = 3..35;
const SPAN_ID: std::ops::Range<usize> = 36..52;

/// 128 random bits in lowercase hexadecimal.
pub(crate) fn request_id() -> HeaderValue {
    let mut text = [0; 32];
    write_hex(fastrand::u128(..), &mut text);
    header(&text)
}

/// The trace context for the next hop, and whether the client's own trace goes on in it.
pub(crate) fn next_hop_trace(incoming: Option<&HeaderValue>) -> (HeaderValue, bool) {
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-01";
    let continued = incoming.map(HeaderValue::as_bytes).filter(|value| valid_trace(value));
    match continued {
        Some(value) => {
            text[TRACE_ID].copy_from_slice(&value[TRACE_ID]);
            text[SPAN_ID.end..].copy_from_slice(&value[SPAN_ID.end..TRACEPARENT_BYTES]);
        }
        None => write_hex(fastrand::u128(1..), &mut text[TRACE_ID]),
    }
    write_hex(u128::from(fastrand::u64(1..)), &mut text[SPAN_ID]);
    (header(&text), continued.is_some())
}

fn valid_trace(value: &[u8]) -> bool {
    let hex = |part: &[u8]| part.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let zero = |part: &[u8]| part.iter().all(|byte| *byte == b'0');
    // Version 00 has exactly these bytes; a later one may add fields after another dash; ff does not exist.
    let length = match value {
        [b'0', b'0', ..] => value.len() == TRACEPARENT_BYTES,
        _ => value.len() == TRACEPARENT_BYTES || value.get(TRACEPARENT_BYTES) == Some(&b'-'),
    };
    length
        && hex(&value[..2])
        && &value[..2] != b"ff"
        && [value[2], value[35], value[52]] == *b"---"
        && hex(&value[TRACE_ID])
        && !zero(&value[TRACE_ID])
        && hex(&value[SPAN_ID])
        && !zero(&value[SPAN_ID])
        && hex(&value[53..TRACEPARENT_BYTES])
}

/// Fills `text` with the lowest digits of `number`.
fn write_hex(mut number: u128, text: &mut [u8]) {
    for byte in text.iter_mut().rev() {
        *byte = b"0123456789abcdef"[(number & 0xf) as usize];
        number >>= 4;
    }
}

fn header(text: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(text).expect("hexadecimal digits and dashes are allowed in a header")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    #[test]
    fn keeps_valid_trace_with_new_span() {
        let (next, continued) = next_hop_trace(Some(&HeaderValue::from_static(TRACE)));
        let next = next.to_str().unwrap();
        assert!(continued && next.len() == TRACEPARENT_BYTES);
        assert_eq!((&next[..36], &next[52..]), (&TRACE[..36], "-00"));
        assert_ne!(&next[SPAN_ID], &TRACE[SPAN_ID]);
    }

    #[test]
    fn replaces_malformed_trace() {
        for value in [
            "",
            "00",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-00",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-x",
        ] {
            let (next, continued) = next_hop_trace(Some(&HeaderValue::from_str(value).unwrap()));
            assert!(!continued && valid_trace(next.as_bytes()), "{value}");
        }
    }

    #[test]
    fn request_ids_differ() {
        let (one, other) = (request_id(), request_id());
        assert!(one != other && one.len() == 32);
    }
}
