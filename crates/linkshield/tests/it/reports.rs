//! Reports of browsers about pages that broke their policy.

use serde_json::{Value, json};

use crate::{
    backend::{Backend, assert_problem},
    client::{Reply, get, send},
};

const REPORT: &str = "/api/security/csp-report";
const OLD: &str = "application/csp-report";
const NEW: &str = "application/reports+json";

async fn report(backend: &Backend, kind: &str, body: &str) -> Reply {
    let request = format!(
        "POST {REPORT} HTTP/1.1\r\nhost: test\r\nconnection: close\r\norigin: https://elsewhere.example\r\n\
         sec-fetch-site: cross-site\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    send(backend.address, request).await
}

fn old(directive: &str) -> String {
    let report = json!({
        "document-uri": "https://a.example/p?token=secret",
        "blocked-uri": "https://evil.example/path/secret",
        "violated-directive": directive,
    });
    json!({ "csp-report": report }).to_string()
}

fn new(directives: &[&str]) -> String {
    let report = |directive: &&str| {
        let url = "https://a.example/";
        let body = json!({ "documentURL": url, "blockedURL": "inline", "effectiveDirective": directive });
        json!({ "type": "csp-violation", "url": url, "age": 1, "user_agent": "x", "body": body })
    };
    Value::from(directives.iter().map(report).collect::<Vec<_>>()).to_string()
}

#[tokio::test]
async fn both_kinds_are_counted_and_told_once_a_minute() {
    let backend = Backend::start().await;
    for _ in 0..3 {
        let reply = report(&backend, OLD, &old("script-src 'self'")).await;
        assert_eq!((reply.status, reply.body.as_str()), (204, ""));
    }
    let reply = report(&backend, NEW, &new(&["script-src", "img-src", "made-up", "made-up-too"])).await;
    assert_eq!(reply.status, 204, "{}", reply.body);
    let metrics = get(backend.address, "/metrics").await.body;
    for line in [
        "linkshield_csp_violations_total{directive=\"script-src\"} 4",
        "linkshield_csp_violations_total{directive=\"img-src\"} 1",
        "linkshield_csp_violations_total{directive=\"other\"} 2",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    assert_eq!(report(&backend, OLD, &old("worker-src")).await.status, 204);
    let events = backend.events_until("csp.violated").await;
    let told: Vec<_> = events.iter().filter(|(name, _)| name == "csp.violated").collect();
    // Three kinds and, if it has been written yet, a fourth; a minute may begin in between.
    assert!((1..=8).contains(&told.len()), "{told:?}");
    assert!(!format!("{told:?}").contains("secret"), "{told:?}");
    assert_eq!(told[0].1["unmapped"]["blocked_url"], "https://evil.example");
    assert!(!format!("{told:?}").contains("made-up"), "a name that a client made up: {told:?}");
    assert_eq!(told[0].1["src_endpoint"]["ip"], "127.0.0.1");
    backend.stop().await;
}

#[tokio::test]
async fn what_is_no_report_is_refused() {
    let backend = Backend::start().await;
    for (kind, body, status) in [
        ("application/json", old("script-src"), 415),
        ("text/plain", String::new(), 415),
        (OLD, "{".to_owned(), 400),
        (OLD, "{}".to_owned(), 400),
        (NEW, "{}".to_owned(), 400),
        (NEW, format!("[{}]", vec!["{\"type\":\"x\",\"body\":1}"; 33].join(",")), 400),
        (OLD, " ".repeat(64 * 1024 + 1), 413),
    ] {
        assert_problem(&report(&backend, kind, &body).await, status, REPORT);
    }
    backend.stop().await;
}

#[tokio::test]
async fn one_address_sends_sixty_a_minute() {
    let backend = Backend::start().await;
    let mut limited = None;
    for _ in 0..200 {
        let reply = report(&backend, OLD, &old("img-src")).await;
        if reply.status != 204 {
            limited = Some(reply);
            break;
        }
    }
    let limited = limited.expect("it is limited at some time");
    assert_problem(&limited, 429, REPORT);
    assert!(limited.header("retry-after").is_some());
    assert_eq!(get(backend.address, "/api/v1/health/live").await.status, 200, "nothing else is");
    backend.stop().await;
}
