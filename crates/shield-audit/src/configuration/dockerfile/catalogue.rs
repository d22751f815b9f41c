//! What the rules are called. Ids of hadolint (`DL…`) and Trivy (`AVD-DS-…`) are aliases.

use crate::finding::{Cwe, Rule, Severity};

pub(super) static ROOT: Rule = Rule {
    id: "dockerfile/root",
    title: "the container runs as root",
    cwe: Cwe(250),
    severity: Severity::Medium,
    aliases: &["DL3002", "AVD-DS-0002"],
    advice: "Make a user in the last stage and switch to it with `USER` before the command.",
};

pub(super) static UNPINNED: Rule = Rule {
    id: "dockerfile/unpinned-image",
    title: "the base image is another one tomorrow",
    cwe: Cwe(1357),
    severity: Severity::Medium,
    aliases: &["DL3006", "DL3007", "AVD-DS-0001"],
    advice: "Name a version, and its digest: `name:version@sha256:…`.",
};

pub(super) static REMOTE_ADD: Rule = Rule {
    id: "dockerfile/remote-add",
    title: "puts a file from the network into the image unseen",
    cwe: Cwe(494),
    severity: Severity::Medium,
    aliases: &["DL3020", "AVD-DS-0005"],
    advice: "Give `ADD` the digest with `--checksum=sha256:…`.",
};

pub(super) static SECRET: Rule = Rule {
    id: "dockerfile/secret",
    title: "a secret stays in the image",
    cwe: Cwe(538),
    severity: Severity::High,
    aliases: &["SecretsUsedInArgOrEnv", "AVD-DS-0031"],
    advice: "Mount it for the one command that needs it (`RUN --mount=type=secret`), or give it to the container when it starts.",
};

pub(super) static SUDO: Rule = Rule {
    id: "dockerfile/sudo",
    title: "uses sudo",
    cwe: Cwe(250),
    severity: Severity::Low,
    aliases: &["DL3004", "AVD-DS-0010"],
    advice: "Do what needs root before `USER`, without sudo, and leave sudo out of the image.",
};

pub(super) static RECOMMENDS: Rule = Rule {
    id: "dockerfile/recommended-packages",
    title: "installs packages that nobody asked for",
    cwe: Cwe(1104),
    severity: Severity::Info,
    aliases: &["DL3015", "AVD-DS-0029"],
    advice: "Add `--no-install-recommends`.",
};

pub(super) static HEALTHCHECK: Rule = Rule {
    id: "dockerfile/no-healthcheck",
    title: "nobody is told when the service hangs",
    cwe: Cwe(693),
    severity: Severity::Info,
    aliases: &["DL3057", "AVD-DS-0026"],
    advice: "Add `HEALTHCHECK`, unless what runs the container checks it.",
};

pub(super) static SSH: Rule = Rule {
    id: "dockerfile/ssh",
    title: "offers SSH into the container",
    cwe: Cwe(749),
    severity: Severity::Low,
    aliases: &["AVD-DS-0004"],
    advice: "Leave sshd out: whoever may, enters through the runtime.",
};

pub(super) static OVERRIDDEN: Rule = Rule {
    id: "dockerfile/overridden",
    title: "does nothing: a later one takes its place",
    cwe: Cwe(561),
    severity: Severity::Low,
    aliases: &["DL4003", "DL4004", "DL3012", "AVD-DS-0007", "AVD-DS-0016", "AVD-DS-0023"],
    advice: "Keep the one that is meant.",
};

pub(super) static UNVERIFIED: Rule = Rule {
    id: "dockerfile/verification-off",
    title: "programs in the image trust any certificate",
    cwe: Cwe(295),
    severity: Severity::High,
    aliases: &["DS-0019"],
    advice: "Leave it out; add the missing authority to the image instead.",
};
