//! Random damage: nothing that was changed verifies, and nothing panics.

use proptest::prelude::*;

use super::{ALGORITHMS, Issuer, NOW};
use crate::token::{Algorithm, KeyRing, TokenPolicy};

/// A small generator (xorshift64), so that the seed is the whole test.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

fn mutate(token: &[u8], sequence: &mut Sequence) -> Vec<u8> {
    let mut mutant = token.to_vec();
    for _ in 0..=sequence.below(3) {
        let place = sequence.below(mutant.len());
        match sequence.below(6) {
            0 => mutant[place] ^= 1 << sequence.below(8),
            1 => mutant[place] = b"ABCDwxyz0189-_.="[sequence.below(16)],
            2 if mutant.len() > 1 => mutant = [&mutant[..place], &mutant[place + 1..]].concat(),
            3 => mutant.insert(place, b"Aa0-_."[sequence.below(6)]),
            4 => {
                let other = sequence.below(mutant.len());
                mutant.swap(place, other);
            }
            _ => mutant.truncate(place + 1),
        }
    }
    mutant
}

#[test]
fn a_hundred_thousand_mutants_are_refused() {
    // HS256 sees most of them: the same reader, and a signature that is quick to check.
    for (algorithm, count) in ALGORITHMS.into_iter().zip([2_000, 2_000, 96_000]) {
        let issuer = Issuer::new(algorithm);
        let token = issuer.issue();
        assert!(issuer.verify(&token).is_ok());
        let mut sequence = Sequence(0x9e37_79b9_7f4a_7c15);
        let mut refused = 0;
        while refused < count {
            let mutant = mutate(token.as_bytes(), &mut sequence);
            if mutant != token.as_bytes() {
                let answer = issuer.policy.verify(&issuer.ring, &mutant, NOW);
                assert!(answer.is_err(), "{}", String::from_utf8_lossy(&mutant));
                refused += 1;
            }
        }
    }
}

fn survives(policy: &TokenPolicy, ring: &KeyRing, bytes: &[u8]) {
    assert!(policy.verify(ring, bytes, NOW).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_refused(bytes: Vec<u8>, parts: [Vec<u8>; 3]) {
        let issuer = Issuer::new(Algorithm::Hs256);
        survives(&issuer.policy, &issuer.ring, &bytes);
        survives(&issuer.policy, &issuer.ring, &parts.join(&b'.'));
    }

    #[test]
    fn any_signed_claims_survive(header in "\\PC{0,60}", claims in r#"\{?("[a-z]{0,5}":("\PC{0,9}"|[0-9]{0,12}|null),?){0,9}\}?"#) {
        let issuer = Issuer::new(Algorithm::Hs256);
        prop_assert!(issuer.verify(&issuer.sign(&issuer.header(), &claims)).is_err());
        prop_assert!(issuer.verify(&issuer.sign(&header, &issuer.claims())).is_err());
    }
}
