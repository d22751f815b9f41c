//! Compose files.

use std::{collections::HashSet, ops::RangeInclusive};

use super::{
    capability, moving_image, of_host,
    rules::{EXPOSED, HOST_NAMESPACE, PRIVILEGED, ROOT, SECRET, UNCONFINED},
};
use crate::{
    configuration::{
        hits::Hit,
        names,
        yaml::{Document, Node},
    },
    finding::Confidence,
};

/// Ports of stores, queues and engines that ask for no password, or for a guessable one.
const INTERNAL: [u16; 20] = [
    1433, 1521, 2375, 2379, 3306, 5432, 5672, 5984, 6379, 7474, 8086, 8500, 9042, 9092, 9200, 9300, 11211,
    15672, 26379, 27017,
];

/// The hits of a Compose file.
pub(in crate::configuration) fn look(document: &Document) -> Vec<Hit> {
    let services = document.root().and_then(|root| root.get("services"));
    let mut seen = HashSet::new();
    let services =
        services.into_iter().flat_map(Node::pairs).filter(|(_, service)| seen.insert(service.id()));
    services
        .flat_map(|(name, service)| {
            let name = name.text().unwrap_or_default();
            look_at_service(service).into_iter().map(move |hit| hit.within(name))
        })
        .collect()
}

fn look_at_service(service: Node<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    if let Some((key, _)) = service.pair("privileged").filter(|(_, privileged)| privileged.is_true()) {
        hits.push(Hit::of(&PRIVILEGED, key.range(), "privileged"));
    }
    for name in ["network_mode", "pid", "ipc", "userns_mode", "uts", "cgroup"] {
        if let Some((key, value)) = service.pair(name).filter(|(_, value)| value.text() == Some("host")) {
            let range = key.range().start..value.range().end;
            hits.push(Hit::of(&HOST_NAMESPACE, range, format!("{name}: host")));
        }
    }
    if let Some(user) = service.get("user") {
        let name = user.text().and_then(|user| user.split(':').next());
        hits.extend(matches!(name, Some("root" | "0")).then(|| Hit::of(&ROOT, user.range(), "user: root")));
    }
    let list = |key: &str| service.get(key).into_iter().flat_map(Node::elements);
    hits.extend(list("cap_add").filter_map(capability));
    hits.extend(list("security_opt").filter_map(|option| {
        let text = option.text()?;
        let off = text.ends_with("unconfined") || text.replace('=', ":") == "label:disable";
        off.then(|| Hit::of(&UNCONFINED, option.range(), text))
    }));
    hits.extend(list("volumes").filter_map(volume));
    hits.extend(list("ports").filter_map(port));
    hits.extend(service.get("environment").map(secrets).unwrap_or_default());
    // What is built here gets its name here.
    if service.get("build").is_none() {
        hits.extend(service.get("image").and_then(moving_image));
    }
    hits
}

fn volume(volume: Node<'_>) -> Option<Hit> {
    match volume.text() {
        Some(text) => of_host(text.split_once(':')?.0, volume),
        None => {
            let source = volume.get("source")?;
            of_host(source.text()?, source)
        }
    }
}

/// A port of a store that every network of the host reaches: `5432:5432`, `0.0.0.0:5432:5432`.
fn port(port: Node<'_>) -> Option<Hit> {
    let (target, published) = match port.text() {
        Some(text) => {
            let text = text.split('/').next().unwrap_or(text);
            let (before, target) = text.rsplit_once(':').unwrap_or(("", text));
            let everywhere = match before.rsplit_once(':') {
                None => true,
                Some((address, _)) => matches!(address, "0.0.0.0" | "[::]" | "::" | "*"),
            };
            (target, everywhere)
        }
        None => {
            let address = port.get("host_ip").and_then(Node::text);
            let everywhere = matches!(address, None | Some("0.0.0.0" | "::"));
            (port.get("target")?.text()?, everywhere && port.get("published").is_some())
        }
    };
    let (first, last) = target.split_once('-').unwrap_or((target, target));
    let range: RangeInclusive<u16> = first.parse().ok()?..=last.parse().ok()?;
    let internal = INTERNAL.iter().find(|port| range.contains(port)).filter(|_| published)?;
    let hit = Hit::of(&EXPOSED, port.range(), internal.to_string()).confidence(Confidence::Medium);
    Some(hit.message(format!("port {internal} is open to every network of the host")))
}

fn secrets(environment: Node<'_>) -> Vec<Hit> {
    let listed = environment.elements().filter_map(|one| {
        let (name, value) = one.text()?.split_once('=')?;
        Some((one, name, value))
    });
    let mapped = environment.pairs().filter_map(|(key, value)| Some((key, key.text()?, value.text()?)));
    let written = listed
        .chain(mapped)
        .filter(|(_, name, value)| names::is_secret(name) && names::is_written_out(value));
    let hits = written.map(|(place, name, _)| {
        let hit = Hit::of(&SECRET, place.range(), name).confidence(Confidence::Medium);
        hit.message(format!("the value of `{name}` is written here"))
    });
    hits.collect()
}
