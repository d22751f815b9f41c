//! `load.cost`: what a request costs the generator, in processor time, against the cheapest tools there are.
//!
//! Each round runs ours and the peer's one after the other against the same server: wrk for HTTP/1.1, h2load for HTTP/2. The
//! figure of a case is the median over the rounds of the ratio of requests per processor second, so that a noisy moment
//! spoils a round and not the case.

use std::time::Duration;

use http::{HeaderName, Method};
use shield_load::{
    Action, Check, ClientGroup, Connection, Demand, Escape, Extract, HttpRequest, LoadPlan, Part, Place,
    Protocol, RequestMix, Stop, Template, Value, Workload, run as run_load,
};
use tokio::process::Command;

use super::Options;
use crate::harness::{Result, SmallServer, Trouble, Verdict, run as run_command};

const ROUNDS: usize = 5;
const SLICE: Duration = Duration::from_secs(3);
const CONNECTIONS: usize = 50;
/// Streams under way on the one connection of the HTTP/2 case.
const STREAMS: usize = 100;
const PEER_LIMIT: Duration = Duration::from_secs(30);

/// What is measured against which peer.
struct Case {
    name: &'static str,
    protocol: Protocol,
    workload: Workload,
    /// Requests per processor second, as a share of the peer's.
    ratio_min: f64,
}

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    let plain = RequestMix::gets("/").workload();
    let cases = [
        Case { name: "plain", protocol: Protocol::Http1, workload: plain.clone(), ratio_min: 0.6 },
        Case { name: "templates", protocol: Protocol::Http1, workload: demanding(), ratio_min: 0.3 },
        Case { name: "HTTP/2", protocol: Protocol::Http2, workload: plain, ratio_min: 0.6 },
    ];
    let mut verdict = Verdict::default();
    let mut figures = Vec::new();
    for case in cases {
        let ratio = measure(&case).await?;
        verdict.demand(ratio >= case.ratio_min, || {
            format!("{}: {ratio:.2} of its peer, less than {}", case.name, case.ratio_min)
        });
        figures.push(format!("{} {ratio:.2}", case.name));
    }
    Ok(verdict.with_figure(format!("requests per CPU-second against the peer: {}", figures.join(", "))))
}

/// The median ratio.
async fn measure(case: &Case) -> Result<f64> {
    let http2 = case.protocol == Protocol::Http2;
    let server = SmallServer::start("testkit-quick", if http2 { &["--http2"] } else { &[] }).await?;
    let mut ratios = Vec::new();
    for round in 1..=ROUNDS {
        let theirs = peer(case.protocol, &format!("http://{}/", server.address)).await?;
        let ours = ours(case, server.plan()).await?;
        println!("  {} round {round}: {ours:.0} a CPU-second, the peer {theirs:.0}", case.name);
        ratios.push(ours / theirs);
    }
    ratios.sort_by(f64::total_cmp);
    Ok(ratios[ROUNDS / 2])
}

async fn ours(case: &Case, plan: LoadPlan) -> Result<f64> {
    let group = match case.protocol {
        Protocol::Http1 => ClientGroup::new(CONNECTIONS, Protocol::Http1, Connection::KeepAlive),
        Protocol::Http2 => {
            ClientGroup { streams: STREAMS, ..ClientGroup::new(1, Protocol::Http2, Connection::KeepAlive) }
        }
    };
    let (stop, workload) = (Stop::After(SLICE), case.workload.clone());
    let report = run_load(LoadPlan { clients: vec![group], stop, workload, ..plan }).await;
    let report = report.map_err(|error| Trouble::caused("start the load", error))?;
    if report.failed_count() > 0 || !report.accounted() {
        return Err(Trouble::new(format!("measure: {} requests failed", report.failed_count())));
    }
    Ok(report.answered as f64 / report.audit.cpu_s)
}

/// Requests per processor second of wrk or h2load, by the shell's own clock.
async fn peer(protocol: Protocol, url: &str) -> Result<f64> {
    let seconds = SLICE.as_secs();
    let line = match protocol {
        Protocol::Http1 => format!("wrk -t1 -c{CONNECTIONS} -d{seconds}s {url}"),
        Protocol::Http2 => format!("h2load -t1 -c1 -m{STREAMS} -D{seconds} {url}"),
    };
    let mut command = Command::new("bash");
    command.args(["-c", &format!("TIMEFORMAT='cpu %U %S'; time {line}")]);
    let finished = run_command(command, PEER_LIMIT).await?;
    let said = |problem| Trouble::new(format!("{problem} `{line}`: {}{}", finished.stdout, finished.stderr));
    if !finished.succeeded() {
        let hint = "run (apt-get install wrk nghttp2-client installs it)";
        return Err(said(hint));
    }
    let requests = requests(&finished.stdout).ok_or_else(|| said("read the requests of"))?;
    let cpu_s = processor_seconds(&finished.stderr).ok_or_else(|| said("read the processor time of"))?;
    Ok(requests / cpu_s)
}

/// `301498 requests in 4.00s` of wrk, `…, 12345 succeeded, …` of h2load.
fn requests(output: &str) -> Option<f64> {
    let of_wrk = output.lines().find_map(|line| line.trim().split_once(" requests in ")?.0.parse().ok());
    let succeeded = |part: &str| part.trim().strip_suffix(" succeeded")?.parse().ok();
    of_wrk.or_else(|| {
        output
            .lines()
            .filter(|line| line.starts_with("requests:"))
            .flat_map(|line| line.split(','))
            .find_map(succeeded)
    })
}

fn processor_seconds(output: &str) -> Option<f64> {
    let times = output.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let mut seconds = times.split(' ').map(|time| time.parse::<f64>());
    Some(seconds.next()?.ok()? + seconds.next()?.ok()?)
}

/// A POST with values in path, header and JSON body; a check and a value extracted from the answer.
fn demanding() -> Workload {
    let value = |value, escape| Part::Value { value, escape };
    let text = |text: &str| Part::Text(text.to_owned());
    let request = HttpRequest {
        method: Method::POST,
        path: Template { parts: vec![text("/orders/"), value(Value::Id, Escape::Url)] },
        headers: vec![(
            HeaderName::from_static("x-trace"),
            Template { parts: vec![value(Value::Random, Escape::None)] },
        )],
        body: Some(Template {
            parts: vec![
                text("{\"id\":\""),
                value(Value::Id, Escape::Json),
                text("\",\"last\":"),
                value(Value::Variable(0), Escape::None),
                text("}"),
            ],
        }),
    };
    let mut workload = RequestMix::gets("/").workload();
    let step = &mut workload.scenarios[0].steps[0];
    let place = || Place::Pointer("/alive".to_owned());
    step.action = Action::Http(request);
    step.checks.push(Check { name: "alive".to_owned(), place: place(), demand: Demand::Equals(true.into()) });
    step.extract.push(Extract { place: place(), variable: 0 });
    workload.variables.push("alive".to_owned());
    workload
}

#[cfg(test)]
mod tests {
    use super::{processor_seconds, requests};

    #[test]
    fn reads_what_the_peers_print() {
        assert_eq!(requests("Running\n  301498 requests in 4.00s, 15.53MB read\n"), Some(301_498.0));
        let h2load = "requests: 9 total, 9 started, 9 done, 8 succeeded, 1 failed, 0 errored, 0 timeout";
        assert_eq!(requests(h2load), Some(8.0));
        assert_eq!(processor_seconds("x\ncpu 0.130 1.940\n"), Some(2.07));
    }
}
