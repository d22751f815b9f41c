//! Frames: length, CRC-32 of the length, CRC-32 of the payload, payload. Numbers are 4 bytes, little-endian.
//!
//! The length has a checksum of its own: without it a damaged length in the middle of a file would look like a frame that a
//! crash cut short, and everything after it would be dropped as if it had never been written.

/// First line of every journal; the number is the format's.
pub(super) const HEADER: &[u8] = b"shield-journal 1\n";

/// Longest accepted payload.
pub(super) const PAYLOAD_BYTES_MAX: usize = 4 << 20;

/// Bytes before the payload.
const PREFIX_BYTES: usize = 12;

/// What lies at an offset of a journal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read<'a> {
    /// A whole frame, and where the next one begins.
    Frame { payload: &'a [u8], next: usize },
    /// The end.
    End,
    /// The file ends inside a frame: a write that a crash cut short.
    Torn,
    /// Bytes that no writer left there.
    Damaged { problem: String },
}

/// The bytes of one frame.
pub(super) fn encode(payload: &[u8]) -> Vec<u8> {
    let length =
        u32::try_from(payload.len()).expect("callers keep payloads under PAYLOAD_BYTES_MAX").to_le_bytes();
    let checksums = [crc32fast::hash(&length).to_le_bytes(), crc32fast::hash(payload).to_le_bytes()];
    [&length, &checksums[0], &checksums[1], payload].concat()
}

/// Reads the frame at `offset`.
pub(super) fn read(bytes: &[u8], offset: usize) -> Read<'_> {
    let rest = bytes.get(offset..).unwrap_or_default();
    if rest.is_empty() {
        return Read::End;
    }
    let Some((prefix, body)) = rest.split_first_chunk::<PREFIX_BYTES>() else { return Read::Torn };
    let field = |index: usize| {
        u32::from_le_bytes([prefix[index], prefix[index + 1], prefix[index + 2], prefix[index + 3]])
    };
    let size = field(0) as usize;
    if crc32fast::hash(&prefix[..4]) != field(4) || size > PAYLOAD_BYTES_MAX || size == 0 {
        // A crash may leave the last frame allocated and not written: zeroes up to the end of the file.
        return match rest.iter().all(|byte| *byte == 0) {
            true => Read::Torn,
            false => Read::Damaged { problem: format!("no frame at offset {offset}") },
        };
    }
    let Some(payload) = body.get(..size) else { return Read::Torn };
    if crc32fast::hash(payload) == field(8) {
        return Read::Frame { payload, next: offset + PREFIX_BYTES + size };
    }
    match body.len() == size {
        true => Read::Torn,
        false => Read::Damaged { problem: format!("a wrong checksum at offset {offset}") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_frames() -> Vec<u8> {
        [encode(b"first"), encode(b"second")].concat()
    }

    #[test]
    fn reads_back_what_was_written() {
        let bytes = two_frames();
        let Read::Frame { payload: b"first", next } = read(&bytes, 0) else {
            panic!("{:?}", read(&bytes, 0))
        };
        assert!(
            matches!(read(&bytes, next), Read::Frame { payload: b"second", next } if next == bytes.len())
        );
        assert_eq!(read(&bytes, bytes.len()), Read::End);
    }

    #[test]
    fn cut_anywhere_is_torn() {
        let bytes = two_frames();
        let second = encode(b"first").len();
        for end in second + 1..bytes.len() {
            assert_eq!(read(&bytes[..end], second), Read::Torn, "cut at {end}");
        }
    }

    #[test]
    fn edited_earlier_frame_is_damage() {
        for index in 0..encode(b"first").len() {
            let mut bytes = two_frames();
            bytes[index] ^= 0x40;
            assert!(matches!(read(&bytes, 0), Read::Damaged { .. }), "byte {index}: {:?}", read(&bytes, 0));
        }
    }
}
