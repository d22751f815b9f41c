//! Rules about a workflow and its jobs.

use std::collections::HashSet;

use super::{
    Scene,
    rules::{
        CREDENTIALS, INHERITED_SECRETS, NO_PERMISSIONS, PERMISSIONS, PRIVILEGED_TRIGGER, SELF_HOSTED,
        UNPINNED_IMAGE,
    },
    steps,
};
use crate::{
    configuration::{
        dockerfile::{Pinning, pinning},
        hits::Hit,
        names,
        yaml::Node,
    },
    finding::{Confidence, Severity},
};

pub(super) fn look(scene: &Scene<'_>, root: Node<'_>) -> Vec<Hit> {
    let Some((key, jobs)) = root.pair("jobs") else { return Vec::new() };
    let mut hits: Vec<_> = trigger(scene, root).into_iter().collect();
    let of_workflow = root.get("permissions");
    let several = jobs.pairs().nth(1).is_some();
    if let Some(permissions) = of_workflow {
        hits.extend(permission(permissions, "", several));
    }
    let unsaid = jobs.pairs().find(|(_, job)| job.get("permissions").is_none());
    if let (None, Some((name, _))) = (of_workflow, unsaid) {
        let job = name.text().unwrap_or_default();
        let message = format!("neither the workflow nor its job `{job}` says what the token may do");
        hits.push(Hit::of(&NO_PERMISSIONS, key.range(), "permissions").message(message));
    }
    let mut seen = HashSet::new();
    for (name, job) in jobs.pairs().filter(|(_, job)| seen.insert(job.id())) {
        let name = name.text().unwrap_or_default();
        let found = look_at_job(scene, job, name);
        hits.extend(found.into_iter().map(|hit| if hit.context.is_empty() { hit.within(name) } else { hit }));
    }
    hits
}

fn look_at_job(scene: &Scene<'_>, job: Node<'_>, name: &str) -> Vec<Hit> {
    let mut hits = Vec::new();
    if let Some(permissions) = job.get("permissions") {
        hits.extend(permission(permissions, name, false));
    }
    if let Some((key, secrets)) = job.pair("secrets").filter(|(_, secrets)| secrets.text() == Some("inherit"))
    {
        let called = job.get("uses").and_then(Node::text).unwrap_or_default();
        let hit = Hit::of(&INHERITED_SECRETS, key.range().start..secrets.range().end, called);
        // A workflow of the same repository is as trustworthy as this one.
        hits.push(if called.starts_with("./") { hit.severity(Severity::Info) } else { hit });
    }
    hits.extend(steps::uses(job));
    hits.extend(steps::environment(job));
    hits.extend(steps::condition(scene, job));
    hits.extend(self_hosted(scene, job));
    let services = job.get("services").into_iter().flat_map(Node::pairs).map(|(_, service)| service);
    for container in job.get("container").into_iter().chain(services) {
        hits.extend(image(container));
        hits.extend(credentials(container));
    }
    hits.extend(steps::look(scene, job, name));
    hits
}

fn trigger(scene: &Scene<'_>, root: Node<'_>) -> Option<Hit> {
    let (_, on) = root.pair("on").or_else(|| root.pair("true"))?;
    scene
        .triggers
        .contains("pull_request_target")
        .then(|| Hit::of(&PRIVILEGED_TRIGGER, on.range(), "pull_request_target").confidence(Confidence::Low))
}

fn permission(permissions: Node<'_>, job: &str, several: bool) -> Option<Hit> {
    if permissions.text() == Some("write-all") {
        let hit = Hit::of(&PERMISSIONS, permissions.range(), "write-all").within(job);
        return Some(hit.message("the token may write everything"));
    }
    // One job needs what its workflow has; of several, hardly all of them.
    let written = permissions.pairs().find(|(_, level)| level.text() == Some("write")).filter(|_| several)?;
    let scope = written.0.text().unwrap_or_default();
    let hit = Hit::of(&PERMISSIONS, written.0.range(), format!("{scope}: write"));
    let hit = hit.confidence(Confidence::Medium).severity(Severity::Low);
    Some(hit.message(format!("every job of the workflow may write `{scope}`")))
}

fn self_hosted(scene: &Scene<'_>, job: Node<'_>) -> Option<Hit> {
    let (key, runs_on) = job.pair("runs-on")?;
    let own = |label: Node<'_>| label.text() == Some("self-hosted");
    let labels = runs_on.get("labels").into_iter().flat_map(Node::one_or_more);
    let own = runs_on.one_or_more().chain(labels).any(own) || runs_on.get("group").is_some();
    let hit = Hit::of(&SELF_HOSTED, key.range(), "self-hosted").confidence(Confidence::Medium);
    let hit = hit.message("pull requests run on a machine of yours: what they leave there, later runs meet");
    (own && scene.is_open_to_strangers()).then_some(hit)
}

fn image(container: Node<'_>) -> Option<Hit> {
    let image = if container.is_mapping() { container.get("image")? } else { container };
    let name = image.text()?;
    let moving = matches!(pinning(name), Pinning::Nothing | Pinning::Latest) && !name.is_empty();
    moving.then(|| Hit::of(&UNPINNED_IMAGE, image.range(), name))
}

fn credentials(container: Node<'_>) -> Option<Hit> {
    let password = container.get("credentials")?.get("password")?;
    let written = names::is_written_out(password.text()?);
    written.then(|| Hit::of(&CREDENTIALS, password.range(), "credentials.password"))
}
