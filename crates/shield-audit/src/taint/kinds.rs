//! Kinds of harm, as sets.

use std::ops::{BitAnd, BitOr, BitOrAssign, Not, Sub};

/// A set of kinds of harm, and of facts that are known of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Kinds(u32);

// === impl Kinds ===

impl Kinds {
    pub(super) const NONE: Self = Self(0);
    pub(super) const SQL: Self = Self(1);
    pub(super) const COMMAND: Self = Self(1 << 1);
    pub(super) const CODE: Self = Self(1 << 2);
    pub(super) const LDAP: Self = Self(1 << 3);
    pub(super) const XPATH: Self = Self(1 << 4);
    pub(super) const TEMPLATE: Self = Self(1 << 5);
    pub(super) const PATH: Self = Self(1 << 6);
    pub(super) const OBJECTS: Self = Self(1 << 7);
    pub(super) const ENTITIES: Self = Self(1 << 8);
    pub(super) const FORGERY: Self = Self(1 << 9);
    pub(super) const REDIRECT: Self = Self(1 << 10);
    pub(super) const MARKUP: Self = Self(1 << 11);
    pub(super) const TRUST: Self = Self(1 << 12);
    /// Every kind that is built in.
    const BUILT_IN: Self = Self((1 << 13) - 1);
    /// Kinds that rule files may add.
    pub(super) const OWN: [Self; 14] = [
        Self(1 << 13),
        Self(1 << 14),
        Self(1 << 15),
        Self(1 << 16),
        Self(1 << 17),
        Self(1 << 18),
        Self(1 << 19),
        Self(1 << 25),
        Self(1 << 26),
        Self(1 << 27),
        Self(1 << 28),
        Self(1 << 29),
        Self(1 << 30),
        Self(1 << 31),
    ];
    /// Every kind there is.
    pub(super) const ALL: Self = Self(Self::BUILT_IN.0 | 0b111_1111 << 13 | 0b111_1111 << 25);
    /// Kinds that need a character other than letters and digits. Of those that rule files add nobody knows.
    pub(super) const CHARACTERS: Self =
        Self(Self::BUILT_IN.0 & !(Self::TRUST.0 | Self::OBJECTS.0 | Self::ENTITIES.0));
    /// Somebody looked at the text, but nobody knows for what.
    pub(super) const DOUBT: Self = Self(1 << 20);
    /// It holds no slash: it leads hardly anywhere.
    pub(super) const NO_SLASH: Self = Self(1 << 24);
    /// It begins with a quotation mark.
    pub(super) const QUOTE_BEFORE: Self = Self(1 << 21);
    /// It ends with one.
    pub(super) const QUOTE_BEHIND: Self = Self(1 << 22);
    /// Between its first and last character there is none.
    pub(super) const NO_QUOTE_INSIDE: Self = Self(1 << 23);
    /// The three together: it is the literal of a text.
    pub(super) const LITERAL: Self =
        Self(Self::QUOTE_BEFORE.0 | Self::QUOTE_BEHIND.0 | Self::NO_QUOTE_INSIDE.0);
    /// What is true of a text and of every part of it.
    pub(super) const OF_PARTS: Self = Self(Self::ALL.0 | Self::DOUBT.0 | Self::NO_SLASH.0);

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOr for Kinds {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.or(other)
    }
}

impl BitOrAssign for Kinds {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitAnd for Kinds {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Sub for Kinds {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl Not for Kinds {
    type Output = Self;

    fn not(self) -> Self {
        Self(!self.0)
    }
}
