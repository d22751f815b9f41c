//! Stores what `http` names: methods and header names, as their text.

/// A value that has a text.
pub(crate) mod text {
    use std::borrow::Cow;
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Headers with values to fill in, in their order.
pub(crate) mod headers {
    use std::borrow::Cow;

    use http::HeaderName;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::scenario::template::Template;

    pub(crate) fn serialize<S: Serializer>(
        headers: &[(HeaderName, Template)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(headers.iter().map(|(name, value)| (name.as_str(), value)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(HeaderName, Template)>, D::Error> {
        let stored = Vec::<(Cow<'de, str>, Template)>::deserialize(deserializer)?;
        let header =
            |(name, value): (Cow<'_, str>, Template)| Ok((name.parse().map_err(D::Error::custom)?, value));
        stored.into_iter().map(header).collect()
    }
}
