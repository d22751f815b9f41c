//! Frames (RFC 6455 section 5), to bytes and from bytes.
//!
//! Pure. Whatever a client has to refuse is refused here: masked frames, reserved bits (no extension is ever agreed on),
//! control frames that are long or in pieces, lengths that are not written the shortest way, text that is not UTF-8. A
//! message is refused by its announced length, before it is in memory.

use bytes::{Buf, BytesMut};
use thiserror::Error;

/// Longest message that is read, over all of its frames.
pub(crate) const MESSAGE_BYTES_MAX: u64 = 1024 * 1024;
/// Longest payload of a control frame, and of any frame whose length takes one byte.
const SHORT_BYTES_MAX: u8 = 125;

const LAST: u8 = 0b1000_0000;
const RESERVED: u8 = 0b0111_0000;
const MASKED: u8 = 0b1000_0000;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// What the server said. Pongs are left out: nobody asks for one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Message(Message),
    /// To be answered with the same bytes.
    Ping(BytesMut),
    Close(Option<Close>),
}

/// A whole message, text or binary.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Where in the stream of bytes its first frame begins.
    pub(crate) began: u64,
    pub(crate) bytes: BytesMut,
}

/// Why a side closes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: String,
}

/// The server broke the protocol, or sent more than is taken.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum FrameError {
    #[error("read a frame with reserved bits: no extension was agreed on")]
    ReservedBits,
    #[error("read a frame of the opcode `{0}`")]
    Opcode(u8),
    #[error("read a masked frame: only clients mask")]
    Masked,
    #[error("read a control frame that is in pieces, or longer than {SHORT_BYTES_MAX} bytes")]
    Control,
    #[error("read a frame whose length is not written the shortest way")]
    Length,
    #[error("read the continuation of a message that was not begun")]
    NotBegun,
    #[error("read a new message in the middle of another one")]
    Interrupted,
    #[error("read a message of `{bytes}` bytes or more: at most {MESSAGE_BYTES_MAX}")]
    TooLong { bytes: u64 },
    #[error("read a text message: it is not UTF-8")]
    Text,
    #[error("read a close frame: its code is never sent, or its reason is not UTF-8")]
    Close,
}

/// Puts frames together to messages.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// Bytes of whole frames, since the handshake.
    taken: u64,
    /// A message in pieces, of which the last one is still missing.
    begun: Option<Begun>,
}

#[derive(Debug)]
struct Begun {
    opcode: Opcode,
    message: Message,
}

#[derive(Debug)]
struct Header {
    last: bool,
    opcode: Opcode,
    /// Of the header itself.
    bytes: usize,
    payload_bytes: u64,
}

/// Appends a whole frame with a mask of its own, as clients must. It is not drawn from the seed of the run: how often a user
/// answers a ping is not its own choice.
pub(crate) fn write_frame(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
    out.push(LAST | opcode as u8);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ ..=SHORT_BYTES_MAX), _) => out.push(MASKED | short),
        (_, Ok(length)) => {
            out.push(MASKED | 126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    let mask = fastrand::u32(..).to_ne_bytes();
    out.extend_from_slice(&mask);
    let start = out.len();
    out.extend_from_slice(payload);
    for piece in out[start..].chunks_mut(mask.len()) {
        piece.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    }
}

/// None while it is incomplete.
fn parse_header(bytes: &[u8]) -> Result<Option<Header>, FrameError> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    if first & RESERVED != 0 {
        return Err(FrameError::ReservedBits);
    }
    let opcode = Opcode::of(first & 0x0F)?;
    if second & MASKED != 0 {
        return Err(FrameError::Masked);
    }
    let (last, short) = (first & LAST != 0, second & !MASKED);
    if opcode.controls() && (!last || short > SHORT_BYTES_MAX) {
        return Err(FrameError::Control);
    }
    let header = |payload_bytes, extended: usize| Header { last, opcode, bytes: 2 + extended, payload_bytes };
    let (header, shortest) = match short {
        126 => {
            let Some(length) = rest.first_chunk() else { return Ok(None) };
            (header(u16::from_be_bytes(*length).into(), 2), u64::from(SHORT_BYTES_MAX) + 1)
        }
        127 => {
            let Some(length) = rest.first_chunk() else { return Ok(None) };
            (header(u64::from_be_bytes(*length), 8), u64::from(u16::MAX) + 1)
        }
        short => (header(short.into(), 0), 0),
    };
    if header.payload_bytes < shortest { Err(FrameError::Length) } else { Ok(Some(header)) }
}

fn parse_close(payload: &[u8]) -> Result<Option<Close>, FrameError> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(None) } else { Err(FrameError::Close) };
    };
    let code = u16::from_be_bytes(*code);
    // 1004 to 1006 and 1015 stand for the lack of a code, and are never sent.
    let sendable = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
    match str::from_utf8(reason) {
        Ok(reason) if sendable => Ok(Some(Close { code, reason: reason.to_owned() })),
        _ => Err(FrameError::Close),
    }
}

// === impl Opcode ===

impl Opcode {
    fn of(code: u8) -> Result<Self, FrameError> {
        let all = [Self::Continuation, Self::Text, Self::Binary, Self::Close, Self::Ping, Self::Pong];
        all.into_iter().find(|opcode| *opcode as u8 == code).ok_or(FrameError::Opcode(code))
    }

    fn controls(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

// === impl FrameError ===

impl FrameError {
    /// The code of the close frame that answers it.
    pub(crate) fn close_code(&self) -> u16 {
        match self {
            Self::Text => 1007,
            Self::TooLong { .. } => 1009,
            _ => 1002,
        }
    }
}

// === impl Frames ===

impl Frames {
    /// Bytes of whole frames up to now.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Whether a message is only there in part.
    pub(crate) fn amid_message(&self) -> bool {
        self.begun.is_some()
    }

    /// Takes frames off the front of `buffer` up to the next event; none when more bytes are needed.
    pub(crate) fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Event>, FrameError> {
        while let Some(header) = parse_header(buffer)? {
            self.admit(&header)?;
            let payload_bytes = usize::try_from(header.payload_bytes).expect("a short frame was admitted");
            if buffer.len() < header.bytes + payload_bytes {
                break;
            }
            let began = self.taken;
            self.taken += header.bytes as u64 + header.payload_bytes;
            buffer.advance(header.bytes);
            let payload = buffer.split_to(payload_bytes);
            match header.opcode {
                Opcode::Pong => {}
                Opcode::Ping => return Ok(Some(Event::Ping(payload))),
                Opcode::Close => return Ok(Some(Event::Close(parse_close(&payload)?))),
                Opcode::Text | Opcode::Binary | Opcode::Continuation => {
                    if let Some(message) = self.append(&header, began, payload)? {
                        return Ok(Some(Event::Message(message)));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Refuses what does not continue the message under way, and what makes a message too long.
    fn admit(&self, header: &Header) -> Result<(), FrameError> {
        match (header.opcode, &self.begun) {
            (Opcode::Continuation, None) => return Err(FrameError::NotBegun),
            (Opcode::Text | Opcode::Binary, Some(_)) => return Err(FrameError::Interrupted),
            _ => {}
        }
        let earlier = self.begun.as_ref().map_or(0, |begun| begun.message.bytes.len() as u64);
        let bytes = earlier.saturating_add(header.payload_bytes);
        if !header.opcode.controls() && bytes > MESSAGE_BYTES_MAX {
            return Err(FrameError::TooLong { bytes });
        }
        Ok(())
    }

    /// Appends a piece; returns the message when it was the last one.
    fn append(
        &mut self,
        header: &Header,
        began: u64,
        payload: BytesMut,
    ) -> Result<Option<Message>, FrameError> {
        let begun = match self.begun.take() {
            Some(mut begun) => {
                begun.message.bytes.extend_from_slice(&payload);
                begun
            }
            None => Begun { opcode: header.opcode, message: Message { began, bytes: payload } },
        };
        if !header.last {
            self.begun = Some(begun);
            return Ok(None);
        }
        if begun.opcode == Opcode::Text && str::from_utf8(&begun.message.bytes).is_err() {
            return Err(FrameError::Text);
        }
        Ok(Some(begun.message))
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::{Close, Event, FrameError, Frames, Message, Opcode, write_frame};

    /// A frame as a server sends it.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![first];
        match payload.len() {
            length @ 0..=125 => out.push(length as u8),
            length @ 126..=65_535 => {
                out.push(126);
                out.extend_from_slice(&(length as u16).to_be_bytes());
            }
            length => {
                out.push(127);
                out.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        out.extend_from_slice(payload);
        out
    }

    /// All events of some bytes that come in pieces of `cut`, up to the first error.
    fn events(bytes: &[u8], cut: usize) -> (Vec<Event>, Option<FrameError>) {
        let (mut frames, mut buffer, mut events) = (Frames::default(), BytesMut::new(), Vec::new());
        for piece in bytes.chunks(cut) {
            buffer.extend_from_slice(piece);
            loop {
                match frames.next(&mut buffer) {
                    Ok(Some(event)) => events.push(event),
                    Ok(None) => break,
                    Err(error) => return (events, Some(error)),
                }
            }
        }
        (events, None)
    }

    fn refusal(bytes: &[u8]) -> FrameError {
        events(bytes, usize::MAX).1.unwrap()
    }

    fn message(began: u64, text: &str) -> Event {
        Event::Message(Message { began, bytes: text.as_bytes().into() })
    }

    #[test]
    fn message_in_pieces_is_one() {
        let pieces = [frame(0x01, b"a\xC3"), frame(0x89, b"?"), frame(0x00, b""), frame(0x80, b"\xBC")];
        let bytes = [frame(0x82, b"whole"), pieces.concat(), frame(0x8A, b"pong")].concat();
        let expected = [message(0, "whole"), Event::Ping(b"?"[..].into()), message(7, "aü")];
        assert_eq!(events(&bytes, 1), (expected.into(), None));
    }

    #[test]
    fn refuses_what_servers_must_not_send() {
        assert_eq!(refusal(&frame(0xC1, b"x")), FrameError::ReservedBits);
        assert_eq!(refusal(&frame(0x83, b"x")), FrameError::Opcode(3));
        assert_eq!(refusal(&[0x81, 0x80]), FrameError::Masked);
        assert_eq!(refusal(&frame(0x09, b"x")), FrameError::Control);
        assert_eq!(refusal(&frame(0x89, &[0; 126])), FrameError::Control);
        assert_eq!(refusal(&[0x81, 126, 0, 125]), FrameError::Length);
        assert_eq!(refusal(&[0x81, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]), FrameError::Length);
        assert_eq!(refusal(&frame(0x80, b"x")), FrameError::NotBegun);
        assert_eq!(refusal(&[frame(0x01, b"x"), frame(0x81, b"y")].concat()), FrameError::Interrupted);
        assert_eq!(refusal(&frame(0x81, b"\xFF")), FrameError::Text);
        assert_eq!(refusal(&[0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255]).close_code(), 1009);
    }

    #[test]
    fn pieces_together_are_bounded() {
        let piece = vec![0; 600 * 1024];
        let bytes = [frame(0x02, &piece), frame(0x80, &piece)].concat();
        assert_eq!(refusal(&bytes), FrameError::TooLong { bytes: 1200 * 1024 });
        let most = vec![0; 1024 * 1024];
        assert_eq!(events(&frame(0x82, &most), 50_000).0.len(), 1);
    }

    #[test]
    fn close_has_valid_code_or_none() {
        let close = |payload: &[u8]| events(&frame(0x88, payload), usize::MAX);
        assert_eq!(close(b""), (vec![Event::Close(None)], None));
        let away = Close { code: 1001, reason: "bye".into() };
        assert_eq!(close(b"\x03\xE9bye"), (vec![Event::Close(Some(away))], None));
        for payload in [&b"\x03"[..], b"\x03\xED", b"\x00\x00", b"\x03\xE9\xFF"] {
            assert_eq!(close(payload).1, Some(FrameError::Close), "{payload:?}");
        }
    }

    proptest! {
        #[test]
        fn own_frames_unmask_to_their_payload(length in prop_oneof![0_usize..300, 65_500_usize..65_600]) {
            let payload: Vec<u8> = (0..length).map(|index| index as u8).collect();
            let mut out = Vec::new();
            write_frame(Opcode::Binary, &payload, &mut out);
            prop_assert_eq!(out[1] & 0x80, 0x80);
            // Without its mask it is what a server would send.
            let (head, masked) = out.split_at(out.len() - length);
            let (head, mask) = head.split_at(head.len() - 4);
            let plain = masked.iter().enumerate().map(|(index, byte)| byte ^ mask[index % 4]);
            let mut served = head.to_vec();
            served[1] &= 0x7F;
            served.extend(plain);
            prop_assert_eq!(served, frame(0x82, &payload));
        }

        #[test]
        fn no_bytes_panic_and_cuts_change_nothing(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0_u8..4, 0x80_u8..0x8B], 0..200),
            cut in 1_usize..9,
        ) {
            prop_assert_eq!(events(&bytes, cut), events(&bytes, usize::MAX));
        }
    }
}
