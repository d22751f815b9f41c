//! A well-known domain written into the subdomains of another (`paypal.com.login.example`).
//!
//! Deliberately small: complete domains only. Look-alike spellings need a larger list and come with it.

use crate::analysis::{Finding, Rule, Severity, Target, shown::shown};

const EMBEDDED: Rule = Rule {
    id: "embedded-brand-domain",
    severity: Severity::High,
    points: 75,
    title: "Known domain used as decoration",
};

pub(super) const RULES: &[Rule] = &[EMBEDDED];

const DOMAINS: &[&str] = &[
    "amazon.com",
    "apple.com",
    "bankofamerica.com",
    "binance.com",
    "chase.com",
    "coinbase.com",
    "dhl.com",
    "dropbox.com",
    "ebay.com",
    "facebook.com",
    "github.com",
    "gmail.com",
    "google.com",
    "icloud.com",
    "instagram.com",
    "linkedin.com",
    "live.com",
    "microsoft.com",
    "netflix.com",
    "office.com",
    "outlook.com",
    "paypal.com",
    "steamcommunity.com",
    "telegram.org",
    "usps.com",
    "wellsfargo.com",
    "whatsapp.com",
    "yahoo.com",
];

/// Services whose business is to serve other people's domains under their own.
const REHOSTERS: &[&str] = &[
    "akadns.net",
    "akamai.net",
    "akamaiedge.net",
    "akamaized.net",
    "cloudflare.net",
    "edgekey.net",
    "edgesuite.net",
    "fastly.net",
    "mcas.ms",
    "translate.goog",
];

/// Whether the host belongs to a service that puts other people's whole domains in front of its own.
pub(super) fn rehosts(target: &Target) -> bool {
    target.host.name().is_some_and(|name| REHOSTERS.iter().any(|rehoster| name.within(rehoster)))
}

pub(super) fn check(target: &Target, findings: &mut Vec<Finding>) {
    let Some(name) = target.host.name() else { return };
    let labels = name.subdomain_labels();
    let embedded = labels.windows(2).map(|pair| pair.join(".")).find(|pair| DOMAINS.contains(&pair.as_str()));
    let owner = target.host.owner();
    if let Some(domain) = embedded.filter(|_| !rehosts(target)) {
        let explanation = format!(
            "`{domain}` in `{}` is only decoration; the site belongs to `{}`.",
            shown(&name.ascii),
            shown(&owner)
        );
        findings.push(EMBEDDED.found(explanation, &name.ascii));
    }
}
