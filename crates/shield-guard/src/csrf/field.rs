//! A header as it came: perhaps not at all, perhaps twice.

/// A header's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// It did not come.
    Absent,
    /// It came once.
    One(&'a [u8]),
    /// It came more than once. Which one counts is a question that attackers live on: it is refused.
    Repeated,
}

// === impl Field ===

impl<'a> Field<'a> {
    /// Of all values under one name.
    pub fn of(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut values = values.into_iter();
        match (values.next(), values.next()) {
            (None, _) => Self::Absent,
            (Some(value), None) => Self::One(value),
            (Some(_), Some(_)) => Self::Repeated,
        }
    }
}
