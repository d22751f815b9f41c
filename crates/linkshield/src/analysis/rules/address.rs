//! Literal addresses, disguised addresses, and targets that are not on the public internet.

use std::net::IpAddr;

use crate::analysis::{
    Finding, Host, Rule, Severity, Target,
    host::{HostName, Reach, embedded_v4},
    shown::shown,
};

const LITERAL: Rule = Rule {
    id: "ip-literal-host",
    severity: Severity::Medium,
    points: 40,
    title: "Bare address instead of a name",
};
const OBFUSCATED: Rule = Rule {
    id: "obfuscated-ip-host",
    severity: Severity::High,
    points: 75,
    title: "Disguised numeric address",
};
const PRIVATE: Rule = Rule {
    id: "private-target",
    severity: Severity::Medium,
    points: 40,
    title: "Points into a private network",
};
const METADATA: Rule = Rule {
    id: "metadata-target",
    severity: Severity::High,
    points: 80,
    title: "Points at a cloud metadata service",
};

pub(super) const RULES: &[Rule] = &[LITERAL, OBFUSCATED, PRIVATE, METADATA];

const METADATA_NAMES: &[&str] = &["metadata.google.internal", "metadata.goog", "instance-data.ec2.internal"];
const LOCAL_NAMES: &[&str] =
    &["localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa", "corp", "home"];

pub(super) fn check(target: &Target, findings: &mut Vec<Finding>) {
    match &target.host {
        Host::Address(address) => {
            check_reach(*address, findings);
            check_spelling(target, *address, findings);
        }
        Host::Name(name) => check_name(name, findings),
        Host::None => {}
    }
}

fn check_reach(address: IpAddr, findings: &mut Vec<Finding>) {
    let evidence = address.to_string();
    findings.push(match Reach::of(address) {
        Some(reach @ Reach::Metadata) => {
            METADATA.found(format!("`{address}` is {}.", reach.describe()), &evidence)
        }
        Some(reach) => PRIVATE.found(format!("`{address}` is {}.", reach.describe()), &evidence),
        None => {
            LITERAL.found(format!("`{address}` is an address; honest sites are reached by name."), &evidence)
        }
    });
}

fn check_spelling(target: &Target, address: IpAddr, findings: &mut Vec<Finding>) {
    let written = target.spelling.host.as_str();
    let (plain, disguise) = match address {
        IpAddr::V4(plain) => (Some(plain), disguise(written)),
        IpAddr::V6(wide) => (embedded_v4(wide), "an IPv6 form"),
    };
    let Some(plain) = plain.filter(|plain| !written.is_empty() && written != plain.to_string()) else {
        return;
    };
    let explanation =
        format!("`{}` is {disguise} for `{plain}`, which hides where the link goes.", shown(written));
    findings.push(OBFUSCATED.found(explanation, written));
}

fn disguise(written: &str) -> &'static str {
    let lower = written.to_ascii_lowercase();
    let parts: Vec<&str> = lower.trim_end_matches('.').split('.').collect();
    let octal =
        |part: &&str| part.len() > 1 && part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit());
    if lower.contains('%') {
        "a percent-encoded address"
    } else if !lower.is_ascii() {
        "an address in look-alike digits"
    } else if parts.iter().any(|part| part.starts_with("0x")) {
        "a hexadecimal address"
    } else if parts.iter().any(octal) {
        "an octal address"
    } else if parts.len() == 1 {
        "an address written as one integer"
    } else if parts.len() < 4 {
        "a shortened address"
    } else {
        "an unusual way of writing an address"
    }
}

fn check_name(name: &HostName, findings: &mut Vec<Finding>) {
    if METADATA_NAMES.iter().any(|metadata| name.within(metadata)) {
        let explanation = format!("`{}` is {}.", name.ascii, Reach::Metadata.describe());
        findings.push(METADATA.found(explanation, &name.ascii));
    } else if LOCAL_NAMES.iter().any(|local| name.within(local)) {
        let explanation = format!("`{}` exists only on a local machine or network.", shown(&name.ascii));
        findings.push(PRIVATE.found(explanation, &name.ascii));
    }
}

/// Whether a name is local by convention, so that rules about public names leave it alone.
pub(super) fn local_name(name: &HostName) -> bool {
    LOCAL_NAMES.iter().chain(METADATA_NAMES).any(|local| name.within(local))
}
