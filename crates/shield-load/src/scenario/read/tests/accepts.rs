//! What files resolve to.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use http::Method;
use serde_json::json;

use super::{FULL, MINIMAL, body, header, http, parsed, shown, with};
use crate::engine::arrivals::{Phase, Schedule, Spacing};
use crate::plan::model::{ClientGroup, Connection, Model, Protocol, Scheme, Stop};
use crate::plan::validate::validate;
use crate::results::thresholds::{Limit, Percentile};
use crate::scenario::file::FileModel;
use crate::scenario::model::{Action, Demand, FeedOrder, Place};
use crate::scenario::read::read_load_file;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn small_file_gets_defaults() {
    let file = parsed(MINIMAL);
    assert_eq!((file.target.scheme, file.target.authority.as_str()), (Scheme::Http, "127.0.0.1:8080"));
    assert_eq!((file.protocol, file.connection, file.seed), (Protocol::Http1, Connection::KeepAlive, 1));
    assert_eq!((file.timeout, file.failure_pause), (SECOND * 10, Duration::from_millis(10)));
    let closed = FileModel::Closed { users: 2, users_per_connection: 1, stop: Stop::After(SECOND * 10) };
    assert_eq!(file.model, closed);
    assert!(file.trust.is_none() && file.abort.is_none() && file.metrics.is_none() && file.ledger.is_none());
    assert!(file.counter.is_none());
    let step = &file.workload.scenarios[0].steps[0];
    assert_eq!((step.name.as_str(), &step.expect[..]), ("GET /", &[200..=299][..]));
    assert_eq!(step.think, Duration::ZERO..=Duration::ZERO);
    assert_eq!((file.workload.id_prefix.as_str(), file.workload.scenarios[0].weight), ("shop", 1));
}

#[test]
fn full_file_is_accepted() {
    let file = parsed(FULL);
    let names: Vec<&str> = file.workload.steps().map(|step| step.name.as_str()).collect();
    let expected = [
        ["log-in of buy", "renewal of buy", "search", "buy", "chat"].as_slice(),
        &["GET /login", "log-in of browse", "GET /", "DELETE /cart", "GET / (2)"],
    ];
    assert_eq!(names, expected.concat());
    assert_eq!(file.ledger.as_deref(), Some("/ledger"));
    assert_eq!(file.thresholds.limits.len(), 5);
    let (percentile, at_most) = (Percentile::P99, Duration::from_millis(500));
    assert_eq!(file.thresholds.limits[0], Limit::Latency { percentile, at_most });
    assert_eq!(file.thresholds.target[0].labels["route"], "/x");
    assert_eq!((file.abort.unwrap().over, file.metrics.unwrap().every), (SECOND * 5, SECOND));
    assert_eq!(file.workload.feeds[0].order, FeedOrder::PerUser);
    assert_eq!(file.workload.feeds[0].rows, [["a@x", "s,1"], ["b@x", "s2"]]);
}

#[test]
fn texts_may_be_empty() {
    let more =
        "[[scenario.step]]\nput = \"/\"\nbody = \"\"\n[[scenario.step]]\nwebsocket = \"/ws\"\nsend = \"\"\n";
    let file = with(more);
    let steps = &file.workload.scenarios[0].steps;
    assert_eq!(http(&steps[1]).body.as_ref().map(shown), Some(String::new()));
    assert!(matches!(&steps[2].action, Action::WebSocket { message, .. } if shown(message).is_empty()));
}

#[test]
fn counter_counts_every_step_by_default() {
    let more = "[metrics]\nurl = \"http://localhost/\"\n[counter]\nmetric = \"hits\"\n";
    let setup = "[[scenario.setup]]\nname = \"enter\"\nget = \"/\"\n";
    let counter = with(&format!("{setup}{more}")).counter.unwrap();
    assert_eq!((counter.metric.as_str(), counter.labels.len()), ("hits", 0));
    assert_eq!(counter.steps, ["enter", "GET /"]);
    let counter = parsed(FULL).counter.unwrap();
    assert_eq!((counter.labels["route"].as_str(), counter.steps), ("/orders", vec!["buy".to_owned()]));
}

#[test]
fn phases_are_sugar_for_a_schedule() {
    let FileModel::Open { schedule, users, users_max } = parsed(FULL).model else { panic!("not open") };
    let phase = |from_per_second, to_per_second, seconds| Phase {
        duration: SECOND * seconds,
        from_per_second,
        to_per_second,
    };
    let phases = vec![
        phase(100.0, 100.0, 30),
        phase(100.0, 500.0, 10),
        phase(1_000.0, 1_000.0, 2),
        phase(100.0, 100.0, 10),
        phase(200.0, 200.0, 10),
        phase(400.0, 400.0, 10),
    ];
    assert_eq!(schedule, Schedule { phases, spacing: Spacing::Poisson });
    assert_eq!((users, users_max), (10, 200));
}

#[test]
fn plans_are_what_the_engine_takes() {
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let plan = parsed(FULL).plan(address, Some("PEM".to_owned()));
    validate(&plan).unwrap();
    assert_eq!((plan.target.address.port(), plan.stop), (8443, Stop::WhenTold));
    assert!(matches!(plan.model, Model::Open { clients_max: 200, .. }));
    assert_eq!((plan.clients[0].count, plan.workload.scenarios.len()), (10, 3));
    let shared = MINIMAL.replace("users = 2", "users = 6\nusers_per_connection = 3");
    let shared = shared
        .replace("for = \"10s\"", "iterations = 7")
        .replace("name = \"shop\"", "name = \"shop-2\"\nprotocol = \"h2\"");
    let plan = parsed(&shared).plan(address, None);
    validate(&plan).unwrap();
    assert_eq!((plan.target.address, plan.stop, plan.model), (address, Stop::Iterations(7), Model::Closed));
    let ClientGroup { count, streams, protocol, .. } = plan.clients[0];
    assert_eq!((count, streams, protocol), (2, 3, Protocol::Http2));
    assert_eq!(plan.workload.id_prefix, "shop_2");
}

#[test]
fn json_is_written_once_with_its_places() {
    let file = parsed(FULL);
    let buy = &file.workload.scenarios[0].steps[1];
    // Variables: token, refresh_token, id_of_first.
    let expected = r#"{"id":"<id json>","note":"\"<feed 1.0 json>\"","of":<variable 2>,"quantity":2}"#;
    assert_eq!(body(buy), expected);
    assert_eq!(header(buy, "content-type").as_deref(), Some("application/json"));
    assert_eq!(header(buy, "x-trace").as_deref(), Some("<random>"));
    assert_eq!(header(buy, "accept").as_deref(), Some("application/json"));
    let odd = with(
        "[[scenario.step]]\nput = \"/\"\njson = ['{{raw id}}', 'a{{raw id}}', { '{{user}}' = 1.5 }, 'é\"{{ random }}', []]\n",
    );
    let odd = &odd.workload.scenarios[0].steps[1];
    assert_eq!(body(odd), r#"[<id>,"a<id>",{"<user json>":1.5},"é\"<random json>",[]]"#);
}

#[test]
fn environment_becomes_text() {
    let more = "[[scenario.step]]\npost = \"/{{env.API_KEY}}\"\n";
    let written = |body: &str| with(&format!("{more}{body}\n")).workload.scenarios[0].steps[1].clone();
    let json = written("json = { a = \"{{env.API_KEY}}\", b = 1 }");
    assert_eq!(shown(&http(&json).path), "/hunter2%22");
    assert_eq!(super::body(&json), r#"{"a":"hunter2\"","b":1}"#);
    assert_eq!(super::body(&written("json = \"{{raw env.API_KEY}}\"")), "hunter2\"");
    assert_eq!(super::body(&written("body = \"<{{env.API_KEY}}>\"")), "<hunter2\">");
}

#[test]
fn other_bodies_are_escaped_for_their_place() {
    let file = parsed(FULL);
    let browse = &file.workload.scenarios[1];
    assert_eq!(body(&browse.setup[1]), "e%20mail=<feed 0.0 url>&keep=true");
    let form = "application/x-www-form-urlencoded";
    assert_eq!(header(&browse.setup[1], "content-type").as_deref(), Some(form));
    let delete = &browse.steps[1];
    assert_eq!(
        (&http(delete).method, body(delete).as_str()),
        (&Method::DELETE, "<cookie s> of <user> in <iteration>")
    );
    assert_eq!(header(delete, "content-type"), None);
    let search = &file.workload.scenarios[0].steps[0];
    assert_eq!(shown(&http(search).path), "/search?q=<feed 0.0 url>");
    let Action::WebSocket { path, message, .. } = &file.workload.scenarios[0].steps[2].action else {
        panic!("not a WebSocket")
    };
    assert_eq!((shown(path).as_str(), shown(message).as_str()), ("/ws/<variable 4 url>", "hello <id>"));
}

#[test]
fn own_header_wins() {
    let more = "headers = { Accept = \"text/html\", content-type = \"a/b\" }\n[[scenario.step]]\npost = \"/\"\njson = 1\nheaders = { Content-Type = \"c/d\" }\n";
    let file = parsed(&format!("headers = {{ accept = \"x\" }}\n{MINIMAL}{more}"));
    let [get, post] = file.workload.scenarios[0].steps.as_slice() else { panic!("two steps") };
    assert_eq!(header(get, "accept").as_deref(), Some("text/html"));
    assert_eq!(
        (header(post, "accept").as_deref(), header(post, "content-type").as_deref()),
        (Some("x"), Some("c/d"))
    );
}

#[test]
fn answers_are_judged_and_kept() {
    let file = parsed(FULL);
    let step = &file.workload.scenarios[0].steps[1];
    assert_eq!(step.expect, [200..=200, 201..=204]);
    let names: Vec<&str> = step.checks.iter().map(|check| check.name.as_str()).collect();
    let expected = [
        "value at `/order/state` equals \"new\"",
        "header `content-type` contains \"json\"",
        "body contains \"ok\"",
        "has a session",
    ];
    assert_eq!(names, expected);
    assert_eq!(step.checks[0].demand, Demand::Equals(json!("new")));
    assert_eq!(step.checks[3].demand, Demand::Present);
    let kept: Vec<(&Place, &str)> = step
        .extract
        .iter()
        .map(|extract| (&extract.place, file.workload.variables[extract.variable].as_str()))
        .collect();
    assert_eq!(kept[0], (&Place::Header("etag".parse().unwrap()), "buy.etag"));
    assert_eq!(kept[1], (&Place::Pointer("/order/id".into()), "buy.order"));
    assert_eq!(kept[2], (&Place::Cookie("s".into()), "buy.s"));
    assert_eq!(step.think, SECOND / 2..=SECOND * 2);
    assert!(step.ledger);
}

#[test]
fn variables_belong_to_their_scenario() {
    let more = "extract = { x = \"/a\" }\n[[scenario.step]]\nget = \"/{{x}}\"\nextract = { x = \"/b\" }\n[[scenario]]\nname = \"other\"\n[[scenario.step]]\nget = \"/first\"\nextract = { x = \"/c\" }\n[[scenario.step]]\nget = \"/{{x}}?second\"\n";
    let file = with(more);
    assert_eq!(file.workload.variables, ["look.x", "other.x"]);
    let [look, other] = file.workload.scenarios.as_slice() else { panic!("two scenarios") };
    assert_eq!(shown(&http(&look.steps[1]).path), "/<variable 0 url>");
    assert_eq!(look.steps[1].extract[0].variable, 0);
    assert_eq!(shown(&http(&other.steps[1]).path), "/<variable 1 url>?second");
}

#[test]
fn feeds_come_from_json_lines_too() {
    let more = "[[scenario.step]]\nget = \"/{{a.email}}/{{a.age}}\"\n[[feed]]\nname = \"a\"\nfile = \"accounts.jsonl\"\n";
    let feed = with(more).workload.feeds.remove(0);
    assert_eq!(
        (feed.columns, feed.rows),
        (vec!["age".into(), "email".into()], vec![vec!["7".into(), "a@x".into()]])
    );
    assert_eq!(feed.order, FeedOrder::Sequence);
}

#[test]
fn example_of_the_repository_is_accepted() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let text = std::fs::read_to_string(examples.join("load.toml")).unwrap();
    let file = read_load_file(&text, "load.toml", &examples).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(file.workload.scenarios.len(), 2);
}
