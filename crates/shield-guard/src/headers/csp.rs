//! Content-Security-Policy, Level 3.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};

/// Where browsers send reports, in `Reporting-Endpoints` and `report-to`.
pub(super) const REPORT_GROUP: &str = "csp";
/// The longest path of a report endpoint.
const REPORT_PATH_BYTES_MAX: usize = 128;

/// What one page's scripts and styles must name: 128 random bits, never used twice.
#[derive(Clone, Copy)]
pub struct CspNonce([u8; 24]);

/// The path on this service that takes reports of violations (ASVS 5.0, 3.4.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportPath(String);

/// Text that is not such a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "set the path for reports to `{path}`: expected `/` and up to {REPORT_PATH_BYTES_MAX} letters, digits, `-`, `_`, `.` or `/`"
)]
pub struct ReportPathError {
    /// What was given, cut at 128 characters.
    pub path: String,
}

// === impl CspNonce ===

impl CspNonce {
    /// A fresh one, from a cryptographic generator.
    pub fn new(random: [u8; 16]) -> Self {
        let mut letters = [0; 24];
        let written = BASE64_STANDARD.encode_slice(random, &mut letters);
        debug_assert_eq!(written, Ok(letters.len()), "sixteen bytes are 24 letters");
        Self(letters)
    }

    /// The value of the attribute `nonce` in the page.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("base64 is ASCII")
    }
}

impl fmt::Debug for CspNonce {
    /// Does not print it: who knows a page's nonce can add scripts to it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CspNonce([redacted])")
    }
}

// === impl ReportPath ===

impl ReportPath {
    /// Reads a path. Only characters that mean nothing in a header or a policy are taken.
    pub fn parse(path: &str) -> Result<Self, ReportPathError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
        let good = path.starts_with('/')
            // Two slashes would be another host.
            && !path.starts_with("//")
            && path.len() <= REPORT_PATH_BYTES_MAX
            && path.bytes().all(plain);
        if good {
            Ok(Self(path.to_owned()))
        } else {
            Err(ReportPathError { path: path.chars().take(128).collect() })
        }
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The policy of answers that are not pages: nothing is loaded, run, framed or submitted, should one be shown as a
/// page after all.
pub(super) fn api_policy(report: &ReportPath) -> String {
    format!(
        "default-src 'none'; base-uri 'none'; object-src 'none'; form-action 'none'; frame-ancestors 'none'; \
         sandbox; report-uri {}; report-to {REPORT_GROUP}",
        report.as_str()
    )
}

/// The policy of pages: the part before the nonce of scripts, before that of styles, and after it.
#[derive(Clone, Debug)]
pub(super) struct PagePolicy {
    parts: [String; 3],
}

// === impl PagePolicy ===

impl PagePolicy {
    pub(super) fn new(report: &ReportPath) -> Self {
        Self {
            parts: [
                "default-src 'none'; script-src 'self' 'nonce-".to_owned(),
                "'; style-src 'self' 'nonce-".to_owned(),
                format!(
                    "'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; object-src 'none'; \
                     base-uri 'none'; form-action 'self'; frame-ancestors 'none'; upgrade-insecure-requests; \
                     report-uri {}; report-to {REPORT_GROUP}",
                    report.as_str()
                ),
            ],
        }
    }

    /// The policy with one page's nonce: one allocation.
    pub(super) fn with(&self, nonce: &CspNonce) -> String {
        let [scripts, styles, rest] = &self.parts;
        [scripts.as_str(), nonce.as_str(), styles, nonce.as_str(), rest].concat()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CspNonce, ReportPath};

    #[test]
    fn asvs_v11_5_1_nonce_carries_128_bits() {
        assert_eq!(CspNonce::new([0xfb; 16]).as_str(), "+/v7+/v7+/v7+/v7+/v7+w==");
        assert_ne!(CspNonce::new([1; 16]).as_str(), CspNonce::new([2; 16]).as_str());
        assert_eq!(format!("{:?}", CspNonce::new([1; 16])), "CspNonce([redacted])");
    }

    #[test]
    fn path_cannot_add_a_directive_or_a_header() {
        assert!(ReportPath::parse("/api/security/csp-report").is_ok());
        for path in [
            "",
            "csp",
            "//evil.example/a",
            "/a; script-src *",
            "/a\r\nset-cookie: a",
            "/a,b",
            "/a b",
            "/ä",
            "/a\"",
            "/a?b",
        ] {
            assert!(ReportPath::parse(path).is_err(), "{path:?}");
        }
        assert!(ReportPath::parse(&format!("/{}", "a".repeat(128))).is_err());
    }

    proptest! {
        #[test]
        fn any_path_is_plain_or_refused(path in "(/?[a-z/.]{0,20}|\\PC{0,140})") {
            if let Ok(path) = ReportPath::parse(&path) {
                prop_assert!(path.as_str().bytes().all(|byte| !b" ;,\"'<>\r\n".contains(&byte)));
            }
        }
    }
}
