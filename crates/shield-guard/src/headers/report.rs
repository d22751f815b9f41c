//! What browsers send to the report endpoint: `application/csp-report` (one report, CSP 2), and
//! `application/reports+json` (a list, the Reporting API). Both come from anybody who likes to send them.

use serde::Deserialize;

/// The largest body that is read.
pub const CSP_REPORT_BYTES_MAX: usize = 64 * 1024;
/// Reports of one body that are read.
pub const CSP_REPORTS_MAX: usize = 32;
/// What is kept of each text.
const TEXT_CHARACTERS_MAX: usize = 256;

/// One violation. Its texts are cut at 256 characters, hold no control characters, and its URLs neither query nor
/// fragment nor user, where secrets travel (ASVS 5.0, 14.2.1). What was blocked is of others, and anybody can make it up: no more
/// of it than scheme and host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CspViolation {
    /// The page on which it happened.
    pub document_url: String,
    /// What was blocked: scheme and host of a URL, its scheme alone if it has no host, or a word of CSP such as `inline`.
    pub blocked_url: String,
    /// The directive that was violated, such as `script-src-elem`.
    pub directive: String,
    /// The script that did it, where the browser knows.
    pub source_url: String,
    /// The line in it.
    pub line: Option<u32>,
    /// Whether it was blocked, or only reported.
    pub enforced: bool,
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CspReportError {
    /// Not one of the two types.
    #[error("read a report: its type is neither `application/csp-report` nor `application/reports+json`")]
    ContentType,
    /// Too large.
    #[error("read a report: it has more than {CSP_REPORT_BYTES_MAX} bytes")]
    Length,
    /// Not the JSON that the type promises.
    #[error("read a report: it is not the JSON that its type promises")]
    Form,
    /// A list that is too long.
    #[error("read a report: it holds more than {CSP_REPORTS_MAX} reports")]
    Count,
}

#[derive(Deserialize)]
struct OldBody {
    #[serde(rename = "csp-report")]
    report: OldReport,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct OldReport {
    document_uri: String,
    #[serde(default)]
    blocked_uri: String,
    #[serde(default)]
    violated_directive: String,
    effective_directive: Option<String>,
    source_file: Option<String>,
    line_number: Option<u32>,
    disposition: Option<String>,
}

#[derive(Deserialize)]
struct NewReport {
    #[serde(rename = "type")]
    kind: String,
    body: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewBody {
    #[serde(rename = "documentURL")]
    document_url: String,
    #[serde(rename = "blockedURL")]
    blocked_url: Option<String>,
    effective_directive: String,
    source_file: Option<String>,
    line_number: Option<u32>,
    disposition: Option<String>,
}

// === impl CspReportError ===

impl CspReportError {
    /// The name in events.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::ContentType => "content-type",
            Self::Length => "too-large",
            Self::Form => "malformed",
            Self::Count => "too-many",
        }
    }
}

/// Reads the violations in a body. Reports of other kinds in a list are left out; fields that are not named here are
/// ignored, since browsers differ in them.
pub fn parse_csp_reports(content_type: &str, body: &[u8]) -> Result<Vec<CspViolation>, CspReportError> {
    if body.len() > CSP_REPORT_BYTES_MAX {
        return Err(CspReportError::Length);
    }
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/csp-report") {
        let OldBody { report } = serde_json::from_slice(body).map_err(|_| CspReportError::Form)?;
        Ok(vec![report.violation()])
    } else if essence.eq_ignore_ascii_case("application/reports+json") {
        parse_list(body)
    } else {
        Err(CspReportError::ContentType)
    }
}

fn parse_list(body: &[u8]) -> Result<Vec<CspViolation>, CspReportError> {
    let reports: Vec<NewReport> = serde_json::from_slice(body).map_err(|_| CspReportError::Form)?;
    if reports.len() > CSP_REPORTS_MAX {
        return Err(CspReportError::Count);
    }
    reports
        .into_iter()
        .filter(|report| report.kind == "csp-violation")
        .map(|report| {
            serde_json::from_value(report.body).map(NewBody::violation).map_err(|_| CspReportError::Form)
        })
        .collect()
}

// === impl OldReport ===

impl OldReport {
    fn violation(self) -> CspViolation {
        let directive = self.effective_directive.unwrap_or(self.violated_directive);
        CspViolation {
            document_url: clean_url(&self.document_uri),
            blocked_url: origin(&self.blocked_uri),
            // Old browsers repeat the whole directive; its name is the first word.
            directive: clean(directive.split_whitespace().next().unwrap_or_default()),
            source_url: clean_url(&self.source_file.unwrap_or_default()),
            line: self.line_number,
            enforced: self.disposition.is_none_or(|disposition| disposition != "report"),
        }
    }
}

// === impl NewBody ===

impl NewBody {
    fn violation(self) -> CspViolation {
        CspViolation {
            document_url: clean_url(&self.document_url),
            blocked_url: origin(&self.blocked_url.unwrap_or_default()),
            directive: clean(&self.effective_directive),
            source_url: clean_url(&self.source_file.unwrap_or_default()),
            line: self.line_number,
            enforced: self.disposition.is_none_or(|disposition| disposition != "report"),
        }
    }
}

fn clean(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(TEXT_CHARACTERS_MAX).collect()
}

/// A URL up to its query or fragment, without user and password; the scheme alone of those that are content (`data:`,
/// `blob:`).
fn clean_url(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let url = &url[..end];
    let Some((scheme, rest)) = url.split_once(':') else {
        return clean(url);
    };
    let Some(rest) = rest.strip_prefix("//") else {
        return clean(scheme);
    };
    let (authority, path) = rest.split_at(rest.find(['/', '\\']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    clean(&format!("{scheme}://{host}{path}"))
}

/// Scheme and host of a URL, the scheme alone of one without a host; else the text, if it is a word as CSP has them (`inline`,
/// `wasm-eval`), and nothing otherwise.
fn origin(url: &str) -> String {
    let url = clean_url(url);
    let Some((scheme, rest)) = url.split_once("://") else {
        let word = url.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        return if word { url } else { String::new() };
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    match scheme.bytes().all(plain) {
        true => format!("{scheme}://{}", rest.split(['/', '\\']).next().unwrap_or_default()),
        false => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OLD: &str = r#"{"csp-report":{"document-uri":"https://a.example/p?token=secret#x","referrer":"","violated-directive":"script-src 'self'","original-policy":"default-src 'self'","blocked-uri":"https://u:p@evil.example/x.js?k=1","line-number":7,"source-file":"https://a.example/app.js","status-code":200}}"#;
    const NEW: &str = r#"[{"age":1,"type":"csp-violation","url":"https://a.example/p","user_agent":"X","body":{"documentURL":"https://a.example/p?token=secret","blockedURL":"inline","disposition":"report","effectiveDirective":"script-src-elem","originalPolicy":"x","statusCode":200,"sample":"alert(1)"}},{"age":1,"type":"deprecation","url":"https://a.example/","body":{"id":"x"}}]"#;

    #[test]
    fn reads_the_old_type() {
        let reports = parse_csp_reports("application/csp-report", OLD.as_bytes()).unwrap();
        assert_eq!(
            reports,
            [CspViolation {
                document_url: "https://a.example/p".into(),
                blocked_url: "https://evil.example".into(),
                directive: "script-src".into(),
                source_url: "https://a.example/app.js".into(),
                line: Some(7),
                enforced: true,
            }]
        );
    }

    #[test]
    fn reads_the_new_type_and_skips_other_reports() {
        let reports = parse_csp_reports("application/reports+json; charset=utf-8", NEW.as_bytes()).unwrap();
        assert_eq!(reports.len(), 1);
        assert_eq!(
            (reports[0].directive.as_str(), reports[0].blocked_url.as_str()),
            ("script-src-elem", "inline")
        );
        assert_eq!((reports[0].line, reports[0].enforced), (None, false));
    }

    #[test]
    fn asvs_v14_2_1_keeps_no_secret_of_a_url() {
        for (url, kept) in [
            ("https://a.example/reset?token=secret", "https://a.example/reset"),
            ("https://a.example/#access_token=secret", "https://a.example/"),
            ("https://user:secret@a.example/", "https://a.example/"),
            ("https://user:secret@a.example", "https://a.example"),
            ("data:text/html,secret", "data"),
            ("blob:https://a.example/secret", "blob"),
            ("eval", "eval"),
            ("a\r\nb\u{1b}[31m", "ab[31m"),
        ] {
            assert_eq!(clean_url(url), kept, "{url}");
        }
        assert_eq!(clean_url(&"x".repeat(1_000)).len(), TEXT_CHARACTERS_MAX);
    }

    /// Found by a hostile user: a path is as good a place for a secret as a query.
    #[test]
    fn asvs_v14_2_1_keeps_of_what_was_blocked_no_path() {
        for (url, kept) in [
            ("https://evil.example/path/secret", "https://evil.example"),
            ("https://evil.example:8443\\secret", "https://evil.example:8443"),
            ("https://u:secret@evil.example/", "https://evil.example"),
            ("//evil.example/secret", ""),
            ("/path/secret", ""),
            ("path/secret://evil.example", ""),
            ("data:text/html,secret", "data"),
            ("Secret 7", ""),
            ("trusted-types-sink", "trusted-types-sink"),
            ("", ""),
        ] {
            assert_eq!(origin(url), kept, "{url}");
        }
    }

    #[test]
    fn refuses_what_is_no_report() {
        let old = |body: &str| parse_csp_reports("application/csp-report", body.as_bytes());
        for body in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"csp-report":{}}"#,
            r#"{"csp-report":{"document-uri":1}}"#,
            &OLD.replace(":7", ":-7"),
            &format!("{OLD}x"),
        ] {
            assert_eq!(old(body), Err(CspReportError::Form), "{body}");
        }
        assert_eq!(parse_csp_reports("application/json", OLD.as_bytes()), Err(CspReportError::ContentType));
        assert_eq!(parse_csp_reports("", OLD.as_bytes()), Err(CspReportError::ContentType));
        let deep = format!("[{{\"type\":\"x\",\"body\":{}", "[".repeat(10_000));
        assert_eq!(parse_csp_reports("application/reports+json", deep.as_bytes()), Err(CspReportError::Form));
    }

    #[test]
    fn bounds_bytes_and_reports() {
        let large = vec![b' '; CSP_REPORT_BYTES_MAX + 1];
        assert_eq!(parse_csp_reports("application/csp-report", &large), Err(CspReportError::Length));
        let many = format!("[{}]", vec![r#"{"type":"x","body":{}}"#; CSP_REPORTS_MAX + 1].join(","));
        assert_eq!(
            parse_csp_reports("application/reports+json", many.as_bytes()),
            Err(CspReportError::Count)
        );
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(body: Vec<u8>, old: bool) {
            let kind = if old { "application/csp-report" } else { "application/reports+json" };
            let _ = parse_csp_reports(kind, &body);
        }

        #[test]
        fn texts_are_bounded_and_plain(url in "([a-z]{1,6}:(//)?)?\\PC{0,300}", directive: String) {
            let body = serde_json::json!([{"type": "csp-violation", "body": {
                "documentURL": url, "blockedURL": url, "effectiveDirective": directive, "sourceFile": url,
            }}]);
            let reports = parse_csp_reports("application/reports+json", body.to_string().as_bytes()).unwrap();
            for text in [&reports[0].document_url, &reports[0].directive, &reports[0].source_url] {
                prop_assert!(text.chars().count() <= TEXT_CHARACTERS_MAX && !text.chars().any(char::is_control));
            }
            prop_assert!(!reports[0].document_url.contains(['?', '#']));
            let blocked = reports[0].blocked_url.as_str();
            prop_assert!(!blocked.replacen("://", "", 1).contains(['/', '?', '#', '@']), "{}", blocked);
        }
    }
}
