//! What a credential may be used for: sets of named scopes.
//!
//! An application names its scopes once, in a [`ScopeTable`]; a [`ScopeSet`] is then one machine word, and whether a
//! credential allows an action is one `and`. The bits mean something only beside the table that made them and change
//! with it, so what is stored or sent is always the text: names in ascending order, a space between two (the claim
//! `scope` of RFC 8693, 4.2).

use std::{
    fmt,
    ops::{BitAnd, BitOr},
};

/// Most scopes that a table holds: one bit each.
pub const SCOPES_MAX: usize = 64;
/// Longest name of a scope, in bytes.
pub const SCOPE_NAME_BYTES_MAX: usize = 32;

/// Some of the scopes of one [`ScopeTable`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ScopeSet(u64);

/// The scopes that an application knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeTable {
    /// Ascending; the place of a name is its bit.
    names: Vec<Box<str>>,
}

/// Why names do not make a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeTableError {
    /// More than [`SCOPES_MAX`] names.
    #[error("list `{count}` scopes: at most {SCOPES_MAX} are possible")]
    TooMany {
        /// How many were given.
        count: usize,
    },
    /// Not a name.
    #[error(
        "name a scope `{name}`: expected 1 to {SCOPE_NAME_BYTES_MAX} lower-case letters, digits, `:`, `.`, `_` or `-`"
    )]
    Name {
        /// What was given, cut at 80 characters.
        name: String,
    },
    /// Two scopes of one name.
    #[error("list scope `{name}`: it is there already")]
    Duplicate {
        /// The name.
        name: String,
    },
}

/// Why a text is not a list of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseScopeError {
    /// The text is not names with single spaces between them.
    #[error("read scopes: expected names of scopes with one space between two")]
    Form,
    /// A name that the table does not have.
    #[error("read scopes: the scope at place `{place}` does not exist here")]
    NotInTable {
        /// Which of the names, from 1.
        place: usize,
    },
}

// === impl ScopeSet ===

impl ScopeSet {
    /// No scope: allows nothing.
    pub const EMPTY: Self = Self(0);

    /// Whether each scope of `needed` is here. Every set contains the empty one.
    pub const fn contains(self, needed: Self) -> bool {
        self.0 & needed.0 == needed.0
    }

    /// As a word, to be kept in a table in memory.
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    /// What [`Self::bits`] gave.
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Whether nothing is here.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for ScopeSet {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for ScopeSet {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

// === impl ScopeTable ===

impl ScopeTable {
    /// A table of `names`, in any order: at most [`SCOPES_MAX`] different ones, each of 1 to [`SCOPE_NAME_BYTES_MAX`]
    /// lower-case letters, digits, `:`, `.`, `_` and `-`.
    pub fn new(names: &[&str]) -> Result<Self, ScopeTableError> {
        if names.len() > SCOPES_MAX {
            return Err(ScopeTableError::TooMany { count: names.len() });
        }
        if let Some(name) = names.iter().find(|name| !is_name(name.as_bytes())) {
            return Err(ScopeTableError::Name { name: name.chars().take(80).collect() });
        }
        let mut names: Vec<Box<str>> = names.iter().map(|&name| name.into()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(ScopeTableError::Duplicate { name: pair[0].to_string() }),
            None => Ok(Self { names }),
        }
    }

    /// The set with only this scope in it; `None` when the table does not have it. Look it up once, not per request.
    pub fn scope(&self, name: &str) -> Option<ScopeSet> {
        self.find(name.as_bytes())
    }

    /// Every scope of the table.
    pub fn all(&self) -> ScopeSet {
        (0..self.names.len()).fold(ScopeSet::EMPTY, |set, place| set | bit(place))
    }

    /// Reads what somebody asks for: a name that the table does not have is refused. The empty text is the empty set.
    pub fn parse(&self, text: &str) -> Result<ScopeSet, ParseScopeError> {
        read(text.as_bytes(), |place, name| {
            self.find(name).ok_or(ParseScopeError::NotInTable { place: place + 1 })
        })
    }

    /// Reads what this application granted before. A name that the table does not have grants nothing and is no
    /// mistake: during a release the newer instances may grant a scope that the older ones do not know yet.
    pub fn granted(&self, text: &[u8]) -> Result<ScopeSet, ParseScopeError> {
        read(text, |_, name| match self.find(name) {
            Some(set) => Ok(set),
            None if is_name(name) => Ok(ScopeSet::EMPTY),
            None => Err(ParseScopeError::Form),
        })
    }

    /// The names of `set`, ascending.
    pub fn names(&self, set: ScopeSet) -> impl Iterator<Item = &str> {
        self.names
            .iter()
            .enumerate()
            .filter(move |(place, _)| set.contains(bit(*place)))
            .map(|(_, name)| &**name)
    }

    /// `set` as text that [`Self::parse`] and [`Self::granted`] read.
    pub fn text(&self, set: ScopeSet) -> impl fmt::Display {
        fmt::from_fn(move |formatter| {
            let mut separator = "";
            for name in self.names(set) {
                write!(formatter, "{separator}{name}")?;
                separator = " ";
            }
            Ok(())
        })
    }

    fn find(&self, name: &[u8]) -> Option<ScopeSet> {
        self.names.binary_search_by(|known| known.as_bytes().cmp(name)).ok().map(bit)
    }
}

/// The set of the scope at `place`.
fn bit(place: usize) -> ScopeSet {
    ScopeSet(1 << place)
}

fn is_name(name: &[u8]) -> bool {
    let known = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b':' | b'.' | b'_' | b'-');
    (1..=SCOPE_NAME_BYTES_MAX).contains(&name.len()) && name.iter().all(known)
}

fn read(
    text: &[u8],
    look_up: impl Fn(usize, &[u8]) -> Result<ScopeSet, ParseScopeError>,
) -> Result<ScopeSet, ParseScopeError> {
    if text.is_empty() {
        return Ok(ScopeSet::EMPTY);
    }
    let mut names = text.split(|byte| *byte == b' ').enumerate();
    names.try_fold(ScopeSet::EMPTY, |set, (place, name)| {
        if name.is_empty() { Err(ParseScopeError::Form) } else { Ok(set | look_up(place, name)?) }
    })
}

#[cfg(test)]
mod tests {
    use super::{ParseScopeError, SCOPES_MAX, ScopeSet, ScopeTable, ScopeTableError};

    fn table() -> ScopeTable {
        ScopeTable::new(&["urls:check", "account", "reports:write"]).unwrap()
    }

    #[test]
    fn sets_contain_their_parts() {
        let table = table();
        let check = table.scope("urls:check").unwrap();
        let account = table.scope("account").unwrap();
        assert!((check | account).contains(check));
        assert!(!check.contains(check | account));
        assert!(check.contains(ScopeSet::EMPTY));
        assert!((check & account).is_empty());
        assert!(table.all().contains(check | account));
    }

    #[test]
    fn text_is_sorted_and_read_back() {
        let table = table();
        let set = table.parse("urls:check account").unwrap();
        assert_eq!(table.text(set).to_string(), "account urls:check");
        assert_eq!(table.granted(b"account urls:check"), Ok(set));
        assert_eq!(table.parse(""), Ok(ScopeSet::EMPTY));
        assert_eq!(table.text(ScopeSet::EMPTY).to_string(), "");
    }

    #[test]
    fn absent_names_grant_nothing() {
        let table = table();
        assert_eq!(table.parse("account admin"), Err(ParseScopeError::NotInTable { place: 2 }));
        assert_eq!(table.granted(b"account admin").ok(), table.scope("account"));
        assert_eq!(table.scope("admin"), None);
    }

    #[test]
    fn refuses_other_spacing() {
        for text in [" account", "account ", "account  urls:check", " ", "account\turls:check", "Account"] {
            assert_eq!(table().granted(text.as_bytes()), Err(ParseScopeError::Form), "{text:?}");
        }
    }

    #[test]
    fn holds_sixty_four_at_most() {
        let names: Vec<String> = (0..=SCOPES_MAX).map(|number| format!("scope{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(ScopeTable::new(&names), Err(ScopeTableError::TooMany { count: 65 }));
        let full = ScopeTable::new(&names[..SCOPES_MAX]).unwrap();
        assert_eq!(full.names(full.all()).count(), SCOPES_MAX);
    }

    #[test]
    fn refuses_names_that_confuse() {
        for name in ["", "two words", "Upper", "quote\"", "a-name-that-is-longer-than-thirty-two"] {
            assert_eq!(ScopeTable::new(&[name]), Err(ScopeTableError::Name { name: name.to_owned() }));
        }
        assert_eq!(ScopeTable::new(&["a", "a"]), Err(ScopeTableError::Duplicate { name: "a".to_owned() }));
    }
}
