//! Which passwords may be set. Never asked at log-in: a password that was allowed once still works.

use std::{cmp::Reverse, fmt};

use shield_types::Secret;

use super::{
    breach::BreachFilter,
    common::{is_common, is_predictable},
    hasher::PASSWORD_BYTES_MAX,
};

/// The smallest minimum that ASVS 5.0 allows (6.2.1).
pub const PASSWORD_CHARACTERS_MIN: usize = 8;
/// The minimum that it recommends (6.2.1).
pub const PASSWORD_CHARACTERS_RECOMMENDED: usize = 15;
/// The longest password; 6.2.9 asks for 64 at least.
pub const PASSWORD_CHARACTERS_MAX: usize = 128;
/// Shorter words are in too many good passwords to be refused.
const WORD_CHARACTERS_MIN: usize = 4;
/// Words that one password is compared with.
const WORDS_MAX: usize = 64;

/// What a service demands of passwords.
pub struct PasswordPolicy {
    characters_min: usize,
    /// The documented list of ASVS 5.0, 6.1.2, in lower case.
    service_words: Vec<String>,
    breached: Option<BreachFilter>,
}

/// A policy that would be unsafe, or that ASVS forbids.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Too short to be safe, or so long that 64 characters are not enough (6.2.9).
    #[error("set the shortest password to `{characters}`: expected 8 to 64 characters")]
    Minimum {
        /// What was asked for.
        characters: usize,
    },
    /// More words than a password is compared with.
    #[error("set {count} words that passwords must not be made of: expected at most {WORDS_MAX}")]
    Words {
        /// How many there were.
        count: usize,
    },
}

/// Why a password may not be set. Its owner may know: the password is theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefusal {
    /// Fewer characters than the minimum.
    #[error("use at least {characters_min} characters")]
    TooShort {
        /// The minimum.
        characters_min: usize,
    },
    /// More than 128 characters.
    #[error("use at most {PASSWORD_CHARACTERS_MAX} characters")]
    TooLong,
    /// One of those that are tried first.
    #[error("this password is one of the most common ones")]
    Common,
    /// A row of keys, or a short text repeated.
    #[error("this password is a simple pattern")]
    Predictable,
    /// Too little is left without the name of the service, or its owner's name or e-mail address.
    #[error("this password is made of your name, your e-mail address or our name")]
    ContextWord,
    /// In the operator's list of breached passwords.
    #[error("this password has appeared in a data breach")]
    Breached,
}

// === impl PasswordRefusal ===

impl PasswordRefusal {
    /// The name in events and in the field `code` of problem documents.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooShort { .. } => "too-short",
            Self::TooLong => "too-long",
            Self::Common => "common",
            Self::Predictable => "predictable",
            Self::ContextWord => "context-word",
            Self::Breached => "breached",
        }
    }
}

// === impl PasswordPolicy ===

impl PasswordPolicy {
    /// A policy. Words are compared without regard to case; those of fewer than four characters have no effect.
    pub fn new(
        characters_min: usize,
        service_words: &[&str],
        breached: Option<BreachFilter>,
    ) -> Result<Self, PolicyError> {
        if !(PASSWORD_CHARACTERS_MIN..=64).contains(&characters_min) {
            return Err(PolicyError::Minimum { characters: characters_min });
        }
        if service_words.len() > WORDS_MAX {
            return Err(PolicyError::Words { count: service_words.len() });
        }
        let service_words = service_words.iter().map(|word| word.to_lowercase()).collect();
        Ok(Self { characters_min, service_words, breached })
    }

    /// Whether a password may be set by somebody with these names (of [`words_of_email`], for one; the first 64 count, and of
    /// those the longest first, since a shorter one may be a part of it).
    ///
    /// There is no rule about kinds of characters (ASVS 5.0, 6.2.5). A word may be part of a password that would be
    /// long enough without it.
    pub fn check(&self, password: &Secret<String>, own_words: &[&str]) -> Result<(), PasswordRefusal> {
        let password = password.expose().as_str();
        let characters = password.chars().take(PASSWORD_CHARACTERS_MAX + 1).count();
        if characters > PASSWORD_CHARACTERS_MAX || password.len() > PASSWORD_BYTES_MAX {
            return Err(PasswordRefusal::TooLong);
        }
        if characters < self.characters_min {
            return Err(PasswordRefusal::TooShort { characters_min: self.characters_min });
        }
        let lower = password.to_lowercase();
        if is_common(&lower) {
            return Err(PasswordRefusal::Common);
        }
        if is_predictable(&lower) {
            return Err(PasswordRefusal::Predictable);
        }
        if self.is_made_of_words(lower, own_words) {
            return Err(PasswordRefusal::ContextWord);
        }
        match &self.breached {
            Some(breached) if breached.contains(password) => Err(PasswordRefusal::Breached),
            _ => Ok(()),
        }
    }

    fn is_made_of_words(&self, lower: String, own_words: &[&str]) -> bool {
        let own_words = own_words.iter().take(WORDS_MAX).map(|word| word.to_lowercase());
        let mut words: Vec<String> =
            self.service_words.iter().cloned().chain(own_words).filter(|word| counts(word)).collect();
        words.sort_by_key(|word| Reverse(word.len()));
        let mut rest = lower;
        let mut shortened = false;
        for word in words {
            if rest.contains(&word) {
                rest = rest.replace(&word, "");
                shortened = true;
            }
        }
        shortened && rest.chars().count() < self.characters_min
    }
}

impl fmt::Debug for PasswordPolicy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let breached = self.breached.as_ref().map(BreachFilter::entries);
        write!(formatter, "PasswordPolicy({} characters, breached: {breached:?})", self.characters_min)
    }
}

/// The words in an e-mail address that its owner's password must not be made of (ASVS 5.0, 6.2.11): the whole address, the part
/// before the `@`, the domain, what of it was registered (`example.org` of `mail.example.org`), what is left without the public
/// suffix (`mail.example`), and the pieces of these. At most 64, none so short that it has no effect.
pub fn words_of_email(email: &str) -> Vec<&str> {
    let (local, domain) = email.rsplit_once('@').unwrap_or((email, ""));
    let named = psl::suffix_str(domain).and_then(|suffix| domain.strip_suffix(suffix)).unwrap_or_default();
    let named = named.trim_end_matches('.');
    let between = |character: char| !character.is_alphanumeric();
    let registered = psl::domain_str(domain).unwrap_or_default();
    let pieces = local.split(between).chain(named.split(between));
    let words = [email, local, domain, registered, named].into_iter().chain(pieces);
    words.filter(|word| counts(word)).take(WORDS_MAX).collect()
}

/// Whether a word is long enough to be looked for.
fn counts(word: &str) -> bool {
    word.chars().count() >= WORD_CHARACTERS_MIN
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::breach::{BreachedHash, build_filter},
        *,
    };

    fn policy() -> PasswordPolicy {
        PasswordPolicy::new(PASSWORD_CHARACTERS_MIN, &["LinkShield"], None).unwrap()
    }

    fn check(password: &str, own_words: &[&str]) -> Result<(), PasswordRefusal> {
        policy().check(&Secret::new(password.to_owned()), own_words)
    }

    #[test]
    fn asvs_v6_2_1_refuses_fewer_than_eight_characters() {
        assert_eq!(check("k7#mq2!", &[]), Err(PasswordRefusal::TooShort { characters_min: 8 }));
        assert_eq!(check("k7#mq2!x", &[]), Ok(()));
        assert_eq!(
            check("жшщыфюъ", &[]),
            Err(PasswordRefusal::TooShort { characters_min: 8 }),
            "14 bytes, 7 characters"
        );
        assert_eq!(
            PasswordPolicy::new(7, &[], None).map(|_| ()),
            Err(PolicyError::Minimum { characters: 7 })
        );
        let recommended = PasswordPolicy::new(PASSWORD_CHARACTERS_RECOMMENDED, &[], None).unwrap();
        let refused = recommended.check(&Secret::new("k7#mq2!xk7#mq2".into()), &[]);
        assert_eq!(refused, Err(PasswordRefusal::TooShort { characters_min: 15 }));
    }

    #[test]
    fn asvs_v6_2_4_refuses_common_passwords_in_any_case() {
        for password in ["password", "PassWord1", "iloveyou2024!", "Football"] {
            assert_eq!(check(password, &[]), Err(PasswordRefusal::Common), "{password}");
        }
        assert_eq!(check("Zyxwvutsrq", &[]), Err(PasswordRefusal::Predictable));
    }

    #[test]
    fn asvs_v6_2_5_demands_no_kind_of_character() {
        for password in
            ["wombat seventy", "48213 90571 64", "!?&/)%$(§=", "дождь над рекой", "🐌🔒🚲🌋🎻🥝🧊🪁"]
        {
            assert_eq!(check(password, &[]), Ok(()), "{password}");
        }
        // What the original demanded is what it gets people to choose.
        assert_eq!(check("Password1!", &[]), Err(PasswordRefusal::Common));
    }

    #[test]
    fn asvs_v6_2_9_takes_64_to_128_characters() {
        let long: String = "abysm wendet 4 Löwen! ".chars().cycle().take(128).collect();
        assert_eq!(check(&long, &[]), Ok(()));
        assert_eq!(check(&format!("{long}x"), &[]), Err(PasswordRefusal::TooLong));
        let snails: String = "🐌🔒🚲🌋🎻🥝🧊🪁".chars().cycle().take(128).collect();
        assert_eq!(check(&snails, &[]), Ok(()), "512 bytes");
        assert!(PasswordPolicy::new(64, &[], None).is_ok() && PasswordPolicy::new(65, &[], None).is_err());
    }

    #[test]
    fn asvs_v6_2_11_refuses_context_words() {
        let own = words_of_email("jane.longstocking+shop@example.org");
        for password in ["linkshield-4821", "LINKSHIELDLinkshield", "Longstocking77!", "jane+Longstocking"] {
            assert_eq!(check(password, &own), Err(PasswordRefusal::ContextWord), "{password}");
        }
        assert_eq!(check("linkshield wombat 70", &own), Ok(()), "long enough without it");
        assert_eq!(check("jan wombat 70", &["jan"]), Ok(()), "three letters are in too many words");
    }

    /// Found by a hostile user: one's own address was a password.
    #[test]
    fn asvs_v6_2_11_refuses_ones_own_address() {
        let own = words_of_email("grace.hopper@mail.example.co.uk");
        for password in [
            "grace.hopper@mail.example.co.uk",
            "Grace.Hopper@Mail.Example.co.uk!2026",
            "mail.example.co.uk1234",
            "Example.co.uk-7",
            "example#1234",
            "grace@example",
        ] {
            assert_eq!(check(password, &own), Err(PasswordRefusal::ContextWord), "{password}");
        }
        assert_eq!(check("for example a wombat", &own), Ok(()), "long enough without it");
        assert_eq!(check("co.uk wombat", &own), Ok(()), "a public suffix is nobody's");
        // Our name within their address, and a shorter word within a longer one.
        let own = words_of_email("grace@linkshield.org");
        assert_eq!(check("grace@linkshield.org", &own), Err(PasswordRefusal::ContextWord));
        assert_eq!(check("linkshield.org1234", &own), Err(PasswordRefusal::ContextWord));
    }

    #[test]
    fn asvs_v6_2_12_refuses_breached_passwords() {
        let filter = build_filter(10, [BreachedHash::of_password("k7#mq2!x")]).unwrap();
        let policy = PasswordPolicy::new(8, &[], Some(BreachFilter::open(filter).unwrap())).unwrap();
        let check = |password: &str| policy.check(&Secret::new(password.to_owned()), &[]);
        assert_eq!(check("k7#mq2!x"), Err(PasswordRefusal::Breached));
        assert_eq!(check("k7#mq2!y"), Ok(()));
    }

    #[test]
    fn words_are_bounded() {
        let many = ["word"; WORDS_MAX + 1];
        assert_eq!(PasswordPolicy::new(8, &many, None).map(|_| ()), Err(PolicyError::Words { count: 65 }));
        assert_eq!(words_of_email(&"word.".repeat(500)).len(), WORDS_MAX);
        assert_eq!(
            words_of_email("al@x.example"),
            ["al@x.example", "x.example", "x.example"],
            "no short ones"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_judged(password in "\\PC{0,200}", word in "\\PC{0,20}") {
            let _ = check(&password, &[&word]);
        }
    }
}
