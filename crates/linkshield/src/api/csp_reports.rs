//! What browsers report when a page broke its policy. Anybody can send that: it is bounded in size here and in rate by the gate,
//! counted by directive, and written down as an event at most once a minute for each.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Request, State};
use http::{HeaderValue, StatusCode, header};
use shield_guard::{
    event::SecurityEvent,
    headers::{CSP_REPORT_BYTES_MAX, CspReportError, CspViolation, parse_csp_reports},
};

use super::{body::read_bytes, problem::Problem, state::App};
use crate::gate::Witness;

/// Directives that browsers report (CSP 3). Anything else that somebody sends is one kind, so that nobody makes kinds.
const DIRECTIVES: [&str; 25] = [
    "base-uri",
    "child-src",
    "connect-src",
    "default-src",
    "fenced-frame-src",
    "font-src",
    "form-action",
    "frame-ancestors",
    "frame-src",
    "img-src",
    "manifest-src",
    "media-src",
    "object-src",
    "require-trusted-types-for",
    "sandbox",
    "script-src",
    "script-src-attr",
    "script-src-elem",
    "style-src",
    "style-src-attr",
    "style-src-elem",
    "trusted-types",
    "upgrade-insecure-requests",
    "worker-src",
    "other",
];

/// When each kind of violation was last written down.
#[derive(Debug, Default)]
pub(super) struct ToldViolations {
    /// The minute of the process's life after the one in which it was told; 0 when it never was.
    minutes: [AtomicU64; DIRECTIVES.len()],
}

/// Takes a browser's report about a page that broke its policy: one (`application/csp-report`) or several
/// (`application/reports+json`).
#[utoipa::path(post, path = "/api/security/csp-report", tag = "security",
    request_body(content((Object = "application/csp-report"), (Vec<Object> = "application/reports+json"))), responses(
    (status = 204, description = "Noted"),
))]
pub(super) async fn report(
    State(app): State<App>,
    witness: Witness,
    request: Request,
) -> Result<StatusCode, Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::to_str);
    let content_type = content_type.and_then(Result::ok).unwrap_or_default().to_owned();
    let body = read_bytes(request, CSP_REPORT_BYTES_MAX).await?;
    let minute = app.metrics().uptime().as_secs() / 60;
    for violation in parse_csp_reports(&content_type, &body)? {
        let kind = kind_of(&violation);
        app.metrics().csp_violated(DIRECTIVES[kind]);
        if app.told_violations().first_of(kind, minute) {
            let (directive, blocked_url) = (DIRECTIVES[kind], violation.blocked_url);
            witness.tell(&SecurityEvent::CspViolated { directive, blocked_url }, StatusCode::NO_CONTENT);
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

fn kind_of(violation: &CspViolation) -> usize {
    let known = DIRECTIVES.iter().position(|directive| *directive == violation.directive);
    known.unwrap_or(DIRECTIVES.len() - 1)
}

// === impl ToldViolations ===

impl ToldViolations {
    /// Whether this is the first of its kind in this minute. Of two at once, one is.
    fn first_of(&self, kind: usize, minute: u64) -> bool {
        self.minutes[kind].fetch_max(minute + 1, Ordering::Relaxed) <= minute
    }
}

impl From<CspReportError> for Problem {
    fn from(error: CspReportError) -> Self {
        match error {
            CspReportError::ContentType => Self::no_report_type(),
            CspReportError::Length => Self::body_too_large(CSP_REPORT_BYTES_MAX),
            CspReportError::Form | CspReportError::Count => Self::unreadable_report(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DIRECTIVES, ToldViolations, kind_of};
    use shield_guard::headers::CspViolation;

    fn violation(directive: &str) -> CspViolation {
        CspViolation {
            document_url: String::new(),
            blocked_url: String::new(),
            directive: directive.to_owned(),
            source_url: String::new(),
            line: None,
            enforced: true,
        }
    }

    #[test]
    fn each_kind_is_told_once_a_minute() {
        let told = ToldViolations::default();
        let first = [(0, 0), (0, 0), (1, 0), (0, 1), (0, 1), (0, 7)]
            .map(|(kind, minute)| told.first_of(kind, minute));
        assert_eq!(first, [true, false, true, true, false, true]);
    }

    #[test]
    fn nobody_makes_kinds() {
        assert_eq!(DIRECTIVES[kind_of(&violation("script-src-elem"))], "script-src-elem");
        for text in ["", "made-up", "SCRIPT-SRC", "other"] {
            assert_eq!(DIRECTIVES[kind_of(&violation(text))], "other", "{text}");
        }
    }
}
