//! The drill's own load: what it sends, and how much.

use std::{fs, net::IpAddr, path::Path, time::Duration};

use http::Method;
use serde_json::Value;
use shield_load::{
    Action, Connection, FileModel, FileTarget, Limit, LoadFile, Percentile, Phase, Schedule, Scheme, Spacing,
    Thresholds, Workload, read_load_file,
};

use super::{
    engine::DrillOrder,
    model::{Disturbance, Drill},
    refusal::RunDrillError,
    scene::Scene,
};

/// Users that stand by from the start.
const USERS: usize = 10;
/// Most users: more than can be waiting at once.
const USERS_MAX: usize = 2_000;
/// What the load is called in messages when it is not a file.
const DEFAULT: &str = "the drill's own load";

/// What is sent: the file of `drill.load`, else GETs of the readiness path.
pub(super) fn workload(order: &DrillOrder, scene: &Scene) -> Result<LoadFile, RunDrillError> {
    match &order.manifest.drill.load {
        Some(file) => {
            let path = order.project.join(file);
            let text = fs::read_to_string(&path)
                .map_err(|error| RunDrillError::ReadLoad { path: file.clone(), reason: error.to_string() })?;
            read(&text, file, path.parent().unwrap_or(&order.project))
        }
        None => read(&readiness(order, scene), DEFAULT, &order.project),
    }
}

fn read(text: &str, path: &str, directory: &Path) -> Result<LoadFile, RunDrillError> {
    read_load_file(text, path, directory)
        .map_err(|source| RunDrillError::Load { path: path.to_owned(), source })
}

/// GETs of the readiness path.
fn readiness(order: &DrillOrder, scene: &Scene) -> String {
    let ready = &order.manifest.service.ready;
    // A path is a template in a load file; `shield.toml` knows none.
    let path = Value::from(ready.path.replace("{{", "%7B%7B"));
    let status = Value::from(ready.status.to_string());
    format!(
        "name = \"drill\"\ntarget = \"http://{address}\"\n[open]\nphases = [{{ rate = 1, for = \"1s\" }}]\n\
         [[scenario]]\nname = \"ready\"\n[[scenario.step]]\nname = \"ready\"\nget = {path}\nexpect = [{status}]\n",
        address = scene.address
    )
}

/// Whether the edge may send every request of it again.
pub(super) fn repeatable(workload: &Workload) -> bool {
    let steps = workload.scenarios.iter().flat_map(|scenario| {
        let refresh = scenario.refresh.iter().flat_map(|refresh| &refresh.steps);
        scenario.setup.iter().chain(refresh).chain(&scenario.steps)
    });
    let again = [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE];
    steps.into_iter().all(|step| match &step.action {
        Action::Http(request) => again.contains(&request.method),
        Action::WebSocket { .. } => false,
    })
}

/// The same, as the drill wants it: at its rate, against the edge, for its time. What the file says of these, of thresholds,
/// abort conditions, faults, a ledger and a counter does not apply.
pub(super) fn shaped(file: LoadFile, order: &DrillOrder, scene: &Scene, drill: &Drill) -> LoadFile {
    let settings = &order.manifest.drill;
    let rate = f64::from(settings.rate);
    let (during, connection) = match drill.disturbance {
        Disturbance::Herd { times } => (rate * f64::from(times), Connection::Fresh),
        _ => (rate, file.connection),
    };
    let phases = vec![
        Phase::steady(rate, settings.before),
        Phase::steady(during, drill.lasts),
        Phase::steady(rate, settings.after),
    ];
    let longest = Limit::Latency { percentile: Percentile::Longest, at_most: drill.longest };
    let schedule = Schedule { phases, spacing: Spacing::Poisson };
    LoadFile {
        name: drill.name.to_string(),
        target: target(scene),
        trust: None,
        connection,
        model: FileModel::Open { schedule, users: USERS, users_max: USERS_MAX },
        thresholds: Thresholds { limits: vec![longest], target: Vec::new() },
        abort: None,
        metrics: None,
        faults: None,
        ledger: None,
        counter: None,
        timeout: file.timeout.max(drill.longest + Duration::from_secs(5)),
        seed: fastrand::u64(..),
        ..file
    }
}

/// The edge, by a name that its certificate has.
fn target(scene: &Scene) -> FileTarget {
    let names = &scene.status.hostnames;
    let name = names.iter().find(|name| name.parse::<IpAddr>().is_err()).map_or("127.0.0.1", String::as_str);
    FileTarget {
        scheme: Scheme::Https,
        authority: format!("{name}:{}", scene.address.port()),
        address: Some(scene.address),
    }
}
