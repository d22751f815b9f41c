//! Which slot of a cluster a key lies in, and the tags that keep keys of ours together.

/// Slots of a cluster.
pub(super) const SLOTS: u16 = 16_384;
/// Tags over which counters are spread; each has its own memory marker.
const TAGS: u16 = 64;

/// Keys with the same tag lie in the same slot. As text: two hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag(u8);

// === impl Tag ===

impl Tag {
    /// Where what is known by these bytes belongs.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(u8::try_from(crc16(bytes) % TAGS).expect("64 tags fit"))
    }

    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..TAGS).map(|tag| Self(u8::try_from(tag).expect("64 tags fit")))
    }

    /// The slot of every key with this tag.
    pub(super) fn slot(self) -> u16 {
        crc16(self.text().as_bytes()) % SLOTS
    }

    /// As it stands between braces.
    pub(super) fn text(self) -> String {
        format!("{:02x}", self.0)
    }
}

/// CRC-16/XMODEM, as the specification of Redis Cluster has it.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc: u16, _| match crc & 0x8000 {
            0 => crc << 1,
            _ => (crc << 1) ^ 0x1021,
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{SLOTS, Tag, crc16};

    #[test]
    fn agrees_with_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
    }

    #[test]
    fn tags_spread_over_slots() {
        let thirds: BTreeSet<u16> = Tag::all().map(|tag| tag.slot() / SLOTS.div_ceil(3)).collect();
        assert_eq!(thirds.len(), 3);
        let tags: BTreeSet<String> = (0..1_000_u32).map(|key| Tag::of(&key.to_be_bytes()).text()).collect();
        assert_eq!(tags.len(), 64);
    }
}
