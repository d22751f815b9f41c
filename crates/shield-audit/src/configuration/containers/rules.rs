//! What the rules are called. Ids of Trivy's Kubernetes checks (`AVD-KSV-…`) and of semgrep's Compose rules are aliases.

use crate::finding::{Cwe, Rule, Severity};

pub(super) static PRIVILEGED: Rule = Rule {
    id: "container/privileged",
    title: "the container is root on its host",
    cwe: Cwe(250),
    severity: Severity::High,
    aliases: &["AVD-KSV-0017", "privileged-service"],
    advice: "Leave `privileged` out, and add the one capability or device that is needed.",
};

pub(super) static ENGINE_SOCKET: Rule = Rule {
    id: "container/engine-socket",
    title: "who breaks into the container commands its host",
    cwe: Cwe(250),
    severity: Severity::High,
    aliases: &["AVD-KSV-0006", "exposing-docker-socket-volume"],
    advice: "Put a proxy that lets only the needed calls through before the socket, or do without.",
};

pub(super) static HOST_DIRECTORY: Rule = Rule {
    id: "container/host-directory",
    title: "the container sees the system of its host",
    cwe: Cwe(668),
    severity: Severity::Medium,
    aliases: &["AVD-KSV-0023", "AVD-KSV-0121"],
    advice: "Mount only the directory that is needed, read-only if that is enough.",
};

pub(super) static HOST_NAMESPACE: Rule = Rule {
    id: "container/host-namespace",
    title: "the container is not kept apart from its host",
    cwe: Cwe(653),
    severity: Severity::Medium,
    aliases: &["AVD-KSV-0008", "AVD-KSV-0009", "AVD-KSV-0010"],
    advice: "Leave it out, and publish the ports that are needed.",
};

pub(super) static CAPABILITY: Rule = Rule {
    id: "container/capability",
    title: "the container may do what is as good as root on its host",
    cwe: Cwe(250),
    severity: Severity::Medium,
    aliases: &["AVD-KSV-0005", "AVD-KSV-0022"],
    advice: "Drop all capabilities and add the few harmless ones that are needed.",
};

pub(super) static UNCONFINED: Rule = Rule {
    id: "container/unconfined",
    title: "the container may call everything of the kernel",
    cwe: Cwe(693),
    severity: Severity::Medium,
    aliases: &["AVD-KSV-0104", "seccomp-confinement-disabled"],
    advice: "Keep the engine's own profile, or write one that allows what is needed.",
};

pub(super) static ROOT: Rule = Rule {
    id: "container/root",
    title: "the container runs as root",
    cwe: Cwe(250),
    severity: Severity::Medium,
    aliases: &["AVD-KSV-0012", "AVD-KSV-0105", "run-as-non-root"],
    advice: "Name a user that is not root.",
};

pub(super) static ESCALATION: Rule = Rule {
    id: "container/escalation",
    title: "programs in the container may become root",
    cwe: Cwe(250),
    severity: Severity::Medium,
    aliases: &["AVD-KSV-0001", "allow-privilege-escalation-true"],
    advice: "Say `allowPrivilegeEscalation: false`.",
};

pub(super) static EXPOSED: Rule = Rule {
    id: "container/exposed-port",
    title: "a database is open to every network of its host",
    cwe: Cwe(668),
    severity: Severity::Medium,
    aliases: &["bind-all"],
    advice: "Publish it for this host alone (`127.0.0.1:5432:5432`), or not at all: services of one file reach each other.",
};

pub(super) static SECRET: Rule = Rule {
    id: "container/secret",
    title: "a secret is written into the settings of a container",
    cwe: Cwe(798),
    severity: Severity::Medium,
    aliases: &["AVD-KSV-0109"],
    advice: "Take it from a file of `secrets`, or from the environment of whoever starts it.",
};

pub(super) static UNPINNED_IMAGE: Rule = Rule {
    id: "container/unpinned-image",
    title: "the image is another one tomorrow",
    cwe: Cwe(1357),
    severity: Severity::Low,
    aliases: &["AVD-KSV-0013"],
    advice: "Name a version, and its digest: `name:version@sha256:…`.",
};

pub(super) static CERTIFICATE: Rule = Rule {
    id: "container/no-certificate-check",
    title: "whoever is on the way may answer as the cluster",
    cwe: Cwe(295),
    severity: Severity::High,
    aliases: &["skip-tls-verify-cluster", "skip-tls-verify-service"],
    advice: "Leave it out, and name the authority in `certificate-authority-data`.",
};
