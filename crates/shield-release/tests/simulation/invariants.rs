//! What must hold after every event, each rule by name.

use shield_release::{Effect, Environment, Event, Position, ReleaseOutcome, RouteTable};
use shield_types::InstanceId;

use crate::world::World;

pub(crate) fn after_event(
    world: &World,
    before: &Environment,
    event: &Event,
    effects: &[Effect],
) -> Result<(), String> {
    let after = &world.environment;
    tables_are_valid(after.table())?;
    generations_only_grow(before, after)?;
    only_healthy_instances_are_routed(world)?;
    promotion_needs_every_instance(before, after)?;
    abort_is_honoured_at_once(before, event, after)?;
    verdict_is_honoured_at_once(before, event, after)?;
    steps_advance_on_their_own_verdict(before, event, after)?;
    stale_generations_change_nothing(before, event, after)?;
    reversible_until_the_old_side_stops(after)?;
    for effect in effects {
        if let Effect::Stop { instance, .. } = effect {
            stopped_only_out_of_the_table(world, instance)?;
            old_side_drained_before_it_stops(world, before, instance)?;
            other_side_is_alive(world, before, instance)?;
        }
    }
    Ok(())
}

/// Nothing is under way, no process runs that nobody wants, and the edge routes by the newest table.
pub(crate) fn at_rest(world: &World) -> Result<(), String> {
    let environment = &world.environment;
    check(environment.underway().is_none(), || "a release never ended".to_owned())?;
    check(environment.settled(), || "the newest table was never routed".to_owned())?;
    let unwanted = world.processes.iter().find(|id| environment.instance(id).is_none());
    check(unwanted.is_none(), || format!("orphan process {unwanted:?}"))?;
    let newest = world.edge.table.as_ref().map(|table| table.generation).unwrap_or_default();
    check(newest == environment.generation(), || {
        format!("the edge routes by {newest}, not {}", environment.generation())
    })?;
    check(environment.serving() || world.processes.is_empty(), || {
        format!("taken down, and {:?} run", world.processes)
    })
}

fn tables_are_valid(table: &RouteTable) -> Result<(), String> {
    table.validate().map_err(|error| error.to_string())
}

fn generations_only_grow(before: &Environment, after: &Environment) -> Result<(), String> {
    let same_table = before.table() == after.table();
    check(before.generation() < after.generation() || same_table, || {
        "a table changed without a new number".to_owned()
    })?;
    check(before.routed() <= after.routed(), || "a confirmation was taken back".to_owned())
}

fn only_healthy_instances_are_routed(world: &World) -> Result<(), String> {
    let endpoints = world.environment.table().pools.iter().flat_map(|pool| &pool.endpoints);
    for endpoint in endpoints {
        let healthy = world.ever_healthy.contains(&endpoint.instance);
        check(healthy, || format!("{} is routed and never became healthy", endpoint.instance))?;
    }
    Ok(())
}

fn promotion_needs_every_instance(before: &Environment, after: &Environment) -> Result<(), String> {
    let position = |environment: &Environment| environment.underway().map(|rollout| rollout.position());
    let promoted = matches!(position(before), Some(Position::Starting { .. }))
        && matches!(position(after), Some(Position::Promoting { .. } | Position::Watching { .. }));
    if !promoted {
        return Ok(());
    }
    let spec = after.underway().map(|rollout| rollout.release().clone());
    let routed =
        spec.as_ref().and_then(|spec| after.table().pool(&spec.id)).map_or(0, |pool| pool.endpoints.len());
    check(spec.is_some_and(|spec| usize::from(spec.instances) == routed), || {
        "promoted while incomplete".to_owned()
    })
}

fn abort_is_honoured_at_once(before: &Environment, event: &Event, after: &Environment) -> Result<(), String> {
    let Event::RollbackRequested { .. } = event else { return Ok(()) };
    if !before.reversible() {
        return Ok(());
    }
    let position = after.underway().map(|rollout| rollout.position());
    let honoured = matches!(position, Some(Position::RetiringNew) | None);
    check(honoured, || format!("an abort left the release at {position:?}"))
}

/// A verdict on the watched release takes it back, or is remembered as the reason why it was kept.
fn verdict_is_honoured_at_once(
    before: &Environment,
    event: &Event,
    after: &Environment,
) -> Result<(), String> {
    let Event::Judged { release, .. } = event else { return Ok(()) };
    let Some(rollout) = before.underway().filter(|rollout| rollout.id() == release) else { return Ok(()) };
    if !matches!(rollout.position(), Position::Promoting { .. } | Position::Watching { .. }) {
        return Ok(());
    }
    let taken_back = after.underway().is_none_or(|after| after.position() == Position::RetiringNew);
    check(taken_back || !before.reversible(), || "a verdict was not followed".to_owned())?;
    let newest = after.history().next_back().map(|finished| &finished.outcome);
    let done = after.underway().is_none() && newest == Some(&ReleaseOutcome::Done);
    check(!done, || "a condemned release is done".to_owned())
}

/// Who moves a release on: health ends its start, the edge its swap, time its watch.
fn steps_advance_on_their_own_verdict(
    before: &Environment,
    event: &Event,
    after: &Environment,
) -> Result<(), String> {
    let (Some(old), Some(new)) = (before.underway(), after.underway()) else { return Ok(()) };
    let may_advance = match (old.position(), new.position()) {
        (Position::Starting { .. }, Position::Promoting { .. } | Position::Watching { .. }) => {
            matches!(event, Event::Healthy { .. })
        }
        (Position::Promoting { .. }, Position::Watching { .. }) => matches!(event, Event::Routed { .. }),
        (Position::Watching { until }, Position::RetiringOld) => {
            matches!(event, Event::DownRequested) || after.time() >= until
        }
        _ => true,
    };
    check(old.id() != new.id() || may_advance, || {
        format!("{:?} became {:?} by {event:?}", old.position(), new.position())
    })
}

fn stale_generations_change_nothing(
    before: &Environment,
    event: &Event,
    after: &Environment,
) -> Result<(), String> {
    let stale = match event {
        Event::Routed { generation, .. } => *generation <= before.routed(),
        Event::Requested { plan } => plan.base != before.generation(),
        _ => false,
    };
    if !stale {
        return Ok(());
    }
    // Time may have come for something at the same moment; what the event says must not show.
    let mut untouched = before.clone();
    untouched.step(after.time(), Event::Tick);
    check(*after == untouched, || format!("{event:?} had an effect"))
}

fn reversible_until_the_old_side_stops(environment: &Environment) -> Result<(), String> {
    let Some(rollout) = environment.underway() else { return Ok(()) };
    let Some(previous) = rollout.previous() else { return Ok(()) };
    let old_is_warm = environment.has_healthy(previous);
    let forward = !matches!(rollout.position(), Position::RetiringNew);
    check(!(forward && old_is_warm) || environment.reversible(), || {
        "the old side is warm but there is no way back".to_owned()
    })
}

/// An instance that became healthy is stopped only when the edge no longer knows its release (unless its pool is supervised
/// and it is merely replaced).
fn stopped_only_out_of_the_table(world: &World, instance: &InstanceId) -> Result<(), String> {
    let routed = world.edge.table.iter().flat_map(|table| &table.pools).flat_map(|pool| &pool.endpoints);
    let still_routed = routed.into_iter().any(|endpoint| &endpoint.instance == instance);
    check(!still_routed, || format!("{instance} is stopped while the edge routes to it"))
}

fn old_side_drained_before_it_stops(
    world: &World,
    before: &Environment,
    instance: &InstanceId,
) -> Result<(), String> {
    if !world.ever_healthy.contains(instance) {
        return Ok(());
    }
    let claims = world.edge.claims.get(instance.release()).copied().unwrap_or(0);
    let drain = before.release(instance.release()).map(|spec| spec.timings.drain).unwrap_or_default();
    let unrouted_at = world.edge.last_routed.get(instance.release()).copied().unwrap_or_default();
    let deadline_passed = world.now.since(unrouted_at) >= drain;
    check(claims == 0 || deadline_passed, || {
        format!("{instance} is stopped with {claims} requests in flight")
    })
}

/// The old side is stopped only when the new one is alive, or the old one is dead itself.
fn other_side_is_alive(world: &World, before: &Environment, instance: &InstanceId) -> Result<(), String> {
    let after = &world.environment;
    let Some(rollout) = before.underway().filter(|_| after.serving()) else { return Ok(()) };
    let healthy_before =
        before.instance(instance).is_some_and(|it| it.phase == shield_release::InstancePhase::Healthy);
    if rollout.previous() != Some(instance.release()) || !healthy_before {
        return Ok(());
    }
    let live_is_alive = after.live().is_none_or(|live| after.has_healthy(live));
    check(live_is_alive, || format!("{instance} is stopped while the new side is dead"))
}

fn check(holds: bool, violation: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(violation()) }
}
