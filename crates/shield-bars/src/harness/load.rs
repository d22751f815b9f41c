//! Load on the edge of a project.

use std::{net::SocketAddr, path::Path, time::Duration};

use shield_load::{
    ClientGroup, Connection, LoadHandle, LoadPlan, LoadReport, Protocol, Scheme, Target, start,
};

use super::{Result, Trouble};

/// Longest wait for the first answers.
const TRAFFIC_LIMIT: Duration = Duration::from_secs(30);

/// The edge on `port`, over TLS, trusting the certificate authority in `authority`.
pub(crate) fn https(port: u16, authority: &Path) -> Result<LoadPlan> {
    let trust = std::fs::read_to_string(authority)
        .map_err(|error| Trouble::caused(format!("read `{}`", authority.display()), error))?;
    let target = Target {
        scheme: Scheme::Https,
        authority: format!("localhost:{port}"),
        address: SocketAddr::from(([127, 0, 0, 1], port)),
    };
    Ok(LoadPlan { trust_pem: Some(trust), failures_kept_max: 20, ..LoadPlan::new(target) })
}

/// Clients of both protocols: `keep_alive` that keep their connection and `fresh` that open one per request, half of them
/// over HTTP/1.1 and half over HTTP/2, each resting for `pause` between requests.
pub(crate) fn plan(base: LoadPlan, keep_alive: usize, fresh: usize, pause: Duration) -> LoadPlan {
    let kinds = [(keep_alive, Connection::KeepAlive), (fresh, Connection::Fresh)];
    let group =
        |count, protocol, connection| ClientGroup { pause, ..ClientGroup::new(count, protocol, connection) };
    let clients = kinds.into_iter().flat_map(|(count, connection)| {
        let http2 = count / 2;
        [group(count - http2, Protocol::Http1, connection), group(http2, Protocol::Http2, connection)]
    });
    LoadPlan { clients: clients.filter(|group| group.count > 0).collect(), ..base }
}

/// `per_second` requests, offered by as many kept-alive HTTP/1.1 clients as keep the rate when one of them hangs.
pub(crate) fn steady(base: LoadPlan, per_second: u32) -> LoadPlan {
    let count = usize::try_from(per_second.div_ceil(5)).expect("a rate is small");
    let pause = Duration::from_secs(1) * u32::try_from(count).expect("a rate is small") / per_second;
    let group = ClientGroup { pause, ..ClientGroup::new(count, Protocol::Http1, Connection::KeepAlive) };
    LoadPlan { clients: vec![group], ..base }
}

/// Starts load and waits until it is answered.
pub(crate) async fn wait_for_traffic(plan: LoadPlan) -> Result<LoadHandle> {
    let load = start(plan).map_err(|error| Trouble::caused("start the load", error))?;
    let seen = load.wait_until("the first answers", TRAFFIC_LIMIT, |counters| counters.answered >= 20).await;
    seen.map_err(|error| Trouble::caused("get the load answered", error))?;
    Ok(load)
}

/// What a run found, in lines for people.
pub(crate) fn print_load(name: &str, report: &LoadReport) {
    let summary = report.summary();
    println!(
        "  {name}: offered {} = answered {} + failed {} + unsent {} in {:.1} s over {} connections",
        summary.offered,
        summary.answered,
        summary.failed,
        summary.unsent,
        summary.elapsed_s,
        summary.connections
    );
    if let Some(latency) = summary.latency {
        println!(
            "    p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms (closed model)",
            latency.p50_ms, latency.p99_ms, latency.longest_ms
        );
    }
    for (kind, count) in &report.failed {
        println!("    failed: {count} x {kind}");
    }
    report.failures.iter().take(8).for_each(|failure| println!("    {failure}"));
}
