//! Kinds of harm, as sets.

use std::ops::{BitAnd, BitOr, BitOrAssign, Not, Sub};

/// A set of kinds of harm, and of facts that are known of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Kinds(u64);

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
    /// It holds no single quotation mark.
    pub(super) const NO_QUOTE: Self = Self(1 << 32);
    /// It holds no double one.
    pub(super) const NO_DOUBLE: Self = Self(1 << 33);
    /// It is a word: an argument where other words stand before it, a command where it stands alone.
    pub(super) const COMMAND_PART: Self = Self(1 << 34);
    /// The same for code.
    pub(super) const CODE_PART: Self = Self(1 << 35);
    /// It is quoted for a shell: quotation marks around it undo that.
    pub(super) const SHELL_QUOTED: Self = Self(1 << 36);
    /// It is escaped for HTML, but for quotation marks.
    pub(super) const TEXT_ESCAPED: Self = Self(1 << 37);
    /// It stands where no quotation mark is open.
    pub(super) const UNQUOTED: Self = Self(1 << 38);
    /// What letters and digits cannot do: alone they are still a command, or a name.
    pub(super) const OF_WORDS: Self = Self(
        Self::CHARACTERS.0 & !(Self::COMMAND.0 | Self::CODE.0)
            | Self::COMMAND_PART.0
            | Self::CODE_PART.0
            | Self::NO_QUOTE.0
            | Self::NO_DOUBLE.0,
    );
    /// The three together: it is the literal of a text.
    pub(super) const LITERAL: Self =
        Self(Self::QUOTE_BEFORE.0 | Self::QUOTE_BEHIND.0 | Self::NO_QUOTE_INSIDE.0);
    /// What is true of a text and of every part of it.
    pub(super) const OF_PARTS: Self = Self(
        Self::ALL.0
            | Self::DOUBT.0
            | Self::NO_SLASH.0
            | Self::OF_WORDS.0
            | Self::SHELL_QUOTED.0
            | Self::TEXT_ESCAPED.0,
    );

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// How many kinds of harm are in it.
    pub(super) const fn harmless(self) -> u32 {
        (self.0 & Self::ALL.0).count_ones()
    }

    /// With what follows from it: who can do no harm at all is a harmless part, too.
    pub(super) fn and_parts(self) -> Self {
        let mut all = self;
        for (kind, facts) in [
            (Self::COMMAND, Self::COMMAND_PART),
            (Self::CODE, Self::CODE_PART),
            (Self::SQL | Self::XPATH, Self::NO_QUOTE | Self::NO_DOUBLE),
        ] {
            if self.has(kind) {
                all |= facts;
            }
        }
        all
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
