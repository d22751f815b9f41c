//! The ids of the built-in rules, for those who change one.

use crate::{advisories, python, secrets, taint};

/// Rules that no table of their part lists; a test compares them with the source.
const OTHERS: [&str; 124] = [
    "code/trojan-source",
    "container/capability",
    "container/engine-socket",
    "container/escalation",
    "container/exposed-port",
    "container/host-directory",
    "container/host-namespace",
    "container/no-certificate-check",
    "container/privileged",
    "container/root",
    "container/secret",
    "container/unconfined",
    "container/unpinned-image",
    "dependencies/lists-disagree",
    "dependencies/lock-out-of-date",
    "dependencies/shadows-standard-library",
    "dependencies/unpinned",
    "dockerfile/no-healthcheck",
    "dockerfile/overridden",
    "dockerfile/recommended-packages",
    "dockerfile/remote-add",
    "dockerfile/root",
    "dockerfile/secret",
    "dockerfile/ssh",
    "dockerfile/sudo",
    "dockerfile/unpinned-image",
    "dockerfile/verification-off",
    "go/archive-path",
    "go/bind-all",
    "go/command",
    "go/cookie-flags",
    "go/decompression-bomb",
    "go/eval",
    "go/fixed-temporary-path",
    "go/loose-permissions",
    "go/markup",
    "go/no-certificate-check",
    "go/no-escape",
    "go/no-timeout",
    "go/old-tls",
    "go/open-redirect",
    "go/path-traversal",
    "go/profile-served",
    "go/request-forgery",
    "go/root-served",
    "go/sql",
    "go/ssh-any-host",
    "go/template-injection",
    "go/unverified-token",
    "go/weak-cipher",
    "go/weak-hash",
    "go/weak-key",
    "go/weak-random",
    "imports/broken",
    "imports/circular",
    "imports/hidden-file",
    "imports/shadows-standard",
    "imports/syntax-error",
    "imports/undeclared",
    "imports/undefined-name",
    "javascript/bind-all",
    "javascript/command",
    "javascript/cookie-flags",
    "javascript/deserialise",
    "javascript/dynamic-require",
    "javascript/eval",
    "javascript/few-iterations",
    "javascript/fixed-temporary-path",
    "javascript/hard-coded-key",
    "javascript/markup",
    "javascript/new-buffer",
    "javascript/no-certificate-check",
    "javascript/no-escape",
    "javascript/nosql",
    "javascript/old-tls",
    "javascript/open-redirect",
    "javascript/path-traversal",
    "javascript/regular-expression",
    "javascript/request-forgery",
    "javascript/sql",
    "javascript/template-injection",
    "javascript/unverified-token",
    "javascript/weak-cipher",
    "javascript/weak-hash",
    "javascript/weak-random",
    "javascript/xml-entities",
    "packaging/dead-pytest-settings",
    "packaging/no-init",
    "packaging/no-pyproject",
    "rust/bind-all",
    "rust/command",
    "rust/fixed-temporary-path",
    "rust/loose-permissions",
    "rust/no-certificate-check",
    "rust/sql",
    "rust/unverified-token",
    "rust/weak-cipher",
    "rust/weak-hash",
    "rust/weak-random",
    "settings/bind-all",
    "settings/debug",
    "settings/verification-off",
    "shell/download-run",
    "shell/unverified-download",
    "shell/world-writable",
    "template/autoescape-off",
    "template/unescaped-value",
    "workflow/all-secrets",
    "workflow/cache-poisoning",
    "workflow/condition-always-true",
    "workflow/container-password",
    "workflow/default-permissions",
    "workflow/inherited-secrets",
    "workflow/insecure-commands",
    "workflow/persisted-credentials",
    "workflow/printed-secret",
    "workflow/privileged-trigger",
    "workflow/script-injection",
    "workflow/self-hosted-runner",
    "workflow/spoofable-actor",
    "workflow/unpinned-action",
    "workflow/unpinned-image",
    "workflow/untrusted-checkout",
    "workflow/wide-permissions",
];

/// Ids and aliases of the rules that may be changed. Those of the baseline guard it: they may not.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    let rules = python::rules::all().map(|check| &check.rule);
    let rules = rules.chain(taint::rules()).chain(secrets::rules()).chain(advisories::rules::ALL);
    rules.map(|rule| (rule.id, rule.aliases)).chain(OTHERS.iter().map(|id| (*id, [].as_slice())))
}

/// The ids of the rules that a name means: an id, or an alias of some.
pub(super) fn named(name: &str) -> Vec<&'static str> {
    let mut ids: Vec<_> =
        all().filter(|(id, aliases)| *id == name || aliases.contains(&name)).map(|(id, _)| id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The id that is written most like a name.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let shared = |id: &str| id.bytes().zip(name.bytes()).take_while(|(left, right)| left == right).count();
    all()
        .map(|(id, _)| id)
        .max_by_key(|id| (shared(id), std::cmp::Reverse(id.len())))
        .filter(|id| shared(id) > 3)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use regex::Regex;

    use super::*;

    /// Every text of the source that is the id of a rule.
    fn written(folder: &Path, id: &Regex, into: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("replay") {
                // It makes up rules of its own, which nobody reports.
                continue;
            }
            if path.is_dir() {
                written(&path, id, into);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
            into.extend(id.captures_iter(code).map(|found| found[1].to_owned()));
        }
    }

    #[test]
    fn every_rule_can_be_changed() {
        let mut ids = Vec::new();
        let id = Regex::new(r#"(?:\bid:|\brule\()\s*"([a-z]+/[a-z0-9-]+)""#).unwrap();
        written(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &id, &mut ids);
        let changed = ids.iter().filter(|id| !id.starts_with("baseline/") && !id.starts_with("test/"));
        let missing: Vec<_> = changed.filter(|id| named(id).is_empty()).collect();
        assert!(
            missing.is_empty() && OTHERS.iter().all(|id| ids.iter().any(|own| own == id)),
            "{missing:#?}"
        );
        assert!(named("python/eval") == ["python/eval"] && named("B307").contains(&"python/eval"));
    }

    #[test]
    fn rules_are_suggested() {
        assert_eq!(nearest("python/weak-hsh"), Some("python/weak-hash"));
        assert_eq!(nearest("xyz"), None);
    }
}
