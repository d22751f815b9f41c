//! Tokens of providers: what each of them looks like, and what proves that one is real.

use super::{
    super::{
        checksum::crc32_base62_fits,
        shape::{self, Part},
    },
    clouds, code, messaging, models, payments, services,
};
use crate::finding::{Confidence, Cwe, Rule, Severity};

/// One kind of token.
#[derive(Debug)]
pub(in crate::secrets) struct Provider {
    pub(in crate::secrets) rule: Rule,
    /// Texts one of which every token of the kind holds, whatever the case.
    pub(in crate::secrets) keywords: &'static [&'static str],
    /// How many characters of a token may stand before its keyword, the most first.
    before: &'static [usize],
    /// How its tokens look, the longest first.
    shapes: &'static [&'static [Part]],
    proof: Proof,
}

/// What proves that a token was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// Its form says so: no text looks like that by accident.
    Form,
    /// Its form is common: something else may look so.
    WeakForm,
    /// CRC-32 in base62 of what lies behind so many characters.
    Crc32(usize),
}

/// All of them.
pub(in crate::secrets) fn all() -> impl Iterator<Item = &'static Provider> {
    [code::ALL, clouds::ALL, messaging::ALL, models::ALL, payments::ALL, services::ALL].into_iter().flatten()
}

/// A token of one kind, told by its form.
pub(super) const fn token(
    rule: Rule,
    keywords: &'static [&'static str],
    shapes: &'static [&'static [Part]],
) -> Provider {
    Provider { rule, keywords, before: &[0], shapes, proof: Proof::Form }
}

pub(super) const fn rule(id: &'static str, title: &'static str, aliases: &'static [&'static str]) -> Rule {
    let advice = "Revoke it at its provider, make a new one, and read that from the environment or a store of secrets.";
    Rule { id, title, cwe: Cwe(798), severity: Severity::High, aliases, advice }
}

// === impl Provider ===

impl Provider {
    pub(super) const fn behind(self, before: &'static [usize]) -> Self {
        Self { before, ..self }
    }

    pub(super) const fn weak(self) -> Self {
        Self { proof: Proof::WeakForm, ..self }
    }

    pub(super) const fn summed(self, prefix: usize) -> Self {
        Self { proof: Proof::Crc32(prefix), ..self }
    }

    /// The token whose keyword was found at `hit`: from where to where.
    pub(in crate::secrets) fn token_at(&self, bytes: &[u8], hit: usize) -> Option<(usize, usize)> {
        let starts = self.before.iter().filter_map(|before| hit.checked_sub(*before));
        let mut starts = starts.filter(|start| shape::begins(bytes, *start));
        starts.find_map(|start| {
            let end = self.shapes.iter().find_map(|shape| shape::end_of(shape, bytes, start))?;
            (end > hit).then_some((start, end))
        })
    }

    /// How sure it is that the token was issued; for a token with a checksum, only that decides.
    pub(in crate::secrets) fn confidence(&self, token: &[u8]) -> Confidence {
        match self.proof {
            Proof::Crc32(prefix) if crc32_base62_fits(token, prefix) => Confidence::High,
            Proof::Crc32(_) => Confidence::Low,
            Proof::Form => Confidence::High,
            Proof::WeakForm => Confidence::Medium,
        }
    }

    /// Whether a checksum proves the token.
    pub(in crate::secrets) fn proves(&self, token: &[u8]) -> bool {
        matches!(self.proof, Proof::Crc32(_)) && self.confidence(token) == Confidence::High
    }

    /// The part of a token that its form does not fix, as far as its beginning goes.
    pub(in crate::secrets) fn random_part<'a>(&self, token: &'a [u8]) -> &'a [u8] {
        let fixed = match self.before {
            [0] => self.keywords.iter().map(|keyword| keyword.len()).min().unwrap_or(0),
            _ => 0,
        };
        &token[fixed.min(token.len())..]
    }
}
