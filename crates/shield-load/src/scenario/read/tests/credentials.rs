//! What `[scenario.auth]` is sugar for.

use std::time::Duration;

use super::{FULL, MINIMAL, body, header, parsed};
use crate::scenario::model::{Place, Scenario, Step};

fn scenario(name: &str) -> Scenario {
    let mut scenarios = parsed(FULL).workload.scenarios;
    let at = scenarios.iter().position(|scenario| scenario.name == name).unwrap();
    scenarios.swap_remove(at)
}

fn extracts(step: &Step) -> Vec<(String, usize)> {
    step.extract.iter().map(|extract| (extract.place.to_string(), extract.variable)).collect()
}

#[test]
fn bearer_token_stands_in_every_step() {
    let buy = scenario("buy");
    let tokens = [("value at `/access_token`".to_owned(), 0), ("value at `/refresh_token`".to_owned(), 1)];
    assert_eq!(extracts(&buy.setup[0]), tokens);
    assert_eq!(header(&buy.setup[0], "authorization"), None);
    for step in &buy.steps {
        assert_eq!(header(step, "authorization").as_deref(), Some("Bearer <variable 0>"), "{}", step.name);
    }
}

#[test]
fn refresh_token_is_taken_along() {
    let refresh = scenario("buy").refresh.unwrap();
    assert_eq!((refresh.every, &refresh.on_status[..]), (Some(Duration::from_secs(600)), &[401][..]));
    assert_eq!(body(&refresh.steps[0]), r#"{"refresh_token":"<variable 1 json>"}"#);
    assert_eq!(extracts(&refresh.steps[0]).len(), 2);
    assert_eq!(header(&refresh.steps[0], "authorization"), None);
}

#[test]
fn session_shows_the_cookie_where_something_changes() {
    let browse = scenario("browse");
    let shown: Vec<Option<String>> =
        browse.setup.iter().chain(&browse.steps).map(|step| header(step, "x-csrf-token")).collect();
    let csrf = Some("<cookie csrf_token>".to_owned());
    assert_eq!(shown, [None, csrf.clone(), None, csrf]);
    let refresh = browse.refresh.unwrap();
    assert!(refresh.steps.is_empty() && refresh.every.is_none());
    assert_eq!(refresh.on_status, [401, 403]);
}

#[test]
fn csrf_token_may_come_from_the_answer() {
    let auth = "[scenario.auth]\nkind = \"session\"\nlogin = { post = \"/login\" }\ncsrf = { pointer = \"/csrf\" }\nrefresh = { post = \"/refresh\", every = \"1m\" }\n[[scenario.step]]\nput = \"/\"\n";
    let scenario = parsed(&format!("{MINIMAL}{auth}")).workload.scenarios.remove(0);
    assert_eq!(scenario.setup[0].extract[0].place, Place::Pointer("/csrf".into()));
    let token = |step: &Step| header(step, "x-csrf-token");
    assert_eq!((token(&scenario.setup[0]), token(&scenario.steps[0])), (None, None));
    let shown = Some("<variable 0>".to_owned());
    assert_eq!(
        (token(&scenario.steps[1]), token(&scenario.refresh.unwrap().steps[0])),
        (shown.clone(), shown)
    );
}

#[test]
fn api_key_stands_in_its_header() {
    let machine = scenario("machine");
    assert!(machine.setup.is_empty() && machine.refresh.is_none());
    assert_eq!(header(&machine.steps[0], "x-api-key").as_deref(), Some("hunter2\""));
    let auth = "auth = { kind = \"api-key\", header = \"Authorization\", value = \"Key {{user}}\" }\n";
    let text = MINIMAL.replace("name = \"look\"\n", &format!("name = \"look\"\n{auth}"));
    let scenario = parsed(&text).workload.scenarios.remove(0);
    assert_eq!(header(&scenario.steps[0], "authorization").as_deref(), Some("Key <user>"));
}
