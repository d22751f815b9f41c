//! Ports other than the scheme's own.

use crate::analysis::{Finding, Rule, Severity, Target, shown::shown};

const BLOCKED: Rule =
    Rule { id: "blocked-port", severity: Severity::Medium, points: 40, title: "Port of another service" };
const UNUSUAL: Rule = Rule { id: "unusual-port", severity: Severity::Low, points: 20, title: "Unusual port" };
const ALTERNATIVE: Rule =
    Rule { id: "alternative-web-port", severity: Severity::Info, points: 5, title: "Second web port" };

pub(super) const RULES: &[Rule] = &[BLOCKED, UNUSUAL, ALTERNATIVE];

/// Ports on which web servers commonly run beside 80 and 443.
const WEB_PORTS: &[u16] = &[80, 443, 3000, 5000, 8000, 8008, 8080, 8081, 8443, 8888, 9443];
/// The "bad ports" of the WHATWG Fetch standard: browsers refuse to open them.
const BLOCKED_PORTS: &[u16] = &[
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103,
    104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514,
    515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723,
    2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
];

pub(super) fn check(target: &Target, findings: &mut Vec<Finding>) {
    let Some(port) = target.url.port() else { return };
    let host = shown(&target.host.text());
    let evidence = format!(":{port}");
    findings.push(if target.web() && BLOCKED_PORTS.contains(&port) {
        let explanation = format!("Port {port} on `{host}` belongs to another service; browsers refuse it.");
        BLOCKED.found(explanation, &evidence)
    } else if WEB_PORTS.contains(&port) {
        let explanation = format!("Port {port} on `{host}` is a common second port for web servers.");
        ALTERNATIVE.found(explanation, &evidence)
    } else {
        UNUSUAL.found(format!("Port {port} on `{host}` is not one that web sites use."), &evidence)
    });
}
