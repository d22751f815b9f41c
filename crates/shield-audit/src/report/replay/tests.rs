//! Every form of a replay, of a small report and of one that strangers wrote.

use roxmltree::{Document, ParsingOptions};
use serde_json::Value;

use super::*;
use crate::{
    audit::ReplayedReport,
    replay::{Accusation, Judged, JudgedClaim, Replay, Status, Verdict},
    report::{Gap, Part, sample::HOSTILE},
};

fn judged(entry: &str, verdict: Verdict) -> Judged {
    Judged {
        entry: entry.to_owned(),
        verdict,
        pattern: None,
        reason: format!("`{entry}` is so"),
        file: None,
        findings: Vec::new(),
    }
}

fn claim(accusation: Option<Accusation>, entries: Vec<Judged>) -> JudgedClaim {
    JudgedClaim {
        rule_id: "OWASP-1".to_owned(),
        message: format!("found in {} files", entries.len()),
        status: Status::NonCompliant,
        accusation,
        claimed: Some(entries.len()),
        entries,
        missed: Vec::new(),
    }
}

fn small() -> ReplayedReport {
    let weak = vec![
        judged("a.py", Verdict::PartOfWord),
        judged("a.py", Verdict::PartOfWord),
        judged("b.py", Verdict::Own),
        judged("c.py", Verdict::NotInstalled),
    ];
    let other = vec![judged("d.py", Verdict::NoAccusation)];
    ReplayedReport {
        root: "/srv/shop".to_owned(),
        sites: Vec::new(),
        replay: Replay { claims: vec![claim(Some(Accusation::WeakCryptography), weak), claim(None, other)] },
        skipped: Vec::new(),
        gaps: Vec::new(),
    }
}

fn hostile() -> ReplayedReport {
    let mut replayed = small();
    replayed.root = HOSTILE.to_owned();
    replayed.gaps = vec![Gap::of(Part::Imports, HOSTILE, HOSTILE)];
    for claim in &mut replayed.replay.claims {
        (claim.rule_id, claim.message) = (HOSTILE.to_owned(), HOSTILE.to_owned());
        claim.entries =
            claim.entries.iter().map(|one| judged(HOSTILE, one.verdict)).cycle().take(2_000).collect();
    }
    replayed
}

#[test]
fn sums_and_reasons_are_told() {
    let said = text(&small(), None);
    for part in [
        "of 4 entries that accuse files, 1 is real in the project's own code and 0 are in installed code that is loaded; 1 could not be judged",
        "        4 entries       3 files  listed",
        "        1 entries       1 files  in the project's own code",
        "        2  only a piece of longer words",
        "        4  in all",
        "    b.py\n      `b.py` is so",
        "1 entries are of packages that are not installed: there are no installed packages here.",
    ] {
        assert!(said.contains(part), "`{part}` is not in:\n{said}");
    }
    assert!(!said.contains('█') && text(&small(), Some(8)).contains("████████        4 entries"));
    let page = html(&small());
    assert!(page.contains("NOT EVERY ENTRY JUDGED") && page.matches("<svg").count() == 7, "{page}");
    assert!(markdown(&small()).contains("| ████████████████████████ | 4 | 3 | listed |"));
}

#[test]
fn programs_get_every_entry() {
    let document: Value = serde_json::from_str(&json(&small())).unwrap();
    assert_eq!((&document["schema"], &document["complete"]), (&SCHEMA.into(), &false.into()));
    let claim = &document["claims"][0];
    assert_eq!(claim["claim"]["entries"].as_array().unwrap().len(), 4);
    assert_eq!(claim["counts"]["part-of-word"], serde_json::json!({"entries": 2, "files": 1}));
    assert_eq!(document["claims"][1]["funnel"], Value::Null);
}

#[test]
fn hostile_texts_stay_texts() {
    let replayed = hostile();
    let (page, comment, said) = (html(&replayed), markdown(&replayed), text(&replayed, Some(10)));
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&page, options).unwrap();
    let named = |name: &str| document.descendants().filter(|node| node.tag_name().name() == name).count();
    assert_eq!((named("img"), named("script"), named("a")), (0, 0, 0));
    for character in ['\r', '\0', '\x1b', '\u{202e}', '\u{2028}'] {
        assert!([&page, &comment, &said].iter().all(|form| !form.contains(character)), "{character:?}");
    }
    for part in ["<img", "</script", "![x]", "@all", "http://"] {
        assert!(!comment.contains(part), "`{part}` is in:\n{comment}");
    }
    assert!(comment.chars().count() < 65_536, "{}", comment.chars().count());
}
