//! Frames of HTTP/2 (RFC 9113), as bytes.
//!
//! Pure: a frame is read from a slice and written to the end of a vector. What may come when is decided elsewhere.

use thiserror::Error;

/// Length of the head of a frame.
pub(super) const HEAD_BYTES: usize = 9;
/// Longest payload that either side sends: the least that a peer has to take, and what is announced to it.
pub(super) const PAYLOAD_BYTES_MAX: usize = 16 * 1024;
/// What a client says first.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Widest window that the protocol knows.
pub(super) const WINDOW_MAX: i64 = 0x7fff_ffff;
/// Highest number of a stream.
pub(super) const STREAM_MAX: u32 = 0x7fff_ffff;

/// Kinds of frames.
pub(super) mod kind {
    pub(in super::super) const DATA: u8 = 0;
    pub(in super::super) const HEADERS: u8 = 1;
    pub(in super::super) const PRIORITY: u8 = 2;
    pub(in super::super) const RST_STREAM: u8 = 3;
    pub(in super::super) const SETTINGS: u8 = 4;
    pub(in super::super) const PUSH_PROMISE: u8 = 5;
    pub(in super::super) const PING: u8 = 6;
    pub(in super::super) const GOAWAY: u8 = 7;
    pub(in super::super) const WINDOW_UPDATE: u8 = 8;
    pub(in super::super) const CONTINUATION: u8 = 9;
}

/// Flags of frames.
pub(super) mod flag {
    pub(in super::super) const ACK: u8 = 0x1;
    pub(in super::super) const END_STREAM: u8 = 0x1;
    pub(in super::super) const END_HEADERS: u8 = 0x4;
    pub(in super::super) const PADDED: u8 = 0x8;
    pub(in super::super) const PRIORITY: u8 = 0x20;
}

/// Settings of a connection.
pub(super) mod setting {
    pub(in super::super) const HEADER_TABLE_SIZE: u16 = 1;
    pub(in super::super) const ENABLE_PUSH: u16 = 2;
    pub(in super::super) const MAX_CONCURRENT_STREAMS: u16 = 3;
    pub(in super::super) const INITIAL_WINDOW_SIZE: u16 = 4;
    pub(in super::super) const MAX_FRAME_SIZE: u16 = 5;
    pub(in super::super) const MAX_HEADER_LIST_SIZE: u16 = 6;
}

/// Reasons of RST_STREAM and GOAWAY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reason(pub(super) u32);

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHead {
    pub(super) length: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

/// The peer broke the protocol: the connection cannot be used any more.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{what}")]
pub(super) struct Violation {
    pub(super) reason: Reason,
    pub(super) what: &'static str,
}

// === impl Reason ===

impl Reason {
    pub(super) const NO_ERROR: Self = Self(0);
    pub(super) const PROTOCOL_ERROR: Self = Self(1);
    pub(super) const FLOW_CONTROL_ERROR: Self = Self(3);
    pub(super) const FRAME_SIZE_ERROR: Self = Self(6);
    pub(super) const REFUSED_STREAM: Self = Self(7);
    pub(super) const CANCEL: Self = Self(8);
    pub(super) const COMPRESSION_ERROR: Self = Self(9);
    pub(super) const ENHANCE_YOUR_CALM: Self = Self(11);

    /// Breaks the connection off.
    pub(super) fn violated(self, what: &'static str) -> Violation {
        Violation { reason: self, what }
    }
}

// === impl FrameHead ===

impl FrameHead {
    pub(super) fn parse(bytes: &[u8; HEAD_BYTES]) -> Self {
        let [a, b, c, kind, flags, stream @ ..] = *bytes;
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        // The first bit is reserved.
        Self { length, kind, flags, stream: u32::from_be_bytes(stream) & STREAM_MAX }
    }

    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Of DATA and HEADERS: the sender says nothing more on this stream.
    pub(super) fn ends_stream(self) -> bool {
        self.has(flag::END_STREAM)
    }

    pub(super) fn write(self, out: &mut Vec<u8>) {
        let [_, a, b, c] = u32::try_from(self.length).expect("frames are short").to_be_bytes();
        let [d, e, f, g] = self.stream.to_be_bytes();
        out.extend_from_slice(&[a, b, c, self.kind, self.flags, d, e, f, g]);
    }
}

/// Writes HEADERS, and CONTINUATION as far as one frame does not hold the block. `flags` are those of HEADERS.
pub(super) fn write_headers(stream: u32, flags: u8, block: &[u8], out: &mut Vec<u8>) {
    let (first, mut rest) = block.split_at(block.len().min(PAYLOAD_BYTES_MAX));
    let ends = |rest: &[u8]| if rest.is_empty() { flag::END_HEADERS } else { 0 };
    FrameHead { length: first.len(), kind: kind::HEADERS, flags: flags | ends(rest), stream }.write(out);
    out.extend_from_slice(first);
    while !rest.is_empty() {
        let (part, after) = rest.split_at(rest.len().min(PAYLOAD_BYTES_MAX));
        FrameHead { length: part.len(), kind: kind::CONTINUATION, flags: ends(after), stream }.write(out);
        out.extend_from_slice(part);
        rest = after;
    }
}

/// Writes DATA, in as many frames as it takes. `flags` are those of the last one.
pub(super) fn write_data(stream: u32, flags: u8, mut data: &[u8], out: &mut Vec<u8>) {
    loop {
        let (part, after) = data.split_at(data.len().min(PAYLOAD_BYTES_MAX));
        let flags = if after.is_empty() { flags } else { 0 };
        FrameHead { length: part.len(), kind: kind::DATA, flags, stream }.write(out);
        out.extend_from_slice(part);
        if after.is_empty() {
            return;
        }
        data = after;
    }
}

pub(super) fn write_settings(settings: &[(u16, u32)], out: &mut Vec<u8>) {
    FrameHead { length: settings.len() * 6, kind: kind::SETTINGS, flags: 0, stream: 0 }.write(out);
    for (name, value) in settings {
        out.extend_from_slice(&name.to_be_bytes());
        out.extend_from_slice(&value.to_be_bytes());
    }
}

pub(super) fn write_settings_ack(out: &mut Vec<u8>) {
    FrameHead { length: 0, kind: kind::SETTINGS, flags: flag::ACK, stream: 0 }.write(out);
}

pub(super) fn write_ping_ack(payload: &[u8], out: &mut Vec<u8>) {
    FrameHead { length: payload.len(), kind: kind::PING, flags: flag::ACK, stream: 0 }.write(out);
    out.extend_from_slice(payload);
}

pub(super) fn write_window_update(stream: u32, bytes: u32, out: &mut Vec<u8>) {
    FrameHead { length: 4, kind: kind::WINDOW_UPDATE, flags: 0, stream }.write(out);
    out.extend_from_slice(&bytes.to_be_bytes());
}

pub(super) fn write_reset(stream: u32, reason: Reason, out: &mut Vec<u8>) {
    FrameHead { length: 4, kind: kind::RST_STREAM, flags: 0, stream }.write(out);
    out.extend_from_slice(&reason.0.to_be_bytes());
}

/// Says that no stream of the server was taken: there are none.
pub(super) fn write_goaway(reason: Reason, out: &mut Vec<u8>) {
    FrameHead { length: 8, kind: kind::GOAWAY, flags: 0, stream: 0 }.write(out);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&reason.0.to_be_bytes());
}

/// The payload without its padding.
pub(super) fn unpadded(head: FrameHead, payload: &[u8]) -> Result<&[u8], Violation> {
    if !head.has(flag::PADDED) {
        return Ok(payload);
    }
    let inner = payload.split_first().and_then(|(padding, rest)| {
        let length = rest.len().checked_sub(usize::from(*padding))?;
        Some(&rest[..length])
    });
    inner.ok_or(Reason::PROTOCOL_ERROR.violated("padding is longer than its frame"))
}

/// The four bytes that a payload begins with, as a number.
pub(super) fn number(payload: &[u8]) -> Option<u32> {
    payload.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(mut bytes: &[u8]) -> Vec<(FrameHead, usize)> {
        let mut frames = Vec::new();
        while let Some(head) = bytes.first_chunk() {
            let head = FrameHead::parse(head);
            frames.push((head, head.length));
            bytes = &bytes[HEAD_BYTES + head.length..];
        }
        frames
    }

    #[test]
    fn head_is_read_as_written() {
        let head = FrameHead { length: 0x01_0203, kind: 4, flags: 5, stream: 0x7f01_0203 };
        let mut bytes = Vec::new();
        head.write(&mut bytes);
        assert_eq!(FrameHead::parse(bytes.first_chunk().unwrap()), head);
    }

    #[test]
    fn long_block_is_continued() {
        let mut out = Vec::new();
        write_headers(3, flag::END_STREAM, &[7; PAYLOAD_BYTES_MAX * 2 + 1], &mut out);
        let seen: Vec<_> =
            frames(&out).iter().map(|(head, length)| (head.kind, head.flags, *length)).collect();
        let expected = [
            (kind::HEADERS, flag::END_STREAM, PAYLOAD_BYTES_MAX),
            (kind::CONTINUATION, 0, PAYLOAD_BYTES_MAX),
            (kind::CONTINUATION, flag::END_HEADERS, 1),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn only_last_data_frame_ends_stream() {
        let mut out = Vec::new();
        write_data(3, flag::END_STREAM, &[7; PAYLOAD_BYTES_MAX + 1], &mut out);
        let flags: Vec<u8> = frames(&out).iter().map(|(head, _)| head.flags).collect();
        assert_eq!(flags, [0, flag::END_STREAM]);
    }

    #[test]
    fn padding_is_taken_off() {
        let head = |flags| FrameHead { length: 0, kind: kind::DATA, flags, stream: 1 };
        assert_eq!(unpadded(head(0), b"abc"), Ok(&b"abc"[..]));
        assert_eq!(unpadded(head(flag::PADDED), b"\x02abxx"), Ok(&b"ab"[..]));
        assert_eq!(unpadded(head(flag::PADDED), b"\x02xx"), Ok(&b""[..]));
        assert!(
            unpadded(head(flag::PADDED), b"\x02x").is_err() && unpadded(head(flag::PADDED), b"").is_err()
        );
    }
}
