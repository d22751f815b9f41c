//! What only other scanners see, as findings.
//!
//! Findings share their rules, which are constants. Those of others are known only when they say something: each is made once
//! and kept for as long as the process lives, and there are never more than [`MADE_MAX`], however many an imported file names.
//! Their ids have a colon, `bandit:B101`, which none of ours has, and no character that any form of a report takes for markup.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{LazyLock, Mutex, PoisonError},
};

use super::{About, Theirs};
use crate::finding::{Confidence, Cwe, Finding, Rule, Severity, Wording};

/// So many rules of others are told apart. All scanners that are known have some thousands.
const MADE_MAX: usize = 20_000;
/// Longest name of a tool or of a rule.
const NAME_MAX: usize = 100;

/// Rules by what they are made of.
type Made = HashMap<(String, Severity, Cwe), &'static Rule>;

static MADE: LazyLock<Mutex<Made>> = LazyLock::new(Mutex::default);

/// What is said under a name beyond the limit.
static OTHER: Rule = Rule {
    id: "others:rule",
    title: "a rule of another scanner",
    cwe: Cwe(710),
    severity: Severity::Medium,
    aliases: &[],
    advice: "Read what the scanner says: mend it, or accept it with a reason.",
};

/// Findings of what only others say, in its order.
pub(crate) fn findings(all: Vec<Theirs>) -> Vec<Finding> {
    let mut kinds: BTreeMap<String, (Severity, Cwe)> = BTreeMap::new();
    for Theirs { observation, .. } in &all {
        let cwe = observation.cwes.iter().min().copied().unwrap_or(match observation.about {
            About::Secret => Cwe(798),
            About::Package { .. } => Cwe(1395),
            About::Code => Cwe(710),
        });
        let id = id(&observation.tool, &observation.rule);
        let kind = kinds.entry(id).or_insert((observation.severity, cwe));
        *kind = (kind.0.max(observation.severity), kind.1.min(cwe));
    }
    let rules: BTreeMap<String, &'static Rule> =
        kinds.into_iter().map(|(id, (severity, cwe))| (id.clone(), rule(&id, severity, cwe))).collect();
    let finding = |Theirs { observation, fingerprint }: Theirs| {
        let rule = rules[&id(&observation.tool, &observation.rule)];
        let subject = match &observation.about {
            About::Package { package, version, .. } => format!("{package} {version}"),
            About::Code | About::Secret => observation.rule.clone(),
        };
        let message =
            if observation.message.is_empty() { rule.title.to_owned() } else { observation.message };
        Finding {
            rule,
            severity: observation.severity,
            confidence: Confidence::Medium,
            place: observation.place,
            context: String::new(),
            subject,
            message,
            steps: Vec::new(),
            wording: Wording::NONE,
            fingerprint,
        }
    };
    all.into_iter().map(finding).collect()
}

/// The id of a rule of another scanner.
fn id(tool: &str, rule: &str) -> String {
    format!("{}:{}", plain(tool), plain(rule))
}

/// What a rule of another scanner is called before the colon.
pub(crate) fn plain(name: &str) -> String {
    let keep = |letter: char| letter.is_ascii_alphanumeric() || "._+/-".contains(letter);
    let name: String =
        name.chars().take(NAME_MAX).map(|letter| if keep(letter) { letter } else { '-' }).collect();
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

/// The rule of this content, which is made the first time.
fn rule(id: &str, severity: Severity, cwe: Cwe) -> &'static Rule {
    let key = (id.to_owned(), severity, cwe);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(rule) = made.get(&key) {
        return rule;
    }
    if made.len() >= MADE_MAX {
        return &OTHER;
    }
    let (tool, name) = id.split_once(':').unwrap_or((id, ""));
    let kept = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let rule: &'static Rule = Box::leak(Box::new(Rule {
        id: kept(id.to_owned()),
        title: kept(format!("`{name}` of {tool}")),
        cwe,
        severity,
        aliases: &[],
        advice: kept(format!("Read what {tool} says of it: mend it, or accept it with a reason.")),
    }));
    made.insert(key, rule);
    rule
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        finding::{Fingerprint, Place},
        foreign::Observation,
    };

    fn theirs(tool: &str, rule: &str, severity: Severity, cwes: &[u16]) -> Theirs {
        let observation = Observation {
            place: Place { file: "a.py".to_owned(), span: None },
            tool: tool.to_owned(),
            rule: rule.to_owned(),
            severity,
            cwes: cwes.iter().copied().map(Cwe).collect(),
            message: String::new(),
            about: About::Code,
        };
        Theirs { observation, fingerprint: Fingerprint::UNSET }
    }

    #[test]
    fn one_rule_has_one_id() {
        let all = [
            theirs("bandit", "B101", Severity::Low, &[703]),
            theirs("bandit", "B101", Severity::High, &[700]),
            theirs("bandit", "B102", Severity::Low, &[]),
        ];
        let findings = findings(all.to_vec());
        let said: Vec<_> = findings
            .iter()
            .map(|one| (one.rule.id, one.rule.severity, one.rule.cwe.0, one.severity))
            .collect();
        assert_eq!(
            said,
            [
                ("bandit:B101", Severity::High, 700, Severity::Low),
                ("bandit:B101", Severity::High, 700, Severity::High),
                ("bandit:B102", Severity::Low, 710, Severity::Low),
            ]
        );
        assert!(
            std::ptr::eq(findings[0].rule, findings[1].rule) && findings[0].message == "`B101` of bandit"
        );
    }

    #[test]
    fn names_are_no_markup() {
        let all = vec![theirs("a b<c>", &format!("`x`|@you {}", "y".repeat(200)), Severity::Low, &[])];
        let rule = findings(all)[0].rule;
        assert!(rule.id.starts_with("a-b-c-:-x---you-yyy") && rule.id.len() < 220, "{}", rule.id);
        assert_eq!(plain(""), "unnamed");
    }
}
