//! Security headers as data, and what browsers report when they enforced them.
//!
//! Two sets: answers of the API, which no browser should render, and pages. Names and values are made once, when the
//! service starts; only a page's Content-Security-Policy is made per answer, with a fresh nonce (ASVS 5.0, 3.4.3).
//! Every directive is stated: nothing rests on a browser's default.
//!
//! **Deployment.** HSTS goes out with every answer (3.4.1) and binds the host and all its subdomains for two years:
//! serve none of them over plain HTTP. Reports are sent by anybody who likes: limit their rate by address and never
//! alert on one.

mod csp;
mod report;
mod set;

pub use csp::{CspNonce, ReportPath, ReportPathError};
pub use report::{CSP_REPORT_BYTES_MAX, CSP_REPORTS_MAX, CspReportError, CspViolation, parse_csp_reports};
pub use set::{CLEAR_SITE_DATA, Caching, Header, HstsPreload, SecurityHeaders};
