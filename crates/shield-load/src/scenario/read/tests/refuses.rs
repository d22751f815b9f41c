//! Every mistake is found, placed and explained.

use std::path::Path;

use proptest::prelude::*;
use shield_testkit::assert_told;

use super::{FULL, MINIMAL, parse};
use crate::scenario::program::Program;
use crate::scenario::read::read_load_file;

/// What [`assert_told`] reads.
const CASES: &str = include_str!("mistakes.txt");

#[test]
fn reports_every_mistake() {
    let cases = assert_told(CASES, MINIMAL, |text| parse(text).map(drop));
    assert!(cases >= 50, "{cases} cases");
}

#[test]
fn secrets_are_never_told() {
    let more = "[[scenario.step]]\nget = \"/{{raw env.LINES}}\"\nheaders = { a = \"{{env.LINES}}\" }\n[[feed]]\nname = \"a\"\nfile = \"bad.csv\"\n[[feed]]\nname = \"b\"\nfile = \"latin.csv\"\n[[feed]]\nname = \"c\"\nfile = \"missing.csv\"\n";
    let mistakes = parse(&format!("{MINIMAL}{more}")).unwrap_err();
    assert_eq!(mistakes.list().len(), 5, "{mistakes}");
    assert!(!mistakes.to_string().contains("hunter2"), "{mistakes}");
}

#[test]
fn secrets_are_not_debugged() {
    let more =
        "headers = { a = \"{{env.API_KEY}}\" }\n[[feed]]\nname = \"accounts\"\nfile = \"accounts.csv\"\n";
    let file = parse(&format!("{MINIMAL}{more}")).unwrap();
    let plan = file.plan("127.0.0.1:1".parse().unwrap(), None);
    for shown in [format!("{file:?}"), format!("{plan:?}"), format!("{:?}", Program::new(&file.workload))] {
        assert!(shown.contains("accounts") && !shown.contains("hunter2"), "{shown}");
        assert!(!shown.contains("s,1") && !shown.contains("a@x"), "{shown}");
    }
    for url in ["http://ada:hunter2@localhost", "hunter2@"] {
        let metrics = format!("[thresholds]\n[metrics]\nurl = \"{url}\"\n");
        let text = MINIMAL.replace("http://127.0.0.1:8080", url) + &metrics;
        let mistakes = parse(&text).unwrap_err();
        assert!(mistakes.list().len() >= 2 && !mistakes.to_string().contains("hunter2"), "{mistakes}");
    }
}

#[test]
fn limits_are_kept() {
    let steps = |count: usize| "[[scenario.step]]\nget = \"/\"\n".repeat(count);
    assert!(parse(&format!("{MINIMAL}{}", steps(63))).is_ok());
    let mistakes = parse(&format!("{MINIMAL}{}", steps(64))).unwrap_err();
    assert!(mistakes.to_string().contains("at most 64 steps"), "{mistakes}");
    let scenario = "[[scenario]]\nname = \"s\"\nstep = [{ get = \"/\" }]\n";
    let scenarios: String = (0..32).map(|at| scenario.replace("\"s\"", &format!("\"s{at}\""))).collect();
    let mistakes = parse(&format!("{MINIMAL}{scenarios}")).unwrap_err();
    assert!(mistakes.to_string().contains("at most 32"), "{mistakes}");
    let body = |bytes| format!("{MINIMAL}[[scenario.step]]\nput = \"/\"\njson = \"{}\"\n", "x".repeat(bytes));
    assert!(parse(&body(65_534)).is_ok());
    assert!(parse(&body(65_535)).unwrap_err().to_string().contains("65537 bytes long"));
}

#[test]
fn environment_is_read_by_name() {
    let text = MINIMAL.replace("get = \"/\"", "get = \"/{{env.SHIELD_LOAD_SURELY_UNSET}}/{{raw env.PATH}}\"");
    let mistakes = read_load_file(&text, "load.toml", Path::new(".")).unwrap_err();
    assert!(mistakes.to_string().contains("no text under `SHIELD_LOAD_SURELY_UNSET`"), "{mistakes}");
    assert!(read_load_file(MINIMAL, "load.toml", Path::new(".")).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_damage_is_judged(at in 0..FULL.len(), length in 0..40_usize, instead in "[a-z]{0,3}|[\\[\\]={}\"'.\n]{0,3}") {
        let end = (at + length).min(FULL.len());
        let damaged = format!("{}{instead}{}", &FULL[..at], &FULL[end..]);
        if let Err(mistakes) = parse(&damaged) {
            let lines = damaged.lines().count() + 1;
            prop_assert!(mistakes.list().iter().all(|mistake| (1..=lines).contains(&mistake.line)));
            prop_assert!(mistakes.list().is_sorted_by_key(|mistake| mistake.line));
        }
    }

    #[test]
    fn any_value_is_judged(line in 0..200_usize, value in "-?[0-9]{1,25}|\"[a-z0-9%.:/{}-]{0,12}\"|true|\\[\\]|\\{\\}|1e400|\\[\\{\\}\\]") {
        let replaced: Vec<String> = FULL
            .lines()
            .enumerate()
            .map(|(index, text)| match text.split_once(" = ") {
                Some((key, _)) if index == line => format!("{key} = {value}"),
                _ => text.to_owned(),
            })
            .collect();
        let _ = parse(&replaced.join("\n"));
    }
}
