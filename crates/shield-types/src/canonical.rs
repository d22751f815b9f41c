//! RFC 8785 canonical JSON: the bytes under every digest and signature of a JSON value.

use serde::Serialize;

/// The value has no canonical form (a float that is not finite, a map key that is not text).
#[derive(Debug, thiserror::Error)]
#[error("write canonical JSON")]
pub struct CanonicalJsonError {
    /// What the serializer refused.
    #[source]
    pub source: serde_json::Error,
}

/// The RFC 8785 form of `value`: equal values give equal bytes, on every machine.
pub fn canonical_json<T: Serialize>(value: &T) -> Result<Vec<u8>, CanonicalJsonError> {
    serde_json_canonicalizer::to_vec(value).map_err(|source| CanonicalJsonError { source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_keys_and_drops_spaces() {
        let value: serde_json::Value = serde_json::from_str(r#"{ "b": 1.0, "a": [true, "é"] }"#).unwrap();
        assert_eq!(canonical_json(&value).unwrap(), r#"{"a":[true,"é"],"b":1}"#.as_bytes());
    }
}
