//! Headers, and the bodies of reports, which come from as far away.

use std::net::{IpAddr, Ipv4Addr};

use shield_guard::{
    ScopeTable, SessionId,
    address::{HopField, Network, TrustedHops},
    csrf::{CsrfKeys, Field, Origins, require_json},
    headers::{CspViolation, parse_csp_reports},
    session::ClientText,
    webhook::{VerifyingKey, WebhookHeaders, WebhookVerifier, new_hmac_secret},
};
use shield_types::{Secret, Timestamp};

use super::{Target, bits_of, holds, mix};

const NOW: Timestamp = Timestamp(1_790_000_000_000);
const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const ORIGIN: &[u8] = b"https://link.example";
/// Longest text that is kept of a user agent, in bytes.
const AGENT_BYTES_MAX: usize = 512;

const WORDS: &[&str] = &[
    "for=",
    "\"[2001:db8::1]:443\"",
    "127.0.0.1",
    "10.0.0.1",
    "::ffff:",
    "unknown",
    "_hidden",
    ";proto=https",
    ", ",
    "https://",
    "link.example",
    "null",
    "/64",
    "v1,",
    "v1a,",
    "application/json",
    "charset=utf-8",
    "{\"csp-report\":{",
    "\"document-uri\":",
    "[{\"type\":\"csp-violation\",\"body\":{",
    "url_check",
    "\n",
];

/// Everything that is read of a head by guard, and what browsers report.
pub(super) fn headers() -> Target {
    let session = SessionId::new(NOW, [1; 10]);
    let csrf = CsrfKeys::new(&Secret::new([2; 32]), None);
    let token = csrf.issue(session, [3; 16]).expose().as_bytes().to_vec();
    let seeds = vec![
        token.clone(),
        ORIGIN.to_vec(),
        b"192.0.2.1, 198.51.100.7,10.0.0.2".to_vec(),
        b"for=192.0.2.1;proto=https, For=\"[2001:db8::1]:443\"".to_vec(),
        b"10.0.0.0/8".to_vec(),
        b"2001:db8::/32".to_vec(),
        b"application/json; charset=utf-8".to_vec(),
        b"account url_check".to_vec(),
        b"msg_1\n1790000000\nv1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4= v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==".to_vec(),
        br#"{"csp-report":{"document-uri":"https://a.example/p?x#y","violated-directive":"script-src 'self'","blocked-uri":"https://u:p@evil.example/x.js?k=1","line-number":7}}"#.to_vec(),
        br#"[{"type":"csp-violation","body":{"documentURL":"https://a.example/","blockedURL":"inline","effectiveDirective":"img-src"}}]"#.to_vec(),
    ];
    let places = Places::new();
    let scopes = ScopeTable::new(&["account", "admin", "url_check"]).expect("three names of scopes");
    let webhooks = webhooks();
    let check = move |input: &[u8]| {
        if csrf.check(session, input).is_ok() {
            holds(input == token, "a CSRF token that was never made is taken")?;
        }
        let mut bits = places.check(input)?;
        bits = mix(bits, reports(input)?);
        bits = mix(bits, require_json(Field::One(input)).map_or_else(|refusal| bits_of(&refusal), |()| 1));
        let agent = ClientText::<AGENT_BYTES_MAX>::cut(input);
        let plain = agent.as_str().len() <= AGENT_BYTES_MAX && !agent.as_str().chars().any(char::is_control);
        holds(plain, "a user agent is kept with control characters, or too long")?;
        if let Ok(text) = std::str::from_utf8(input) {
            if let Ok(set) = scopes.parse(text) {
                let again = scopes.parse(&scopes.text(set).to_string());
                holds(again.is_ok_and(|again| again == set), "scopes are read in two ways")?;
                bits = mix(bits, 2);
            }
            bits = mix(bits, webhook(&webhooks, text)?);
        }
        Ok(bits)
    };
    Target { name: "header", seeds, words: WORDS, check: Box::new(check) }
}

/// What says where a request comes from.
struct Places {
    hops: [TrustedHops; 2],
    listed: Origins,
    of_host: Origins,
}

// === impl Places ===

impl Places {
    fn new() -> Self {
        let network: Network = "10.0.0.0/8".parse().expect("a network");
        let hops = |field| TrustedHops::new(&[network], field).expect("one network");
        let listed = std::str::from_utf8(ORIGIN).expect("ASCII");
        Self {
            hops: [hops(HopField::XForwardedFor), hops(HopField::Forwarded)],
            listed: Origins::new([listed]).expect("an origin"),
            of_host: Origins::of_host(),
        }
    }

    fn check(&self, input: &[u8]) -> Result<u64, String> {
        let mut bits = 0;
        for hops in &self.hops {
            let client = hops.client(PROXY, input.split(|byte| *byte == b'\n'));
            let canonical = client.address.to_canonical() == client.address;
            holds(canonical, "an address is IPv4 within IPv6")?;
            bits = mix(bits, bits_of(&client.origin));
        }
        let (absent, given) = (Field::Absent, Field::One(input));
        if self.listed.judge(absent, given, absent).is_ok() {
            holds(input == ORIGIN, "an origin that is not listed is taken")?;
            bits = mix(bits, 1);
        }
        if self.of_host.judge(absent, given, Field::One(b"link.example")).is_ok() {
            let known = input.eq_ignore_ascii_case(ORIGIN)
                || input
                    .strip_prefix(b"http://")
                    .is_some_and(|rest| rest.eq_ignore_ascii_case(b"link.example"))
                || input
                    .strip_prefix(b"https://")
                    .is_some_and(|rest| rest.eq_ignore_ascii_case(b"link.example"));
            holds(known, "an origin of another host is taken")?;
            bits = mix(bits, 2);
        }
        if let Some(network) = std::str::from_utf8(input).ok().and_then(|text| text.parse::<Network>().ok()) {
            let again = network.to_string().parse();
            holds(again.is_ok_and(|again: Network| again == network), "a network is read in two ways")?;
            bits = mix(bits, 4);
        }
        Ok(bits)
    }
}

fn reports(input: &[u8]) -> Result<u64, String> {
    let mut bits = 0;
    for kind in ["application/csp-report", "application/reports+json"] {
        let answer = match parse_csp_reports(kind, input) {
            Ok(violations) => {
                holds(violations.iter().all(plain), "a report is kept with control characters, or too long")?;
                1 + violations.len() as u64
            }
            Err(refusal) => bits_of(&refusal),
        };
        bits = mix(bits, answer);
    }
    Ok(bits)
}

/// Whether what is kept of a violation can be shown.
fn plain(violation: &CspViolation) -> bool {
    let CspViolation { document_url, blocked_url, directive, source_url, .. } = violation;
    let good = |text: &String| text.chars().count() <= 256 && !text.chars().any(char::is_control);
    [document_url, blocked_url, directive, source_url].into_iter().all(good)
}

fn webhooks() -> WebhookVerifier {
    let key = VerifyingKey::parse(&new_hmac_secret(&[4; 32])).expect("a key that was just made");
    WebhookVerifier::new(vec![key]).expect("one key")
}

fn webhook(verifier: &WebhookVerifier, text: &str) -> Result<u64, String> {
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let headers = WebhookHeaders { id: line(), timestamp: line(), signature: line() };
    match verifier.verify(headers, b"{}", NOW) {
        Ok(_) => Err("a webhook that nobody signed is believed".to_owned()),
        Err(refusal) => Ok(bits_of(&refusal)),
    }
}
