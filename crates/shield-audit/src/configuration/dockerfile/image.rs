//! Which image a reference means today, and tomorrow.

/// What a reference to an image is held by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::configuration) enum Pinning {
    /// A digest: the same bytes for ever.
    Digest,
    /// A tag that names a version.
    Tag,
    /// A tag that is made to move.
    Latest,
    /// Nothing: `latest` is meant.
    Nothing,
    /// A variable: it is not known here.
    Unknown,
}

/// What a reference is held by: `registry:5000/name:tag@digest`.
pub(in crate::configuration) fn pinning(image: &str) -> Pinning {
    if image.contains('@') {
        return Pinning::Digest;
    }
    if image.contains('$') || image.contains("{{") {
        return Pinning::Unknown;
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    match name.split_once(':') {
        None => Pinning::Nothing,
        Some((_, "latest" | "")) => Pinning::Latest,
        Some(_) => Pinning::Tag,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_told_apart() {
        for (image, expected) in [
            ("debian", Pinning::Nothing),
            ("localhost:5000/x", Pinning::Nothing),
            ("localhost:5000/x:1", Pinning::Tag),
            ("x:latest", Pinning::Latest),
            ("x:latest@sha256:00", Pinning::Digest),
            ("x:${TAG}", Pinning::Unknown),
            ("$IMAGE", Pinning::Unknown),
        ] {
            assert_eq!(pinning(image), expected, "{image}");
        }
    }
}
