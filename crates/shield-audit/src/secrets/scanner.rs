//! Finds secrets: one pass for keywords, and a closer look around each.
//!
//! Every kind has a text that each of its secrets holds. One automaton finds them all in one pass over the bytes; only around a
//! hit is anything read more closely, and only so far as the longest secret of the kind reaches. A file without hits, as nearly
//! all are, costs that pass alone; time grows with the length of a file whatever its bytes are.

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::{
    page::{Kind, Page},
    providers, rules,
    secret::Secret,
    text,
};
use crate::finding::{Confidence, Finding};

/// Parts of names that claim a secret.
const NAMES: [&str; 9] = ["pass", "pwd", "secret", "token", "key", "cred", "auth", "access", "api"];
/// Looks for secrets. Made once, it may be used by many threads.
#[derive(Debug)]
pub struct Scanner {
    automaton: AhoCorasick,
    /// What each pattern of the automaton stands for.
    kinds: Vec<Kind>,
}

// === impl Scanner ===

impl Scanner {
    /// A scanner for all kinds.
    pub fn new() -> Self {
        let own = [
            ("://", Kind::Url),
            ("-----BEGIN", Kind::PrivateKey),
            ("PuTTY-User-Key-File-", Kind::Putty),
            ("eyJ", Kind::Jwt),
            ("bearer ", Kind::Bearer),
            ("basic ", Kind::Basic),
            ("curl", Kind::Curl),
        ];
        let tokens = providers::all().flat_map(|provider| {
            provider.keywords.iter().map(move |keyword| (*keyword, Kind::Token(provider)))
        });
        let names = NAMES.map(|name| (name, Kind::Name));
        let (keywords, kinds): (Vec<_>, Vec<_>) = tokens.chain(own).chain(names).unzip();
        let built = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(keywords);
        let automaton = built.expect("two hundred short keywords are far below the limits of an automaton");
        Self { automaton, kinds }
    }

    /// The secrets in `bytes`, in the order of their places. `file` is its path in the tree, `/` between names: it tells whether
    /// values need quotes, and tests and documentation, of which less is believed.
    pub fn scan(&self, file: &str, bytes: &[u8]) -> Vec<Secret> {
        if is_key_store(file) {
            // DER begins with the tag of a sequence.
            let confidence = if bytes.starts_with(&[0x30]) { Confidence::High } else { Confidence::Low };
            return vec![Secret::whole_file(&rules::KEY_STORE, confidence, bytes)];
        }
        let bytes = &*text::readable(bytes);
        let page = Page::new(file, bytes);
        let hits = self.automaton.find_overlapping_iter(bytes);
        page.secrets(hits.map(|hit| (self.kinds[hit.pattern().as_usize()], hit.range())))
    }

    /// What [`Self::scan`] finds, said as findings, without fingerprints.
    pub fn findings(&self, file: &str, bytes: &[u8]) -> Vec<Finding> {
        self.scan(file, bytes).iter().map(|secret| secret.finding(file)).collect()
    }
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

/// PKCS #12, by its name.
fn is_key_store(file: &str) -> bool {
    let extension = file.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| {
        extension.eq_ignore_ascii_case("p12") || extension.eq_ignore_ascii_case("pfx")
    })
}

#[cfg(test)]
#[path = "scanner_tests.rs"]
mod tests;
