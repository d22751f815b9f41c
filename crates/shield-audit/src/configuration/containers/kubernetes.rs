//! Kubernetes manifests: pods, and whatever makes pods.

use super::{
    capability, moving_image, of_host,
    rules::{CERTIFICATE, ESCALATION, HOST_NAMESPACE, PRIVILEGED, ROOT, SECRET, UNCONFINED},
};
use crate::{
    configuration::{
        hits::Hit,
        names,
        yaml::{Document, Node},
    },
    finding::Confidence,
};

/// The hits of a manifest; none of any other document.
pub(in crate::configuration) fn look(document: &Document) -> Vec<Hit> {
    let Some(root) = document.root() else { return Vec::new() };
    if root.get("kind").and_then(Node::text) == Some("Config") {
        return clusters(root);
    }
    let (Some(kind), Some(spec), true) =
        (root.get("kind").and_then(Node::text), root.get("spec"), root.get("apiVersion").is_some())
    else {
        return Vec::new();
    };
    if let Some((key, _)) = spec.pair("insecureSkipTLSVerify").filter(|(_, value)| value.is_true()) {
        return vec![Hit::of(&CERTIFICATE, key.range(), "insecureSkipTLSVerify")];
    }
    let pod = match kind {
        "Pod" => Some(spec),
        "CronJob" => spec.get("jobTemplate").and_then(|job| job.get("spec")).and_then(template),
        "Deployment" | "DaemonSet" | "StatefulSet" | "ReplicaSet" | "Job" | "ReplicationController" => {
            template(spec)
        }
        _ => None,
    };
    let name = root.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Node::text);
    let hits = pod.map(look_at_pod).unwrap_or_default();
    hits.into_iter().map(|hit| hit.within(name.unwrap_or_default())).collect()
}

/// Clusters of the settings of `kubectl`, and services of others.
fn clusters(root: Node<'_>) -> Vec<Hit> {
    let clusters =
        root.get("clusters").into_iter().flat_map(Node::elements).filter_map(|one| one.get("cluster"));
    let trusting = clusters
        .filter_map(|cluster| cluster.pair("insecure-skip-tls-verify").filter(|(_, value)| value.is_true()));
    trusting.map(|(key, _)| Hit::of(&CERTIFICATE, key.range(), "insecure-skip-tls-verify")).collect()
}

/// What pods are made from.
fn template(spec: Node<'_>) -> Option<Node<'_>> {
    spec.get("template")?.get("spec")
}

fn look_at_pod(pod: Node<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for name in ["hostNetwork", "hostPID", "hostIPC"] {
        if let Some((key, _)) = pod.pair(name).filter(|(_, value)| value.is_true()) {
            hits.push(Hit::of(&HOST_NAMESPACE, key.range(), name));
        }
    }
    let volumes = pod.get("volumes").into_iter().flat_map(Node::elements);
    hits.extend(volumes.filter_map(|volume| {
        let path = volume.get("hostPath")?.get("path")?;
        of_host(path.text()?, path)
    }));
    hits.extend(pod.get("securityContext").map(context).unwrap_or_default());
    for key in ["initContainers", "containers", "ephemeralContainers"] {
        for container in pod.get(key).into_iter().flat_map(Node::elements).take(1_000) {
            hits.extend(container.get("securityContext").map(context).unwrap_or_default());
            hits.extend(container.get("image").and_then(moving_image));
            hits.extend(container.get("env").into_iter().flat_map(Node::elements).filter_map(secret));
        }
    }
    hits
}

fn context(context: Node<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    let set =
        |name: &str| context.pair(name).filter(|(_, value)| value.is_true()).map(|(key, _)| key.range());
    hits.extend(set("privileged").map(|range| Hit::of(&PRIVILEGED, range, "privileged")));
    let escalation = set("allowPrivilegeEscalation");
    hits.extend(escalation.map(|range| Hit::of(&ESCALATION, range, "allowPrivilegeEscalation")));
    let profile = context.get("seccompProfile");
    let kind = profile.map(|profile| profile.get("type").unwrap_or(profile));
    let off = kind.filter(|kind| kind.text().is_some_and(|text| text.eq_ignore_ascii_case("unconfined")));
    hits.extend(off.map(|kind| Hit::of(&UNCONFINED, kind.range(), "seccompProfile: Unconfined")));
    let may_be_root = context.pair("runAsNonRoot").filter(|(_, value)| value.is_false());
    hits.extend(may_be_root.map(|(key, _)| {
        Hit::of(&ROOT, key.range(), "runAsNonRoot: false")
            .confidence(Confidence::Medium)
            .message("the container may run as root")
    }));
    let zero = context.pair("runAsUser").filter(|(_, user)| user.text() == Some("0"));
    hits.extend(zero.map(|(key, _)| Hit::of(&ROOT, key.range(), "runAsUser: 0")));
    let added = context.get("capabilities").and_then(|capabilities| capabilities.get("add"));
    hits.extend(added.into_iter().flat_map(Node::elements).filter_map(capability));
    hits
}

fn secret(variable: Node<'_>) -> Option<Hit> {
    let (name, value) = (variable.get("name")?.text()?, variable.get("value")?);
    let written = names::is_secret(name) && names::is_written_out(value.text()?);
    let hit = Hit::of(&SECRET, value.range(), name).confidence(Confidence::Medium);
    written.then(|| hit.message(format!("the value of `{name}` is written here")))
}
