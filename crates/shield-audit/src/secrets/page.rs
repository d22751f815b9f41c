//! A text with what is known about its file: decides around a hit.

use std::{cell::OnceCell, ops::Range};

use memchr::memmem;

use super::{
    assignment::{
        Claim, Place, Quoting, Reading, claim, docstrings, literal_behind, name_around,
        password_in_connection, repeats_name,
    },
    credential_url, header, jwt,
    look::{Look, is_published, is_typed_token, look},
    private_key::{self, KeyBlock, Protection},
    providers::Provider,
    redaction::{Identity, Redacted},
    rules,
    secret::{Candidate, Secret},
    text::{self, Lines},
};
use crate::finding::{Confidence, Rule, Severity};

/// How far before a secret its line is looked for.
const LINE_MAX: usize = 300;
/// Longest name that is shown.
const NAME_SHOWN_MAX: usize = 60;

/// What is looked for around a keyword.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Token(&'static Provider),
    Name,
    Url,
    PrivateKey,
    Putty,
    Jwt,
    Bearer,
    Basic,
    Curl,
}

/// A text with what is known about its file.
pub(super) struct Page<'a> {
    bytes: &'a [u8],
    place: Place,
    reading: Reading,
    data: bool,
    /// Where Python documents itself, once it was asked for.
    docstrings: OnceCell<Vec<Range<usize>>>,
    /// Where the tests inside of the file begin: at its end, if it has none.
    tests: usize,
}

// === impl Page ===

impl<'a> Page<'a> {
    pub(super) fn new(file: &str, bytes: &'a [u8]) -> Self {
        let rust = file.ends_with(".rs");
        let tests = if rust { memmem::find(bytes, b"\n#[cfg(test)]") } else { None };
        Self {
            bytes,
            place: Place::of(file),
            reading: Reading::of(file),
            data: text::is_data(bytes),
            docstrings: if file.ends_with(".py") { OnceCell::new() } else { OnceCell::from(Vec::new()) },
            tests: tests.unwrap_or(bytes.len()),
        }
    }

    /// What the part of the file around `at` is for: code has comments, and Rust has tests beside it.
    fn place_at(&self, at: usize) -> Place {
        let comment = || {
            let before = &self.bytes[at.saturating_sub(LINE_MAX)..at];
            let line =
                memchr::memrchr(b'\n', before).map_or(before, |end| &before[end + 1..]).trim_ascii_start();
            [&b"//"[..], b"# ", b"* ", b"/*"].iter().any(|mark| line.starts_with(mark))
        };
        let documented = || {
            let docstrings = self.docstrings.get_or_init(|| docstrings(self.bytes));
            let behind = docstrings.partition_point(|docstring| docstring.end <= at);
            docstrings.get(behind).is_some_and(|docstring| docstring.contains(&at))
        };
        match self.place {
            Place::Live if at >= self.tests => Place::Test,
            Place::Live if self.reading == Reading::Quoted && (comment() || documented()) => {
                Place::Documentation
            }
            place => place,
        }
    }

    fn candidate(&self, kind: Kind, hit: Range<usize>) -> Option<Candidate> {
        let bytes = self.bytes;
        let found = |rule, range, confidence| Some(self.found(rule, range, confidence));
        match kind {
            Kind::Token(provider) => self.token(provider, hit.start),
            Kind::Url => self.credential_url(hit.start),
            Kind::PrivateKey => self.private_key(private_key::block_at(bytes, hit.start)?),
            Kind::Putty => self.private_key(private_key::putty_at(bytes, hit.start)?),
            Kind::Jwt => found(&rules::JWT, jwt::token_at(bytes, hit.start)?, Confidence::Medium),
            Kind::Bearer => found(&rules::BEARER, header::bearer_behind(bytes, hit.end)?, Confidence::Medium),
            Kind::Basic => found(&rules::BASIC, header::basic_behind(bytes, hit.end)?, Confidence::Medium),
            Kind::Curl => found(&rules::BASIC, header::curl_behind(bytes, hit.end)?, Confidence::Medium),
            Kind::Name => None,
        }
    }

    fn token(&self, provider: &'static Provider, hit: usize) -> Option<Candidate> {
        let (start, end) = provider.token_at(self.bytes, hit)?;
        let place = self.place_at(start);
        let token = &self.bytes[start..end];
        let proven = provider.proves(token);
        let example = is_typed_token(provider.random_part(token)) || is_published(token);
        let confidence = provider.confidence(token);
        // What fails its checksum is no secret where secrets are only shown or pretended.
        if !proven && (example || confidence == Confidence::Low && place != Place::Live) {
            return None;
        }
        let mut found = self.found(&provider.rule, start..end, confidence);
        if proven {
            let severity = if place == Place::Live { Severity::Critical } else { Severity::High };
            (found.severity, found.confidence) = (severity, Confidence::High);
        }
        Some(found)
    }

    fn credential_url(&self, hit: usize) -> Option<Candidate> {
        let url = credential_url::url_at(self.bytes, hit)?;
        let generated = look(&self.bytes[url.password.clone()]) == Look::Random;
        let confidence = if generated { Confidence::High } else { Confidence::Medium };
        let name = self.shown(&url.host);
        Some(Candidate { name, ..self.found(&rules::CREDENTIAL_URL, url.password, confidence) })
    }

    fn private_key(&self, block: KeyBlock) -> Option<Candidate> {
        let rule = match block.protection {
            Protection::None => &rules::PRIVATE_KEY,
            Protection::Passphrase => &rules::ENCRYPTED_KEY,
        };
        Some(self.found(rule, block.range, Confidence::High))
    }

    /// The literal behind a name, if both look like a secret.
    fn assigned(&self, name: Range<usize>) -> Option<Candidate> {
        let claim = claim(&self.bytes[name.clone()])?;
        let connection = || password_in_connection(self.bytes, &name).filter(|_| claim == Claim::Password);
        let literal = literal_behind(self.bytes, &name, self.reading).or_else(connection)?;
        let value = &self.bytes[literal.range.clone()];
        let look = look(value);
        let shown = self.place_at(name.start) != Place::Live;
        let confidence = match (claim, look) {
            (Claim::Password | Claim::Key, Look::Random) => Confidence::High,
            (Claim::Key, Look::Uuid) | (Claim::Related, Look::Random) => Confidence::Medium,
            (Claim::Password, Look::Chosen) if !shown => self.chosen(&name, value, literal.quoting)?,
            (Claim::Key, Look::Chosen) if !shown && self.is_signing_key(&name, value) => {
                self.chosen(&name, value, literal.quoting)?
            }
            _ => return None,
        };
        let rule = if claim == Claim::Password { &rules::PASSWORD } else { &rules::KEY };
        let shown_name = self.shown(&name);
        Some(Candidate { name: shown_name, ..self.found(rule, literal.range, confidence) })
    }

    /// How sure it is that a person chose the value as a password.
    fn chosen(&self, name: &Range<usize>, value: &[u8], quoting: Quoting) -> Option<Confidence> {
        let one_word = value.iter().all(u8::is_ascii_alphabetic);
        // The arm of a match: `Kind::Password => "…"`.
        let path = self.bytes[..name.start].ends_with(b"::");
        let labelled = one_word && value[0].is_ascii_uppercase();
        match quoting {
            _ if path || labelled || repeats_name(&self.bytes[name.clone()], value) => None,
            Quoting::Argument => None,
            Quoting::Bare if one_word && value.len() < 6 => None,
            _ if one_word => Some(Confidence::Low),
            _ => Some(Confidence::Medium),
        }
    }

    /// Whether a key is of the kind that people make up: long enough, and for signing or encryption.
    fn is_signing_key(&self, name: &Range<usize>, value: &[u8]) -> bool {
        let name = self.bytes[name.clone()].to_ascii_lowercase();
        value.len() >= 8
            && [&b"secret"[..], b"encryption", b"signing", b"jwt"]
                .iter()
                .any(|kind| memmem::find(&name, kind).is_some())
    }

    fn found(&self, rule: &'static Rule, range: Range<usize>, confidence: Confidence) -> Candidate {
        let (severity, confidence) = match self.place_at(range.start) {
            Place::Live | Place::Translation | Place::Lock => (rule.severity, confidence),
            Place::Test | Place::Documentation => (rule.severity.min(Severity::Medium), lower(confidence)),
        };
        Candidate { rule, severity, confidence, range, name: String::new() }
    }

    fn shown(&self, range: &Range<usize>) -> String {
        let text = String::from_utf8_lossy(&self.bytes[range.clone()]);
        text.chars().take(NAME_SHOWN_MAX).filter(|letter| !letter.is_control()).collect()
    }

    /// The secrets around these hits, in the order of their places; of those that overlap, only the best.
    pub(super) fn secrets(&self, hits: impl Iterator<Item = (Kind, Range<usize>)>) -> Vec<Secret> {
        let named = !self.data && self.place != Place::Lock;
        let mut candidates = Vec::new();
        let mut name_end = 0;
        for (kind, hit) in hits {
            match kind {
                // Several words of one name are one hit.
                Kind::Name if !named || hit.start < name_end => {}
                Kind::Name => {
                    if let Some(name) = name_around(self.bytes, hit) {
                        name_end = name.end;
                        candidates.extend(self.assigned(name));
                    }
                }
                kind => candidates.extend(self.candidate(kind, hit)),
            }
        }
        let mut lines = Lines::new(self.bytes);
        best(candidates).into_iter().map(|candidate| self.secret(candidate, &mut lines)).collect()
    }

    fn secret(&self, candidate: Candidate, lines: &mut Lines<'_>) -> Secret {
        let Candidate { rule, severity, confidence, range, name } = candidate;
        let secret = &self.bytes[range.clone()];
        Secret {
            rule,
            severity,
            confidence,
            span: Some(lines.span(range.start, range.end)),
            name,
            redacted: Redacted::of(secret),
            identity: Identity::of(secret),
        }
    }
}

/// The candidates of which none overlaps a better one.
fn best(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by_key(|candidate| (candidate.range.start, candidate.range.end));
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        match kept.last() {
            Some(last) if candidate.range.start < last.range.end && !candidate.beats(last) => {}
            Some(last) if candidate.range.start < last.range.end => {
                kept.pop();
                kept.push(candidate);
            }
            _ => kept.push(candidate),
        }
    }
    kept
}

fn lower(confidence: Confidence) -> Confidence {
    match confidence {
        Confidence::High => Confidence::Medium,
        Confidence::Medium | Confidence::Low => Confidence::Low,
    }
}
