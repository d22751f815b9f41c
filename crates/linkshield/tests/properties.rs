//! Properties of the analysis over arbitrary text, with shrinking. Behind the feature `property-tests`, so that
//! proptest and what it pulls in stay out of the ordinary build.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

use linkshield::analysis::{Target, analyse, analyse_text};
use proptest::prelude::*;

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,200}") {
        prop_assert_eq!(analyse_text(&text), analyse_text(&text));
    }

    #[test]
    fn hostile_text_never_panics(text in "(https?|javascript|data|file|foo)?:?[/\\\\]{0,3}[a-z0-9@:%.\\[\\]\\-\u{430}\u{3002}\u{200b}\t\n\\\\]{0,60}[/?#&=%a-f0-9.\\\\\u{202e}]{0,60}") {
        if let Ok(target) = Target::parse(&text) {
            let report = analyse(&target);
            prop_assert!(report.level.score_min() <= report.risk_score && report.risk_score <= report.level.score_max());
            prop_assert!(report.findings.iter().all(|finding| !finding.explanation.chars().any(char::is_control)));
        }
    }

    #[test]
    fn normal_form_is_a_fixed_point(text in "[a-z]{1,10}\\.(com|org|co\\.uk)/[a-zA-Z0-9/._~-]{0,40}(\\?[a-z0-9=&%]{0,30})?") {
        let once = Target::parse(&text).unwrap().normalized().to_owned();
        let twice = Target::parse(&once).unwrap();
        prop_assert_eq!(twice.normalized(), &once);
    }
}
