//! `shield status`.

use shield_control::admin::{InstanceReport, StatusReport};
use shield_release::{InstancePhase, Position};

use super::{edge_address, json_pretty, table, write::say};
use crate::cli::OutputFormat;

pub(crate) fn print(status: &StatusReport, format: OutputFormat) {
    if format == OutputFormat::Json {
        return json_pretty(status);
    }
    let live =
        status.live.as_ref().map_or("none yet: `shield ship` releases one".to_owned(), ToString::to_string);
    say!("service    {}", status.service);
    say!("address    {}{}", edge_address(status), if status.serving { "" } else { "  (down)" });
    say!("live       {live}");
    if let Some(underway) = &status.underway {
        let back = if underway.reversible { "; `shield rollback` takes it back" } else { "" };
        say!(
            "under way  {}: {}, requested by {}{back}",
            underway.release,
            position(underway.position),
            underway.requested_by
        );
    }
    say!(
        "routes     generation {}, {}",
        status.generation,
        if status.routed >= status.generation { "in force" } else { "not yet confirmed by the edge" }
    );
    print_edge(status);
    say!("control    process {}, shield {}", status.pid, status.version);
    for warning in &status.warnings {
        say!("WARNING    {warning}");
    }
    if !status.instances.is_empty() {
        say!("");
        let rows: Vec<_> = status.instances.iter().map(|instance| row(instance, status)).collect();
        table::print(["INSTANCE", "STATE", "ADDRESS", "PID", "IN FLIGHT"], &rows);
    }
}

fn print_edge(status: &StatusReport) {
    match &status.edge {
        Some(edge) => {
            say!("edge       process {}, {}", edge.pid, counted(edge.connections, "connection"));
            for pool in &edge.pools {
                say!(
                    "           {}: {}, {}, {} retried, {} in flight",
                    pool.release,
                    counted(pool.requests, "request"),
                    counted(pool.errors, "error"),
                    pool.retried,
                    pool.claims
                );
            }
        }
        None => say!("edge       is being started"),
    }
}

/// `1 request`, `2 requests`.
fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
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

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_has_no_plural() {
        assert_eq!(
            [0, 1, 2].map(|number| counted(number, "request")),
            ["0 requests", "1 request", "2 requests"]
        );
    }
}
