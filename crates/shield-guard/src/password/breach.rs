//! Is a password in a list too large to ship? A Bloom filter, built once from the operator's list, read in place.
//!
//! Its keys are SHA-1 digests, since that is what the public collections of breached passwords hold; SHA-1 protects
//! nothing here. 15 bits an entry and 10 probes: a password that is not in the list is refused with a probability of
//! 0.074 % (a bound of 1 in 1,000 is tested), one that is in it is never passed. 900 million entries are 1.7 GB,
//! which a caller maps into memory instead of reading; the filter's own digest is checked when it is opened, since a
//! damaged one would pass what it should refuse.
//!
//! Layout, little endian: `shieldB1`, entries declared (8 bytes), bits (8), SHA-256 of these two numbers and the bits
//! (32), the bits.

use std::ops::Range;

use ring::digest::{Context, Digest, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

const MAGIC: &[u8; 8] = b"shieldB1";
const HEADER_BYTES: usize = 56;
const BITS_PER_ENTRY: u64 = 15;
const PROBES: u64 = 10;
/// The most entries of a filter: 3.7 GB.
const ENTRIES_MAX: u64 = 2_000_000_000;

/// The SHA-1 of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreachedHash([u8; 20]);

/// A line that is not a SHA-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read a line of breached passwords: expected 40 hexadecimal digits, then nothing or `:` and a count")]
pub struct ParseBreachedHashError;

/// Why no filter was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildFilterError {
    /// A size that makes no sense.
    #[error("build a filter of `{entries}` passwords: expected 1 to {ENTRIES_MAX}")]
    Entries {
        /// The size that was asked for.
        entries: u64,
    },
    /// The list is longer than said; the filter would refuse too many good passwords.
    #[error("build a filter: the list has more than the `{entries}` passwords that were announced")]
    Overflow {
        /// The size that was asked for.
        entries: u64,
    },
}

/// Why bytes are not a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenFilterError {
    /// Something else, or another version.
    #[error("open a filter of breached passwords: it does not begin like one")]
    Format,
    /// Cut off, or its sizes contradict each other.
    #[error("open a filter of breached passwords: its length is not what its header says")]
    Length,
    /// Damaged.
    #[error("open a filter of breached passwords: its digest is not the one in its header")]
    Damaged,
}

/// A filter that was opened. Holds its bytes, mapped or read.
pub struct BreachFilter {
    bytes: Box<dyn AsRef<[u8]> + Send + Sync>,
    bits: u64,
    entries: u64,
}

// === impl BreachedHash ===

impl BreachedHash {
    /// Of a password in clear.
    pub fn of_password(password: &str) -> Self {
        let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        Self(digest.as_ref().try_into().expect("SHA-1 has 20 bytes"))
    }

    /// From a line of a collection: `5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10434004`, with or without the count,
    /// in either case.
    pub fn parse_line(line: &[u8]) -> Result<Self, ParseBreachedHashError> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (digits, rest) = line.split_at_checked(40).ok_or(ParseBreachedHashError)?;
        let counted = rest
            .strip_prefix(b":")
            .is_some_and(|count| !count.is_empty() && count.iter().all(u8::is_ascii_digit));
        if !rest.is_empty() && !counted {
            return Err(ParseBreachedHashError);
        }
        let mut bytes = [0; 20];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (nibble(pair[0])? << 4) | nibble(pair[1])?;
        }
        Ok(Self(bytes))
    }

    /// The bits of this entry in a filter of `bits`: double hashing with the first and second eight bytes of the
    /// digest.
    fn probes(self, bits: u64) -> impl Iterator<Item = (usize, u8)> {
        let word = |range: Range<usize>| {
            u64::from_le_bytes(self.0[range].try_into().expect("eight bytes of twenty"))
        };
        let (first, step) = (word(0..8), word(8..16) | 1);
        (0..PROBES).map(move |probe| {
            let spread = u128::from(first.wrapping_add(step.wrapping_mul(probe)));
            let bit = u64::try_from((spread * u128::from(bits)) >> 64).expect("less than `bits`");
            let byte =
                usize::try_from(bit / 8).expect("filters of addressable size are built and opened only");
            (byte, 1 << (bit % 8))
        })
    }
}

fn nibble(digit: u8) -> Result<u8, ParseBreachedHashError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(ParseBreachedHashError),
    }
}

fn bits_for(entries: u64) -> u64 {
    (entries * BITS_PER_ENTRY).next_multiple_of(64)
}

fn digest_of(sizes: &[u8], body: &[u8]) -> Digest {
    let mut context = Context::new(&SHA256);
    context.update(sizes);
    context.update(body);
    context.finish()
}

/// Builds a filter of at most `entries` passwords: the bytes of a file that [`BreachFilter::open`] reads.
pub fn build_filter(
    entries: u64,
    hashes: impl IntoIterator<Item = BreachedHash>,
) -> Result<Vec<u8>, BuildFilterError> {
    if !(1..=ENTRIES_MAX).contains(&entries) {
        return Err(BuildFilterError::Entries { entries });
    }
    let bits = bits_for(entries);
    let body_bytes = usize::try_from(bits / 8).map_err(|_| BuildFilterError::Entries { entries })?;
    let mut filter = vec![0; HEADER_BYTES + body_bytes];
    let (header, body) = filter.split_at_mut(HEADER_BYTES);
    let mut count = 0;
    for hash in hashes {
        count += 1;
        if count > entries {
            return Err(BuildFilterError::Overflow { entries });
        }
        for (byte, mask) in hash.probes(bits) {
            body[byte] |= mask;
        }
    }
    header[..8].copy_from_slice(MAGIC);
    header[8..16].copy_from_slice(&entries.to_le_bytes());
    header[16..24].copy_from_slice(&bits.to_le_bytes());
    let digest = digest_of(&header[8..24], body);
    header[24..].copy_from_slice(digest.as_ref());
    Ok(filter)
}

// === impl BreachFilter ===

impl BreachFilter {
    /// Opens a filter, and checks the whole of it, which reads it once.
    pub fn open(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Self, OpenFilterError> {
        let (header, body) = bytes.as_ref().split_at_checked(HEADER_BYTES).ok_or(OpenFilterError::Format)?;
        let word = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().expect("inside the header"));
        if header[..8] != *MAGIC {
            return Err(OpenFilterError::Format);
        }
        let (entries, bits) = (word(8), word(16));
        let sizes_agree = (1..=ENTRIES_MAX).contains(&entries)
            && bits == bits_for(entries)
            && u64::try_from(body.len()).is_ok_and(|length| length == bits / 8);
        if !sizes_agree {
            return Err(OpenFilterError::Length);
        }
        if header[24..] != *digest_of(&header[8..24], body).as_ref() {
            return Err(OpenFilterError::Damaged);
        }
        Ok(Self { bytes: Box::new(bytes), bits, entries })
    }

    /// How many passwords it was built for.
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// Whether a password is in the list: always right when it says no.
    pub fn contains(&self, password: &str) -> bool {
        let body = &(*self.bytes).as_ref()[HEADER_BYTES..];
        BreachedHash::of_password(password).probes(self.bits).all(|(byte, mask)| body[byte] & mask != 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filter_of(range: Range<u32>) -> Vec<u8> {
        let entries = u64::from(range.end - range.start);
        build_filter(entries, range.map(|number| BreachedHash::of_password(&format!("breached-{number}"))))
            .unwrap()
    }

    #[test]
    fn asvs_v6_2_12_finds_every_listed_password() {
        let filter = BreachFilter::open(filter_of(0..20_000)).unwrap();
        assert!((0..20_000).all(|number| filter.contains(&format!("breached-{number}"))));
        assert_eq!(filter.entries(), 20_000);
    }

    #[test]
    fn refuses_fewer_than_one_good_password_in_a_thousand() {
        let filter = BreachFilter::open(filter_of(0..20_000)).unwrap();
        let refused = (0..100_000).filter(|number| filter.contains(&format!("good-{number}"))).count();
        assert!(refused < 100, "{refused} of 100,000");
    }

    #[test]
    fn reads_lines_of_public_collections() {
        let password = BreachedHash::of_password("password");
        for line in [
            "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8",
            "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
            "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10434004",
            "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:1\r",
        ] {
            assert_eq!(BreachedHash::parse_line(line.as_bytes()), Ok(password), "{line}");
        }
        for line in [
            "",
            "5BAA",
            "ZBAA61E4C9B93F3F0682250B6CF8331B7EE68FD8",
            "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:",
            "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8 1",
        ] {
            assert_eq!(BreachedHash::parse_line(line.as_bytes()), Err(ParseBreachedHashError), "{line}");
        }
    }

    #[test]
    fn damaged_filter_is_not_opened() {
        let good = filter_of(0..100);
        let opened = |bytes: Vec<u8>| BreachFilter::open(bytes).map(|_| ());
        let flipped = |at: usize| {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            bytes
        };
        assert_eq!(opened(good.clone()), Ok(()));
        assert_eq!(opened(flipped(0)), Err(OpenFilterError::Format));
        assert_eq!(opened(flipped(8)), Err(OpenFilterError::Damaged));
        assert_eq!(opened(flipped(16)), Err(OpenFilterError::Length));
        assert_eq!(opened(flipped(30)), Err(OpenFilterError::Damaged));
        assert_eq!(opened(flipped(good.len() - 1)), Err(OpenFilterError::Damaged));
        assert_eq!(opened(good[..good.len() - 1].to_vec()), Err(OpenFilterError::Length));
        assert_eq!(opened(good[..55].to_vec()), Err(OpenFilterError::Format));
    }

    #[test]
    fn size_is_announced_and_kept_to() {
        let hash = BreachedHash::of_password("a");
        assert_eq!(build_filter(0, []), Err(BuildFilterError::Entries { entries: 0 }));
        assert_eq!(
            build_filter(ENTRIES_MAX + 1, []),
            Err(BuildFilterError::Entries { entries: ENTRIES_MAX + 1 })
        );
        assert_eq!(build_filter(1, [hash; 2]), Err(BuildFilterError::Overflow { entries: 1 }));
    }

    proptest! {
        #[test]
        fn any_bytes_are_opened_or_refused(bytes: Vec<u8>, entries in 0_u64..100) {
            let _ = BreachFilter::open(bytes.clone());
            let headed = [&MAGIC[..], &entries.to_le_bytes(), &bits_for(entries).to_le_bytes(), &bytes].concat();
            let _ = BreachFilter::open(headed);
        }

        #[test]
        fn any_line_is_read_or_refused(line: Vec<u8>) {
            let _ = BreachedHash::parse_line(&line);
        }
    }
}
