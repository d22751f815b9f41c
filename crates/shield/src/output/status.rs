//! `shield status`.

use shield_control::admin::{InstanceReport, StatusReport};
use shield_release::{InstancePhase, Position};

use super::{edge_address, json_pretty, table};
use crate::cli::OutputFormat;

pub(crate) fn print(status: &StatusReport, format: OutputFormat) {
    if format == OutputFormat::Json {
        return json_pretty(status);
    }
    let live =
        status.live.as_ref().map_or("none yet: `shield ship` releases one".to_owned(), ToString::to_string);
    anstream::println!("service    {}", status.service);
    anstream::println!("address    {}{}", edge_address(status), if status.serving { "" } else { "  (down)" });
    anstream::println!("live       {live}");
    if let Some(underway) = &status.underway {
        let back = if underway.reversible { "; `shield rollback` takes it back" } else { "" };
        anstream::println!(
            "under way  {}: {}, requested by {}{back}",
            underway.release,
            position(underway.position),
            underway.requested_by
        );
    }
    anstream::println!(
        "routes     generation {}, {}",
        status.generation,
        if status.routed >= status.generation { "in force" } else { "not yet confirmed by the edge" }
    );
    print_edge(status);
    anstream::println!("control    process {}, shield {}", status.pid, status.version);
    for warning in &status.warnings {
        anstream::println!("WARNING    {warning}");
    }
    if !status.instances.is_empty() {
        anstream::println!();
        let rows: Vec<_> = status.instances.iter().map(|instance| row(instance, status)).collect();
        table::print(["INSTANCE", "STATE", "ADDRESS", "PID", "IN FLIGHT"], &rows);
    }
}

fn print_edge(status: &StatusReport) {
    match &status.edge {
        Some(edge) => {
            anstream::println!("edge       process {}, {} connections", edge.pid, edge.connections);
            for pool in &edge.pools {
                anstream::println!(
                    "           {}: {} requests, {} errors, {} retried, {} in flight",
                    pool.release,
                    pool.requests,
                    pool.errors,
                    pool.retried,
                    pool.claims
                );
            }
        }
        None => anstream::println!("edge       is being started"),
    }
}

fn row(instance: &InstanceReport, status: &StatusReport) -> [String; 5] {
    let pools = status.edge.iter().flat_map(|edge| &edge.pools).flat_map(|pool| &pool.endpoints);
    let seen = pools.into_iter().find(|endpoint| endpoint.instance == instance.instance);
    let unhealthy = seen.is_some_and(|endpoint| !endpoint.healthy);
    [
        instance.instance.to_string(),
        if unhealthy { "unhealthy (probe)".to_owned() } else { phase(instance.phase).to_owned() },
        instance.address.map_or("-".to_owned(), |address| address.to_string()),
        instance.pid.map_or("-".to_owned(), |pid| pid.to_string()),
        seen.map_or("-".to_owned(), |endpoint| endpoint.claims.to_string()),
    ]
}

fn phase(phase: InstancePhase) -> &'static str {
    match phase {
        InstancePhase::Waiting { .. } => "waits to be restarted",
        InstancePhase::Starting => "starting",
        InstancePhase::Running => "running, not yet healthy",
        InstancePhase::Healthy => "healthy",
        InstancePhase::Stopping => "stopping",
    }
}

fn position(position: Position) -> &'static str {
    match position {
        Position::Starting { .. } => "starting",
        Position::Promoting { .. } => "swapping all traffic",
        Position::Watching { .. } => "has all traffic, being watched",
        Position::RetiringOld => "has all traffic, the old pool is being stopped",
        Position::RetiringNew => "being taken back",
    }
}
