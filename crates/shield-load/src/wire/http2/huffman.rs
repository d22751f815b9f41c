//! The Huffman code of header compression (RFC 7541, appendix B).
//!
//! Only reading: what this client sends is not compressed, which costs a few bytes and saves time on both sides. The
//! code is canonical, so the lengths of its words say everything.

use std::sync::LazyLock;

/// Length of the word of each byte, and of the end mark.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28,
    28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6,
    6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7,
    8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7,
    15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24,
    23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23,
    23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26,
    26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20,
    21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27,
    27, 27, 26, 30,
];
const END: usize = 256;
/// Shorter than every word, so that a step completes at most one.
const STEP_BITS: u32 = 4;
const STEPS: usize = 1 << STEP_BITS;

/// Where a step of four bits leads.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Into the middle of a word.
    Inside(u8),
    /// Through the end of the word of this byte.
    Past { byte: u8, to: u8 },
    /// Out of the code.
    Nowhere,
}

/// The code as a machine: its states are the inner nodes of the tree of words.
struct Machine {
    steps: Vec<[Step; STEPS]>,
    /// States in which a text may end: after nothing but ones, fewer than eight.
    ends: Vec<bool>,
}

#[derive(Clone, Copy)]
enum Node {
    None,
    Inner(u8),
    Leaf(usize),
}

static MACHINE: LazyLock<Machine> = LazyLock::new(Machine::new);

/// Reads a whole text into `out`; none when it is not one.
pub(super) fn decode(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let machine = &*MACHINE;
    let mut state = 0_u8;
    for byte in bytes {
        for step in [byte >> STEP_BITS, byte & 0xf] {
            match machine.steps[usize::from(state)][usize::from(step)] {
                Step::Inside(to) => state = to,
                Step::Past { byte, to } => {
                    out.push(byte);
                    state = to;
                }
                Step::Nowhere => return None,
            }
        }
    }
    machine.ends[usize::from(state)].then_some(())
}

// === impl Machine ===

impl Machine {
    fn new() -> Self {
        let tree = tree();
        let walk = |state: usize, step: usize| {
            let (mut at, mut byte) = (state, None);
            for bit in (0..STEP_BITS).rev() {
                match tree[at][step >> bit & 1] {
                    Node::Inner(to) => at = usize::from(to),
                    Node::Leaf(END) | Node::None => return Step::Nowhere,
                    Node::Leaf(symbol) => {
                        byte = u8::try_from(symbol).ok();
                        at = 0;
                    }
                }
            }
            let to = u8::try_from(at).expect("a code of 257 words has 256 inner nodes");
            byte.map_or(Step::Inside(to), |byte| Step::Past { byte, to })
        };
        let steps = (0..tree.len()).map(|state| std::array::from_fn(|step| walk(state, step))).collect();
        let mut ends = vec![false; tree.len()];
        let mut at = 0;
        for _ in 0..8 {
            ends[at] = true;
            let Node::Inner(to) = tree[at][1] else { break };
            at = usize::from(to);
        }
        Self { steps, ends }
    }
}

/// The inner nodes of the tree, the root first.
fn tree() -> Vec<[Node; 2]> {
    let mut symbols: Vec<usize> = (0..LENGTHS.len()).collect();
    symbols.sort_by_key(|symbol| (LENGTHS[*symbol], *symbol));
    let mut nodes = vec![[Node::None; 2]];
    let (mut word, mut length) = (0_u32, 0);
    for symbol in symbols {
        word <<= LENGTHS[symbol] - length;
        length = LENGTHS[symbol];
        let mut at = 0;
        for bit in (1..length).rev() {
            let side = (word >> bit & 1) as usize;
            at = match nodes[at][side] {
                Node::Inner(to) => usize::from(to),
                Node::None | Node::Leaf(_) => {
                    let to = u8::try_from(nodes.len()).expect("a code of 257 words has 256 inner nodes");
                    nodes[at][side] = Node::Inner(to);
                    nodes.push([Node::None; 2]);
                    usize::from(to)
                }
            };
        }
        nodes[at][(word & 1) as usize] = Node::Leaf(symbol);
        word += 1;
    }
    nodes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LENGTHS, decode};

    fn decoded(bytes: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        decode(bytes, &mut out).map(|()| out)
    }

    /// The words themselves, from their lengths.
    fn words() -> Vec<(u32, u8)> {
        let mut symbols: Vec<usize> = (0..LENGTHS.len()).collect();
        symbols.sort_by_key(|symbol| (LENGTHS[*symbol], *symbol));
        let mut words = vec![(0, 0); LENGTHS.len()];
        let (mut word, mut length) = (0_u32, 0);
        for symbol in symbols {
            word <<= LENGTHS[symbol] - length;
            length = LENGTHS[symbol];
            words[symbol] = (word, length);
            word += 1;
        }
        words
    }

    fn encoded(text: &[u8]) -> Vec<u8> {
        let (words, mut bits) = (words(), Vec::new());
        for byte in text {
            let (word, length) = words[usize::from(*byte)];
            bits.extend((0..length).rev().map(|bit| (word >> bit & 1) as u8));
        }
        bits.resize(bits.len().next_multiple_of(8), 1);
        bits.chunks(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
    }

    #[test]
    fn reads_the_examples_of_the_standard() {
        // RFC 7541, C.4.1, C.4.2, C.6.1.
        let host = [0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
        assert_eq!(decoded(&host).unwrap(), b"www.example.com");
        assert_eq!(decoded(&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf]).unwrap(), b"no-cache");
        assert_eq!(decoded(&[0x64, 0x02]).unwrap(), b"302");
        assert_eq!(decoded(&[]).unwrap(), b"");
    }

    #[test]
    fn words_are_those_of_the_standard() {
        let words = words();
        let expected = [(b'0', 0x0, 5), (b'%', 0x15, 6), (b'|', 0x7fc, 11), (0xff, 0x03ff_ffee, 26)];
        for (byte, word, length) in expected {
            assert_eq!(words[usize::from(byte)], (word, length), "{byte}");
        }
        assert_eq!(words[256], (0x3fff_ffff, 30));
    }

    #[test]
    fn refuses_what_is_no_text() {
        // Padding of eight ones, padding with a zero, the end mark.
        for bytes in [&[0xff][..], &[0x00], &[0xff, 0xff, 0xff, 0xfc], &[0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(decoded(bytes), None, "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn reads_every_text(text in prop::collection::vec(any::<u8>(), 0..60)) {
            prop_assert_eq!(decoded(&encoded(&text)), Some(text));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            decoded(&bytes);
        }
    }
}
