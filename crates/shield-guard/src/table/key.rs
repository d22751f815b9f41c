//! What entries are found by.
//!
//! Keys are digests, or ids with enough random bits, made by this system: nobody outside chooses a key that gets in, so
//! the hash needs no secret.

/// A key of `N` bytes, and its hash: the top byte chooses the shard, the next one is the tag, the low half says where the
/// search begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<const N: usize> {
    pub(crate) hash: u64,
    pub(crate) bytes: [u8; N],
}

// === impl Key ===

impl<const N: usize> Key<N> {
    /// A key that is placed by its own first 16 bytes.
    #[inline]
    pub(crate) fn of(bytes: [u8; N]) -> Self {
        const { assert!(N >= 16, "the hash reads 16 bytes") };
        let word = |at: usize| {
            let bytes = bytes[at..at + 8].try_into().expect("a range of eight bytes");
            u64::from_le_bytes(bytes)
        };
        Self { hash: mix(word(0), word(8)), bytes }
    }

    /// A key that is placed by something else, which is known before the key is.
    #[inline]
    pub(crate) fn placed(place: u32, bytes: [u8; N]) -> Self {
        Self { hash: hash_of_place(place), bytes }
    }
}

/// The hash of all keys at a place.
#[inline]
pub(crate) fn hash_of_place(place: u32) -> u64 {
    mix(u64::from(place), 0)
}

fn mix(one: u64, other: u64) -> u64 {
    let product = u128::from(one ^ 0x9e37_79b9_7f4a_7c15) * u128::from(other ^ 0xd1b5_4a32_d192_ed03);
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::hash_of_place;

    #[test]
    fn places_that_differ_little_are_far_apart() {
        // Four letters each, as the hints of API keys.
        let places = (0..65_536_u32).map(|number| {
            u32::from_le_bytes([
                b'0' + (number & 15) as u8,
                b'A' + (number >> 4 & 15) as u8,
                b'a' + (number >> 8 & 15) as u8,
                b'K' + (number >> 12) as u8,
            ])
        });
        let hashes: Vec<u64> = places.map(hash_of_place).collect();
        let different =
            |part: fn(u64) -> u64| hashes.iter().map(|hash| part(*hash)).collect::<BTreeSet<_>>().len();
        assert_eq!((different(|hash| hash >> 56), different(|hash| hash >> 48 & 255)), (256, 256));
        // Keys that go where they like meet 63 % of as many places.
        let met = different(|hash| hash >> 16 & 65_535);
        assert!(met > 39_000, "{met}");
    }
}
