//! Inputs that are nearly right: seeds, changed a little, over and over. An input that was answered in a new way becomes a seed
//! itself, so that the changes go on from it.

use fastrand::Rng;

/// Seeds that are kept.
const SEEDS_MAX: usize = 4_096;
/// Bytes of an input: beyond every length that a parser reads.
const INPUT_BYTES_MAX: usize = 20_000;
/// Changes of one input, at most.
const CHANGES_MAX: usize = 6;
/// Bytes that mean something to one parser or another.
const TELLING: &[u8] = b".,;:=\"'%\\/_- \t\r\n\0\x7f\x80\xff[]{}()<>@#?&+0A";

/// Makes inputs; the same seed of the generator makes the same ones.
pub(super) struct Mutator {
    random: Rng,
    seeds: Vec<Vec<u8>>,
    words: &'static [&'static str],
}

// === impl Mutator ===

impl Mutator {
    /// From these seeds, of which there is one at least, and words that the parser knows.
    pub(super) fn new(random: Rng, seeds: Vec<Vec<u8>>, words: &'static [&'static str]) -> Self {
        Self { random, seeds, words }
    }

    /// The next input.
    pub(super) fn next(&mut self) -> Vec<u8> {
        let mut input = self.seed();
        for _ in 0..self.random.usize(1..=CHANGES_MAX) {
            self.change(&mut input);
        }
        input.truncate(INPUT_BYTES_MAX);
        input
    }

    /// Goes on from an input that was answered in a new way.
    pub(super) fn keep(&mut self, input: Vec<u8>) {
        if self.seeds.len() < SEEDS_MAX {
            self.seeds.push(input);
        }
    }

    fn seed(&mut self) -> Vec<u8> {
        let index = self.random.usize(..self.seeds.len());
        self.seeds[index].clone()
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.random.usize(..=input.len());
        let end = self.random.usize(at..=input.len());
        match self.random.u8(..10) {
            0 if at < input.len() => input[at] ^= 1 << self.random.u8(..8),
            1 if at < input.len() => input[at] = self.random.u8(..),
            2 if at < input.len() => input[at] = self.telling(),
            3 => input.insert(at, self.telling()),
            4 => drop(input.drain(at..end.min(at + 16))),
            5 => input.truncate(at),
            6 => {
                let copy = input[at..end].to_vec();
                let times = self.random.usize(1..=8);
                copy.repeat(times).into_iter().take(INPUT_BYTES_MAX).for_each(|byte| input.push(byte));
            }
            7 => {
                let other = self.seed();
                let from = self.random.usize(..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            8 if !self.words.is_empty() => {
                let word = self.words[self.random.usize(..self.words.len())];
                drop(input.splice(at..end.min(at + word.len()), word.bytes()));
            }
            _ => input[at..end].reverse(),
        }
    }

    fn telling(&mut self) -> u8 {
        TELLING[self.random.usize(..TELLING.len())]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use fastrand::Rng;

    use super::{INPUT_BYTES_MAX, Mutator};

    #[test]
    fn makes_many_inputs_and_the_same_ones_again() {
        let inputs = || {
            let mut mutator = Mutator::new(Rng::with_seed(7), vec![b"a.b.c".to_vec()], &["Bearer"]);
            (0..10_000).map(|_| mutator.next()).collect::<Vec<_>>()
        };
        let (first, again) = (inputs(), inputs());
        assert_eq!(first, again);
        assert!(first.iter().all(|input| input.len() <= INPUT_BYTES_MAX));
        let different: HashSet<_> = first.into_iter().collect();
        assert!(different.len() > 5_000, "{}", different.len());
    }
}
