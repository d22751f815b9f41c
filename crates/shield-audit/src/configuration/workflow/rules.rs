//! What the rules are called.

use crate::finding::{Cwe, Rule, Severity};

pub(super) static INJECTION: Rule = Rule {
    id: "workflow/script-injection",
    title: "a stranger's text becomes part of a script",
    cwe: Cwe(94),
    severity: Severity::High,
    aliases: &["template-injection", "run-shell-injection"],
    advice: "Put the expression into `env` of the step, and use the variable in quotes: `\"$TITLE\"`.",
};

pub(super) static UNTRUSTED_CHECKOUT: Rule = Rule {
    id: "workflow/untrusted-checkout",
    title: "code of a stranger runs with the secrets of the repository",
    cwe: Cwe(829),
    severity: Severity::High,
    aliases: &["dangerous-triggers", "pull-request-target-code-checkout"],
    advice: "Build pull requests in a workflow on `pull_request`, and hand only its results to a privileged one.",
};

pub(super) static PRIVILEGED_TRIGGER: Rule = Rule {
    id: "workflow/privileged-trigger",
    title: "strangers start it, and it has the secrets of the repository",
    cwe: Cwe(862),
    severity: Severity::Info,
    aliases: &["dangerous-triggers"],
    advice: "Use `pull_request` where no secret is needed; otherwise never run anything that the pull request brings.",
};

pub(super) static UNPINNED_ACTION: Rule = Rule {
    id: "workflow/unpinned-action",
    title: "the action is another one whenever its owner wishes",
    cwe: Cwe(1357),
    severity: Severity::Medium,
    aliases: &["unpinned-uses", "third-party-action-not-pinned-to-commit-sha"],
    advice: "Name the commit and keep the version as a comment: `uses: owner/name@<40 digits> # v1.2.3`.",
};

pub(super) static UNPINNED_IMAGE: Rule = Rule {
    id: "workflow/unpinned-image",
    title: "the image is another one tomorrow",
    cwe: Cwe(1357),
    severity: Severity::Low,
    aliases: &["unpinned-images"],
    advice: "Name a version, and its digest: `name:version@sha256:…`.",
};

pub(super) static PERMISSIONS: Rule = Rule {
    id: "workflow/wide-permissions",
    title: "the token may do more than it must",
    cwe: Cwe(272),
    severity: Severity::Medium,
    aliases: &["excessive-permissions"],
    advice: "Say `permissions: {}` (or `contents: read`) for the workflow, and what each job needs in that job.",
};

pub(super) static NO_PERMISSIONS: Rule = Rule {
    id: "workflow/default-permissions",
    title: "the token may do whatever the repository's settings say",
    cwe: Cwe(272),
    severity: Severity::Low,
    aliases: &["excessive-permissions"],
    advice: "Say `permissions: {}` (or `contents: read`) for the workflow, and what each job needs in that job.",
};

pub(super) static INHERITED_SECRETS: Rule = Rule {
    id: "workflow/inherited-secrets",
    title: "hands on every secret",
    cwe: Cwe(272),
    severity: Severity::Medium,
    aliases: &["secrets-inherit"],
    advice: "Name the secrets that the called workflow needs.",
};

pub(super) static ALL_SECRETS: Rule = Rule {
    id: "workflow/all-secrets",
    title: "puts every secret into one value",
    cwe: Cwe(522),
    severity: Severity::Medium,
    aliases: &["overprovisioned-secrets"],
    advice: "Name the secrets that are needed: `${{ secrets.NAME }}`.",
};

pub(super) static PRINTED_SECRET: Rule = Rule {
    id: "workflow/printed-secret",
    title: "prints a secret",
    cwe: Cwe(532),
    severity: Severity::Medium,
    aliases: &["unredacted-secrets"],
    advice: "Hand it over through `env` and standard input; the masking of logs misses every change of its form.",
};

pub(super) static SELF_HOSTED: Rule = Rule {
    id: "workflow/self-hosted-runner",
    title: "strangers run code on a machine of yours",
    cwe: Cwe(653),
    severity: Severity::Medium,
    aliases: &["self-hosted-runner"],
    advice: "Run pull requests on hosted runners, or on machines that live for one job.",
};

pub(super) static PERSISTED_CREDENTIALS: Rule = Rule {
    id: "workflow/persisted-credentials",
    title: "the token stays in the checked-out directory",
    cwe: Cwe(522),
    severity: Severity::Info,
    aliases: &["artipacked"],
    advice: "Say `persist-credentials: false` unless later steps push.",
};

pub(super) static CACHE: Rule = Rule {
    id: "workflow/cache-poisoning",
    title: "what is published is built from a cache that other runs fill",
    cwe: Cwe(349),
    severity: Severity::Low,
    aliases: &["cache-poisoning"],
    advice: "Build releases without restored caches.",
};

pub(super) static COMMANDS: Rule = Rule {
    id: "workflow/insecure-commands",
    title: "whatever is printed may set variables and paths",
    cwe: Cwe(77),
    severity: Severity::High,
    aliases: &["insecure-commands"],
    advice: "Leave it out, and write to `$GITHUB_ENV` and `$GITHUB_PATH`.",
};

pub(super) static BOT: Rule = Rule {
    id: "workflow/spoofable-actor",
    title: "anybody can make the bot the last actor",
    cwe: Cwe(290),
    severity: Severity::Medium,
    aliases: &["bot-conditions"],
    advice: "Compare `github.event.pull_request.user.login`, which is who opened it.",
};

pub(super) static CONDITION: Rule = Rule {
    id: "workflow/condition-always-true",
    title: "the condition is a text, and a text is always true",
    cwe: Cwe(571),
    severity: Severity::Medium,
    aliases: &["unsound-condition"],
    advice: "Put the whole condition into one `${{ … }}`, or leave the braces out; with a block use `|-` or `>-`.",
};

pub(super) static CREDENTIALS: Rule = Rule {
    id: "workflow/container-password",
    title: "the password of a registry is written here",
    cwe: Cwe(798),
    severity: Severity::High,
    aliases: &["hardcoded-container-credentials"],
    advice: "Change it, and take the new one from `secrets`.",
};
