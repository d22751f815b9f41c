//! The sets of headers.

use std::borrow::Cow;

use super::csp::{CspNonce, PagePolicy, REPORT_GROUP, ReportPath, api_policy};

/// Two years, as the preload lists ask; ASVS 5.0, 3.4.1 asks for one.
const HSTS_SECONDS: u32 = 63_072_000;
/// Every feature that a page of ours does not use, which is all of them.
const PAGE_PERMISSIONS: &str = "accelerometer=(), autoplay=(), bluetooth=(), browsing-topics=(), camera=(), display-capture=(), \
     encrypted-media=(), fullscreen=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), \
     local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), \
     publickey-credentials-create=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), \
     storage-access=(), usb=(), web-share=(), xr-spatial-tracking=()";

/// What an answer that is no page denies: the features that hear, see, locate or pay. Its policy makes it a sandbox without
/// scripts, which can ask for none of them; this is for a browser that does not know that, and short because every answer has it.
const API_PERMISSIONS: &str = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), publickey-credentials-get=(), usb=()";

/// One header: a name in lower case, and a value without line breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: &'static str,
    /// Its value: visible ASCII and spaces.
    pub value: Cow<'static, str>,
}

/// Whether the domain is to be compiled into browsers as HTTPS only (ASVS 5.0, 3.7.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HstsPreload {
    /// Not announced.
    #[default]
    No,
    /// Announced. Hard to take back: it takes browsers months to forget.
    Announced,
}

/// Whether an answer may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caching {
    /// Made for one person, or says something about one: `no-store` (ASVS 5.0, 14.3.2).
    Private,
    /// The same for everybody; the handler says for how long.
    ByHandler,
}

/// The headers of a service's answers.
#[derive(Clone, Debug)]
pub struct SecurityHeaders {
    /// Those of API answers that may be cached, then `no-store`.
    api: Vec<Header>,
    /// Those of pages but the policy, then `no-store`.
    page: Vec<Header>,
    page_policy: PagePolicy,
}

/// Sent with the answer that ends a session: the browser forgets what it kept of this host (ASVS 5.0, 14.3.1).
pub const CLEAR_SITE_DATA: Header = Header::fixed("clear-site-data", "\"cache\", \"cookies\", \"storage\"");

// === impl Header ===

impl Header {
    const fn fixed(name: &'static str, value: &'static str) -> Self {
        Self { name, value: Cow::Borrowed(value) }
    }

    const fn made(name: &'static str, value: String) -> Self {
        Self { name, value: Cow::Owned(value) }
    }
}

// === impl SecurityHeaders ===

impl SecurityHeaders {
    /// The headers of a service that takes reports at `report`.
    pub fn new(report: &ReportPath, preload: HstsPreload) -> Self {
        let no_store = Header::fixed("cache-control", "no-store");
        let mut api = common(report, preload);
        api.extend([
            Header::fixed("permissions-policy", API_PERMISSIONS),
            Header::made("content-security-policy", api_policy(report)),
            Header::fixed("cross-origin-opener-policy", "same-origin"),
            Header::fixed("referrer-policy", "no-referrer"),
            no_store.clone(),
        ]);
        let mut page = common(report, preload);
        page.extend([
            Header::fixed("permissions-policy", PAGE_PERMISSIONS),
            Header::fixed("cross-origin-opener-policy", "same-origin"),
            Header::fixed("cross-origin-embedder-policy", "require-corp"),
            // Pages of ours may know where one came from; other sites learn the host at most.
            Header::fixed("referrer-policy", "strict-origin-when-cross-origin"),
            no_store,
        ]);
        Self { api, page, page_policy: PagePolicy::new(report) }
    }

    /// The headers of answers that are no pages: JSON, problem documents, redirects, empty ones. No allocation.
    pub fn api(&self, caching: Caching) -> &[Header] {
        cut(&self.api, caching)
    }

    /// The headers of a page, without its policy, which [`SecurityHeaders::page_policy`] makes.
    pub fn page(&self, caching: Caching) -> &[Header] {
        cut(&self.page, caching)
    }

    /// The policy of one page. The nonce must be fresh for every answer, and a page that carries one is never cached.
    pub fn page_policy(&self, nonce: &CspNonce) -> Header {
        Header::made("content-security-policy", self.page_policy.with(nonce))
    }
}

/// What every answer has.
fn common(report: &ReportPath, preload: HstsPreload) -> Vec<Header> {
    let preload = match preload {
        HstsPreload::No => "",
        HstsPreload::Announced => "; preload",
    };
    vec![
        Header::made(
            "strict-transport-security",
            format!("max-age={HSTS_SECONDS}; includeSubDomains{preload}"),
        ),
        Header::fixed("x-content-type-options", "nosniff"),
        // Obsolete beside `frame-ancestors` (ASVS 5.0, 3.4.6), but scanners and old browsers read it.
        Header::fixed("x-frame-options", "DENY"),
        Header::fixed("cross-origin-resource-policy", "same-origin"),
        Header::made("reporting-endpoints", format!("{REPORT_GROUP}=\"{}\"", report.as_str())),
    ]
}

/// `no-store` is the last of each list.
fn cut(headers: &[Header], caching: Caching) -> &[Header] {
    match caching {
        Caching::Private => headers,
        Caching::ByHandler => &headers[..headers.len() - 1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers() -> SecurityHeaders {
        SecurityHeaders::new(&ReportPath::parse("/api/security/csp-report").unwrap(), HstsPreload::No)
    }

    fn all_sets() -> [Vec<Header>; 4] {
        let headers = headers();
        let page = |caching| {
            let policy = headers.page_policy(&CspNonce::new([7; 16]));
            [headers.page(caching), &[policy]].concat()
        };
        [
            headers.api(Caching::Private).to_vec(),
            headers.api(Caching::ByHandler).to_vec(),
            page(Caching::Private),
            page(Caching::ByHandler),
        ]
    }

    fn value<'a>(set: &'a [Header], name: &str) -> &'a str {
        let mut found = set.iter().filter(|header| header.name == name);
        let header = found.next().unwrap_or_else(|| panic!("no {name}"));
        assert!(found.next().is_none(), "{name} twice");
        &header.value
    }

    fn directive<'a>(policy: &'a str, name: &str) -> &'a str {
        let mut found = policy.split("; ").filter_map(|part| part.strip_prefix(name));
        let rest = found.next().unwrap_or_else(|| panic!("no {name} in {policy}"));
        assert!(found.next().is_none(), "{name} twice in {policy}");
        rest.trim_start()
    }

    #[test]
    fn asvs_v3_4_1_hsts_lasts_a_year_and_covers_subdomains() {
        for set in all_sets() {
            let value = value(&set, "strict-transport-security");
            let (age, rest) = value.strip_prefix("max-age=").unwrap().split_once("; ").unwrap();
            assert!(age.parse::<u32>().unwrap() >= 31_536_000);
            assert_eq!(rest, "includeSubDomains");
        }
    }

    #[test]
    fn asvs_v3_7_4_preload_is_announced_on_request() {
        let report = ReportPath::parse("/r").unwrap();
        let set = SecurityHeaders::new(&report, HstsPreload::Announced);
        let value = value(set.api(Caching::Private), "strict-transport-security");
        assert_eq!(value, "max-age=63072000; includeSubDomains; preload");
    }

    #[test]
    fn asvs_v3_4_3_policy_forbids_objects_bases_and_strange_scripts() {
        for set in all_sets() {
            let policy = value(&set, "content-security-policy");
            assert_eq!(directive(policy, "default-src"), "'none'");
            assert_eq!(directive(policy, "object-src"), "'none'");
            assert_eq!(directive(policy, "base-uri"), "'none'");
            assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http:"));
        }
        let headers = headers();
        let policy = headers.page_policy(&CspNonce::new([7; 16])).value.into_owned();
        for name in ["script-src", "style-src"] {
            assert_eq!(directive(&policy, name), "'self' 'nonce-BwcHBwcHBwcHBwcHBwcHBw=='");
        }
        assert_ne!(
            headers.page_policy(&CspNonce::new([8; 16])).value,
            policy,
            "another answer, another nonce"
        );
    }

    #[test]
    fn asvs_v3_4_4_forbids_sniffing() {
        for set in all_sets() {
            assert_eq!(value(&set, "x-content-type-options"), "nosniff");
        }
    }

    #[test]
    fn asvs_v3_4_5_keeps_paths_from_other_sites() {
        let [api, _, page, _] = all_sets();
        assert_eq!(value(&api, "referrer-policy"), "no-referrer");
        assert_eq!(value(&page, "referrer-policy"), "strict-origin-when-cross-origin");
    }

    #[test]
    fn asvs_v3_4_6_nothing_is_framed() {
        for set in all_sets() {
            assert_eq!(directive(value(&set, "content-security-policy"), "frame-ancestors"), "'none'");
            assert_eq!(value(&set, "x-frame-options"), "DENY");
        }
    }

    #[test]
    fn no_answer_may_use_a_device() {
        for set in all_sets() {
            let denied: Vec<_> = value(&set, "permissions-policy").split(", ").collect();
            for feature in ["camera=()", "geolocation=()", "microphone=()", "payment=()", "usb=()"] {
                assert!(denied.contains(&feature), "{feature} in {denied:?}");
            }
            assert!(denied.iter().all(|feature| feature.ends_with("=()")), "{denied:?}");
        }
    }

    #[test]
    fn asvs_v3_4_7_violations_are_reported() {
        for set in all_sets() {
            let policy = value(&set, "content-security-policy");
            assert_eq!(directive(policy, "report-uri"), "/api/security/csp-report");
            assert_eq!(directive(policy, "report-to"), "csp");
            assert_eq!(value(&set, "reporting-endpoints"), "csp=\"/api/security/csp-report\"");
        }
    }

    #[test]
    fn asvs_v3_4_8_windows_are_not_shared() {
        for set in all_sets() {
            assert_eq!(value(&set, "cross-origin-opener-policy"), "same-origin");
            assert_eq!(value(&set, "cross-origin-resource-policy"), "same-origin");
        }
    }

    #[test]
    fn asvs_v14_3_2_private_answers_are_not_stored() {
        let [api, cached_api, page, cached_page] = all_sets();
        for set in [api, page] {
            assert_eq!(value(&set, "cache-control"), "no-store");
        }
        for set in [cached_api, cached_page] {
            assert!(set.iter().all(|header| header.name != "cache-control"), "the handler sets it");
        }
    }

    #[test]
    fn asvs_v14_3_1_logout_clears_the_browser() {
        assert_eq!(CLEAR_SITE_DATA.value, r#""cache", "cookies", "storage""#);
    }

    #[test]
    fn headers_are_ready_to_send() {
        for set in all_sets() {
            for header in set {
                assert!(
                    header.value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()),
                    "{header:?}"
                );
                assert_eq!(header.name.to_ascii_lowercase(), header.name);
                assert!(!header.value.contains("  "), "{header:?}");
            }
        }
    }
}
