//! Every path and every status of the API, over TCP.

use std::io::ErrorKind;

use linkshield::{
    api::{BULK_BODY_BYTES_MAX, CHECK_BODY_BYTES_MAX},
    store::DATABASE_FILE,
};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    backend::{Backend, CHECK, assert_problem},
    client::{get, post, post_head, send},
};

const BULK: &str = "/api/v1/url-check/bulk-check";
const HISTORY: &str = "/api/v1/url-check/history";

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn d17_check_works() {
    let backend = Backend::start().await;
    let check = backend.check("HTTP://Example.com/a?b=1&c=2#frag").await;
    assert_eq!(
        keys(&check),
        [
            "analysis_results",
            "broken_links_count",
            "confidence_score",
            "created_at",
            "domain",
            "error_message",
            "id",
            "max_links_used",
            "normalized_url",
            "original_url",
            "scan_completed_at",
            "scan_depth_used",
            "scan_started_at",
            "status",
            "threat_level",
            "total_links_checked"
        ]
    );
    assert_eq!(check["original_url"], "HTTP://Example.com/a?b=1&c=2#frag");
    assert_eq!(check["normalized_url"], "http://example.com/a?b=1&c=2");
    assert_eq!(check["domain"], "example.com");
    assert_eq!(check["status"], "completed");
    assert_eq!(check["threat_level"], "safe");
    assert_eq!(check["analysis_results"]["findings"][0]["id"], "plaintext-http");
    let id = check["id"].as_str().unwrap();
    assert_eq!(get(backend.address, &format!("{CHECK}/{id}")).await.json(), check);
    let results = get(backend.address, &format!("{CHECK}/{id}/results")).await.json();
    assert_eq!(
        keys(&results[0]),
        [
            "confidence_score",
            "created_at",
            "id",
            "metadata",
            "provider",
            "scan_type",
            "threat_detected",
            "threat_types"
        ]
    );
    assert_eq!(
        (&results[0]["scan_type"], &results[1]["scan_type"]),
        (&json!("Technical"), &json!("Security"))
    );
    backend.stop().await;
}

#[tokio::test]
async fn d12_d13_dangerous_links_are_not_safe() {
    let backend = Backend::start().await;
    assert_eq!(backend.check("http://127.0.0.1:1/x.exe").await["threat_level"], "high");
    let listed = backend.check("https://malware.test/").await;
    assert_eq!(listed["threat_level"], "critical");
    assert_eq!(listed["analysis_results"]["risk_score"], 100);
    assert_eq!(backend.check("javascript:alert(1)").await["threat_level"], "critical");
    assert_eq!(backend.check("https://example.com/?a=1&b=2;c=3").await["threat_level"], "safe");
    backend.stop().await;
}

#[tokio::test]
async fn reuses_recent_result_unless_priority() {
    let backend = Backend::start().await;
    let first = backend.check("https://example.com/").await;
    assert_eq!(backend.check("EXAMPLE.com").await["id"], first["id"]);
    let body = json!({ "url": "https://example.com/", "priority": true }).to_string();
    assert_ne!(post(backend.address, CHECK, &body).await.json()["id"], first["id"]);
    let plain = backend.check("http://127.0.0.1/").await;
    let octal = backend.check("http://0177.0.0.1/").await;
    assert_eq!(plain["normalized_url"], octal["normalized_url"]);
    assert_ne!(plain["id"], octal["id"], "a disguise is judged on its own");
    assert_eq!(backend.check("http://127.0.0.1/").await["id"], plain["id"]);
    backend.stop().await;
}

#[tokio::test]
async fn refuses_bad_check_requests() {
    let backend = Backend::start().await;
    let long = "a".repeat(2049);
    let table = [
        (json!({}), 422, vec!["#/url"]),
        (json!([]), 422, vec!["#"]),
        (json!({ "url": "" }), 422, vec!["#/url"]),
        (json!({ "url": long }), 422, vec!["#/url"]),
        (
            json!({ "url": 5, "priority": "yes", "scan_depth": 6, "max_links": 0 }),
            422,
            vec!["#/url", "#/priority", "#/scan_depth", "#/max_links"],
        ),
        (
            json!({ "url": "example.com", "scan_types": ["Security", "Magic", 1] }),
            422,
            vec!["#/scan_types/2", "#/scan_types/1"],
        ),
        (json!({ "url": "example.com", "scan_depth": 1.5 }), 422, vec!["#/scan_depth"]),
        (json!({ "url": "example.com", "callback_url": "https://x.example/" }), 422, vec!["#/callback_url"]),
        (json!({ "url": "example.com", "a/b~c": 1 }), 422, vec!["#/a~1b~0c"]),
        (json!({ "url": "https://" }), 400, vec![]),
        (json!({ "url": "http://a b/" }), 400, vec![]),
        (json!({ "url": "   " }), 400, vec![]),
    ];
    for (body, status, pointers) in table {
        let reply = post(backend.address, CHECK, &body.to_string()).await;
        assert_problem(&reply, status, CHECK);
        let errors = reply.json()["errors"].as_array().cloned().unwrap_or_default();
        let found: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!(found, pointers, "{body}");
    }
    for (scan_depth, max_links) in [(1, 1), (5, 1000)] {
        let body = json!({ "url": "example.com", "scan_types": ["Content", "broken_links"], "scan_depth": scan_depth,
            "max_links": max_links, "callback_url": null });
        assert_eq!(post(backend.address, CHECK, &body.to_string()).await.status, 200);
    }
    backend.stop().await;
}

#[tokio::test]
async fn refuses_bad_bodies() {
    let backend = Backend::start().await;
    for body in ["", "{", "{\"url\":}", "not json", "\u{0}"] {
        assert_problem(&post(backend.address, CHECK, body).await, 400, CHECK);
    }
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_problem(&post(backend.address, CHECK, &deep).await, 400, CHECK);
    let head = "POST /api/v1/url-check/check HTTP/1.1\r\nhost: test\r\nconnection: close\r\n";
    let text = format!("{head}content-type: text/plain\r\ncontent-length: 2\r\n\r\n{{}}");
    assert_problem(&send(backend.address, text).await, 415, CHECK);
    assert_problem(&send(backend.address, format!("{head}content-length: 2\r\n\r\n{{}}")).await, 415, CHECK);
    let gzip = format!(
        "{head}content-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    assert_problem(&send(backend.address, gzip).await, 415, CHECK);
    let of_type = async |media_type: &str, body: &str| {
        let length = body.len();
        let head = format!("{head}content-type: {media_type}\r\ncontent-length: {length}\r\n\r\n");
        send(backend.address, format!("{head}{body}")).await
    };
    let plain = r#"{"url":"https://example.com/"}"#;
    for charset in ["utf-16", "iso-8859-1", "\"utf-7\"", ""] {
        let media_type = format!("application/json; charset={charset}");
        assert_problem(&of_type(&media_type, plain).await, 415, CHECK);
    }
    for charset in ["utf-8", "UTF-8", "\"utf-8\""] {
        let media_type = format!("application/json;charset={charset}");
        assert_eq!(of_type(&media_type, plain).await.status, 200);
    }
    let twice = r#"{"url":"https://example.com/","url":"https://example.org/"}"#;
    let refused = of_type("application/json", twice).await;
    assert_problem(&refused, 400, CHECK);
    assert!(refused.json()["detail"].as_str().unwrap().starts_with("key `url` is given twice"));
    for (path, bytes_max) in [(CHECK, CHECK_BODY_BYTES_MAX), (BULK, BULK_BODY_BYTES_MAX)] {
        let large = format!("\"{}\"", "a".repeat(bytes_max));
        assert_problem(&backend.ask("POST", path, &large).await, 413, path);
    }
    backend.stop().await;
}

#[tokio::test]
async fn refuses_announced_size_at_once() {
    let backend = Backend::start().await;
    // Nothing of the body is ever sent.
    let head = post_head(CHECK, 1 << 40).replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n");
    assert_problem(&send(backend.address, head).await, 413, CHECK);
    backend.stop().await;
}

#[tokio::test]
async fn many_mistakes_make_no_large_answer() {
    let backend = Backend::start().await;
    let numbers = json!({ "urls": vec![1; 100_000] }).to_string();
    let reply = backend.ask("POST", BULK, &numbers).await;
    assert_problem(&reply, 422, BULK);
    assert_eq!(reply.json()["errors"].as_array().unwrap().len(), 32);
    assert_eq!(reply.json()["detail"], "100000 fields are not accepted, the first 32 are in `errors`");
    let parameters: Vec<String> = (0..5000).map(|index| format!("{index:x}")).collect();
    let reply = backend.ask("GET", &format!("{HISTORY}?{}", parameters.join("&")), "").await;
    assert_problem(&reply, 422, HISTORY);
    assert_eq!(reply.json()["errors"].as_array().unwrap().len(), 32);
    backend.stop().await;
}

#[tokio::test]
async fn longest_urls_fit_in_bulk() {
    let backend = Backend::start().await;
    let path = "\\ud83d\\ude00".repeat(2048 - "https://a.example/00".len());
    let urls: Vec<String> = (0..100).map(|index| format!("\"https://a.example/{index:02}{path}\"")).collect();
    let reply = backend.ask("POST", BULK, &format!("{{\"urls\":[{}]}}", urls.join(","))).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("x-skipped-urls"), None);
    assert_eq!(post(backend.address, CHECK, &format!("{{\"url\":{}}}", urls[0])).await.status, 200);
    backend.stop().await;
}

#[tokio::test]
async fn deleted_database_loses_nothing_silently() {
    let backend = Backend::start().await;
    backend.check("https://example.com/").await;
    std::fs::remove_file(backend.directory.path().join(DATABASE_FILE)).unwrap();
    let body = json!({ "url": "https://example.com/lost" }).to_string();
    assert_problem(&post(backend.address, CHECK, &body).await, 503, CHECK);
    assert_eq!(get(backend.address, "/api/v1/health/ready").await.status, 503);
    std::fs::write(backend.directory.path().join(DATABASE_FILE), "").unwrap();
    assert_problem(&post(backend.address, CHECK, &body).await, 503, CHECK);
    backend.stop().await;
}

#[tokio::test]
async fn refuses_unknown_paths_and_methods() {
    let backend = Backend::start().await;
    assert_problem(&get(backend.address, "/nothing/here?secret=1").await, 404, "/nothing/here");
    let reply = get(backend.address, BULK).await;
    assert_problem(&reply, 405, BULK);
    assert_eq!(reply.header("allow"), Some("POST"));
    let unknown = format!("{CHECK}/01890a5d-ac96-774b-bcce-b302099a8057");
    assert_problem(&get(backend.address, &unknown).await, 404, &unknown);
    let results = format!("{unknown}/results");
    assert_problem(&get(backend.address, &results).await, 404, &results);
    let text = format!("{CHECK}/not-an-id");
    assert_problem(&get(backend.address, &text).await, 422, &text);
    let invalid = format!("{CHECK}/%ff");
    assert_problem(&get(backend.address, &invalid).await, 422, &invalid);
    backend.stop().await;
}

/// `/openapi.json` and docs/accounts.md say so.
#[tokio::test]
async fn what_is_no_request_is_refused_without_a_body() {
    let backend = Backend::start().await;
    let headers: String = (0..101).map(|number| format!("x-{number}: a\r\n")).collect();
    for (request, statuses) in [
        ("NONSENSE\r\n\r\n".to_owned(), &[400][..]),
        (format!("GET / HTTP/1.1\r\nhost: a\r\n{headers}\r\n"), &[431]),
        (format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(65_535)), &[414, 431]),
    ] {
        let reply = send(backend.address, request).await;
        assert!(statuses.contains(&reply.status), "{}", reply.status);
        assert_eq!((reply.body.as_str(), reply.header("x-request-id")), ("", None), "{}", reply.status);
    }
    let document = get(backend.address, "/openapi.json").await.json();
    let description = document["info"]["description"].as_str().unwrap();
    assert!(description.contains("by an empty answer"), "{description}");
    backend.stop().await;
}

/// More clients than there are turns have begun a bulk request, and do not go on with it.
#[tokio::test]
async fn slow_bodies_take_nobodys_turn() {
    let backend = Backend::start().await;
    let member = backend.member().await;
    let mut slow = Vec::new();
    for _ in 0..40 {
        let mut socket = TcpStream::connect(backend.address).await.unwrap();
        let head = format!(
            "POST {BULK} HTTP/1.1\r\nhost: a\r\n{member}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{{"
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        slow.push(socket);
    }
    let body = json!({ "urls": ["https://example.com/"] });
    assert_eq!(backend.ask("POST", BULK, &body.to_string()).await.status, 200);
    // They still wait to be given up: it was not their end that made room.
    let mut byte = [0];
    for socket in &slow {
        assert_eq!(socket.try_read(&mut byte).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
    drop(slow);
    backend.stop().await;
}

#[tokio::test]
async fn checks_in_bulk() {
    let backend = Backend::start().await;
    let body = json!({ "urls": ["https://example.com/", "http://a b/", "https://malware.test/", "https://example.com/"] });
    let reply = backend.ask("POST", BULK, &body.to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.header("x-skipped-urls"), Some("1"));
    let checks = reply.json();
    let levels: Vec<&str> =
        checks.as_array().unwrap().iter().map(|check| check["threat_level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["safe", "critical", "safe"]);
    assert_eq!(checks[0]["id"], checks[2]["id"]);
    let hundred: Vec<String> = (0..100).map(|index| format!("https://example.com/{index}")).collect();
    let reply = backend.ask("POST", BULK, &json!({ "urls": hundred }).to_string()).await;
    assert_eq!(reply.json().as_array().unwrap().len(), 100);
    for (urls, status) in [
        (json!(vec!["https://example.com/"; 101]), 400),
        (json!(["http://a b/", ""]), 400),
        (json!([]), 400),
        (json!("https://example.com/"), 422),
        (json!(["https://example.com/", 5]), 422),
        (Value::Null, 422),
    ] {
        let reply = backend.ask("POST", BULK, &json!({ "urls": urls }).to_string()).await;
        assert_problem(&reply, status, BULK);
    }
    backend.stop().await;
}

#[tokio::test]
async fn lists_history() {
    let backend = Backend::start().await;
    let check = async |url: &str| {
        assert_eq!(backend.ask("POST", CHECK, &json!({ "url": url }).to_string()).await.status, 200);
    };
    for index in 0..25 {
        check(&format!("https://www.example.com/{index}")).await;
    }
    check("https://malware.test/").await;
    let page = backend.ask("GET", HISTORY, "").await.json();
    assert_eq!(keys(&page), ["checks", "page", "page_size", "total_count"]);
    assert_eq!(
        (&page["total_count"], &page["page"], &page["page_size"]),
        (&json!(26), &json!(1), &json!(20))
    );
    assert_eq!(page["checks"][0]["domain"], "malware.test");
    for (query, total, listed) in [
        ("page=2", 26, 6),
        ("page=99", 26, 0),
        ("page_size=100", 26, 26),
        ("threat_level=critical", 1, 1),
        ("threat_level=critical&status=failed", 0, 0),
        ("domain=example.com", 25, 20),
        ("domain=EXAMPLE.com&page=2", 25, 5),
        ("url=https%3A%2F%2Fwww.example.com%2F7", 1, 1),
        ("url=WWW.example.com/7", 1, 1),
        ("status=completed&page_size=1", 26, 1),
    ] {
        let page = backend.ask("GET", &format!("{HISTORY}?{query}"), "").await.json();
        assert_eq!(page["total_count"], total, "{query}");
        assert_eq!(page["checks"].as_array().unwrap().len(), listed, "{query}");
    }
    let reply = backend.ask("GET", &format!("{HISTORY}?page=0&page_size=101&level=high"), "").await;
    assert_problem(&reply, 422, HISTORY);
    assert_eq!(reply.json()["errors"].as_array().unwrap().len(), 3);
    backend.stop().await;
}

#[tokio::test]
async fn reports_health() {
    let backend = Backend::start().await;
    let health = get(backend.address, "/api/v1/health").await;
    assert_eq!(health.status, 200);
    assert_eq!(keys(&health.json()), ["checks", "environment", "status", "timestamp", "uptime", "version"]);
    let live = get(backend.address, "/api/v1/health/live").await.json();
    assert_eq!(
        (keys(&live), &live["status"]),
        (vec!["message", "status", "timestamp", "uptime"], &json!("alive"))
    );
    let ready = get(backend.address, "/api/v1/health/ready").await.json();
    assert_eq!((keys(&ready), &ready["status"]), (vec!["message", "status", "timestamp"], &json!("ready")));
    let version = get(backend.address, "/api/v1/version").await.json();
    assert_eq!(version["environment"], "staging");
    backend.store.close().await;
    assert_eq!(get(backend.address, "/api/v1/health/ready").await.status, 503);
    assert_eq!(
        get(backend.address, "/api/v1/health").await.json()["checks"]["database"]["status"],
        "unhealthy"
    );
    assert_eq!(get(backend.address, "/api/v1/health/live").await.status, 200);
    let check = format!("{CHECK}/01890a5d-ac96-774b-bcce-b302099a8057");
    assert_problem(&get(backend.address, &check).await, 500, &check);
    backend.stop().await;
}

#[tokio::test]
async fn d16_metrics_are_prometheus_text() {
    let backend = Backend::start().await;
    backend.check("https://malware.test/").await;
    get(backend.address, "/some/unknown/path").await;
    // Metrics come from memory: they answer even when the database is gone.
    backend.store.close().await;
    let reply = get(backend.address, "/metrics").await;
    assert_eq!(reply.status, 200);
    for line in [
        "linkshield_checks_total{threat_level=\"critical\",source=\"analysed\"} 1",
        "linkshield_http_requests_total{route=\"/api/v1/url-check/check\",method=\"POST\",status=\"200\"} 1",
        "linkshield_http_requests_total{route=\"unmatched\",method=\"GET\",status=\"404\"} 1",
        "linkshield_http_requests_in_flight 1",
        "linkshield_draining 0",
    ] {
        assert!(reply.body.contains(line), "{line} in {}", reply.body);
    }
    assert!(!reply.body.contains("unknown"), "no label comes from the client");
    backend.stop().await;
}

#[tokio::test]
async fn documents_every_path() {
    let backend = Backend::start().await;
    let document = get(backend.address, "/openapi.json").await.json();
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 46);
    let refusals = |path: &str, method: &str| {
        let documented = paths[path][method]["responses"].as_object().unwrap();
        let statuses = documented.keys().filter(|status| status.starts_with(['4', '5']));
        statuses.map(String::as_str).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(refusals("/metrics", "get"), "429 500 503");
    assert_eq!(refusals("/api/v1/url-check/history", "get"), "401 403 422 429 500 503");
    assert_eq!(refusals("/api/v1/admin/users", "get"), "401 403 404 422 429 500 503");
    assert_eq!(refusals("/api/v1/user/forgot-password", "post"), "400 403 408 413 415 422 429 500 503");
    assert_eq!(refusals("/api/v1/user/profile", "put"), "400 401 403 408 413 415 422 429 500 503");
    assert_eq!(document["components"]["schemas"]["CheckRequest"]["additionalProperties"], false);
    for (path, operations) in paths {
        for method in operations.as_object().unwrap().keys() {
            let id = "01890a5d-ac96-774b-bcce-b302099a8057";
            let path = path.replace("{id}", id).replace("{user_id}", id);
            let documented = &operations[method]["responses"];
            for status in ["429", "500", "503"] {
                assert!(documented[status].is_object(), "{method} {path} {status}");
            }
            let request = post_head(&path, 2).replace("POST", &method.to_uppercase());
            let reply = send(backend.address, format!("{request}{{}}")).await;
            assert!(reply.status != 405, "{method} {path}");
            assert!(!reply.body.contains("unknown-path"), "{method} {path}");
            let documented = &documented[reply.status.to_string()]["content"];
            let media_type = reply.header("content-type").unwrap().split(';').next().unwrap();
            assert!(documented[media_type].is_object(), "{method} {path}: {} {media_type}", reply.status);
        }
    }
    let root = get(backend.address, "/").await.json();
    for field in ["api", "health", "metrics"] {
        assert_eq!(get(backend.address, root[field].as_str().unwrap()).await.status, 200);
    }
    backend.stop().await;
}

/// RFC 9112, 3.2.
#[tokio::test]
async fn refuses_all_but_one_host() {
    let backend = Backend::start().await;
    let ask = async |version: &str, hosts: &str| {
        send(backend.address, format!("GET / {version}\r\n{hosts}connection: close\r\n\r\n")).await
    };
    for hosts in ["", "host: a\r\nhost: a\r\n", "host: a\r\nhost: b\r\n", "host: a b\r\n"] {
        assert_problem(&ask("HTTP/1.1", hosts).await, 400, "/");
    }
    assert_eq!(ask("HTTP/1.1", "host: a\r\n").await.status, 200);
    assert_eq!(ask("HTTP/1.0", "").await.status, 200);
    backend.stop().await;
}

#[tokio::test]
async fn keeps_proxy_request_id() {
    let backend = Backend::start().await;
    let ask = async |id: &str| {
        let request = format!("GET / HTTP/1.1\r\nhost: t\r\nconnection: close\r\nx-request-id: {id}\r\n\r\n");
        send(backend.address, request).await.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(ask("edge-42").await, "edge-42");
    assert_ne!(ask("no good").await, "no good");
    backend.stop().await;
}
