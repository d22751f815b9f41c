//! `load.proxy-cost`: what the fault proxy costs while nothing is wrong.
//!
//! One kept-alive HTTP/1.1 client against a tiny server in a process of its own, direct and through the proxy, in many short
//! rounds that alternate, so that what else the machine does falls on both. The proxy has a thread of its own, as it has in the
//! guard process: each hop is a wake-up of another thread and not a favour of a shared event loop. The figure is the median over
//! the rounds of the difference of the two medians. Beside it, a bulk transfer: what the proxy's thread carries per second of its
//! CPU time (three busy threads on two cores make wall time say nothing about one of them).

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use shield_load::{ClientGroup, Connection, FaultProxy, Histogram, LoadPlan, Protocol, ProxyCounts, Stop};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::Options;
use crate::harness::{Result, StallingServer, Trouble, Verdict};

/// Pairs of rounds: one direct, one through the proxy.
const ROUNDS: usize = 60;
const REQUESTS_PER_ROUND: u64 = 2_000;
const ADDED_MAX: Duration = Duration::from_micros(50);
const BULK_BYTES: u64 = 4 << 30;
const BULK_CHUNK_BYTES: usize = 256 * 1024;
/// Bytes per second of CPU time.
const BULK_RATE_MIN: f64 = 1e9;
/// The server never stands still in a run of this bar.
const NO_STALL: Duration = Duration::from_secs(24 * 3600);

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    println!("  {ROUNDS} pairs of rounds of {REQUESTS_PER_ROUND} requests, one kept-alive HTTP/1.1 client");
    let mut verdict = Verdict::default();
    let added = added_latency(&mut verdict).await?;
    let bulk = bulk_rate(&mut verdict)?;
    verdict.demand(added <= ADDED_MAX.as_secs_f64() * 1e6, || format!("the proxy adds {added:.1} µs"));
    verdict
        .demand(bulk >= BULK_RATE_MIN, || format!("the proxy carries {:.2} GB per CPU-second", bulk / 1e9));
    Ok(verdict.with_figure(format!("{added:.1} µs added p50, {:.2} GB per CPU-second", bulk / 1e9)))
}

/// The median over the rounds of what the proxy adds to the p50, in microseconds.
async fn added_latency(verdict: &mut Verdict) -> Result<f64> {
    let server = StallingServer::start(NO_STALL, Duration::ZERO).await?;
    let proxy = ProxyThread::start(server.plan().target.address)?;
    let (mut direct, mut proxied) = (Histogram::default(), Histogram::default());
    let mut added = Vec::new();
    for round in 0..ROUNDS {
        let (mut one, mut other) = (None, None);
        // Each goes first as often as the other.
        for through_proxy in [round % 2 == 0, round % 2 == 1] {
            let address = if through_proxy { proxy.address } else { server.plan().target.address };
            let latency = one_round(server.plan(), address, verdict).await?;
            let p50 = latency.quantile(0.5).unwrap_or_default().as_secs_f64() * 1e6;
            let (all, of_round) =
                if through_proxy { (&mut proxied, &mut other) } else { (&mut direct, &mut one) };
            all.merge(&latency);
            *of_round = Some(p50);
        }
        added.extend(one.zip(other).map(|(direct, proxied)| proxied - direct));
    }
    print_quantiles("direct", &direct);
    print_quantiles("proxied", &proxied);
    let (counts, _) = proxy.stop()?;
    let expected = ROUNDS as u64;
    verdict.demand(counts.connections == expected, || {
        format!("{} connections through the proxy instead of {expected}", counts.connections)
    });
    added.sort_by(f64::total_cmp);
    println!(
        "    added to the p50 of a round: least {:.1} µs, median {:.1} µs, most {:.1} µs",
        added[0],
        added[ROUNDS / 2],
        added[ROUNDS - 1]
    );
    Ok(added[ROUNDS / 2])
}

async fn one_round(mut plan: LoadPlan, address: SocketAddr, verdict: &mut Verdict) -> Result<Histogram> {
    plan.target.address = address;
    plan.stop = Stop::Iterations(REQUESTS_PER_ROUND);
    plan.clients.push(ClientGroup::new(1, Protocol::Http1, Connection::KeepAlive));
    let report = shield_load::run(plan).await.map_err(|error| Trouble::caused("start the load", error))?;
    verdict.demand(report.answered == REQUESTS_PER_ROUND, || {
        format!("{} of {REQUESTS_PER_ROUND} requests were answered", report.answered)
    });
    Ok(report.latency)
}

fn print_quantiles(name: &str, latency: &Histogram) {
    let told = |share| latency.quantile(share).unwrap_or_default().as_secs_f64() * 1e6;
    println!("    {name:8} p50 {:6.1} µs, p90 {:6.1} µs, p99 {:6.1} µs", told(0.5), told(0.9), told(0.99));
}

/// Bytes per second of the proxy's CPU time, downstream.
fn bulk_rate(verdict: &mut Verdict) -> Result<f64> {
    let failed = |error| Trouble::caused("transfer in bulk", error);
    let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
    let proxy = ProxyThread::start(listener.local_addr().map_err(failed)?)?;
    let mut client = TcpStream::connect(proxy.address).map_err(failed)?;
    let (mut server, _) = listener.accept().map_err(failed)?;
    let began = Instant::now();
    let sender = thread::spawn(move || {
        let chunk = vec![7; BULK_CHUNK_BYTES];
        (0..BULK_BYTES / BULK_CHUNK_BYTES as u64).try_for_each(|_| server.write_all(&chunk))
    });
    let (mut received, mut chunk) = (0, vec![0; BULK_CHUNK_BYTES]);
    loop {
        match client.read(&mut chunk).map_err(failed)? {
            0 => break,
            count => received += count as u64,
        }
    }
    let wall = began.elapsed();
    sender.join().map_err(|_| Trouble::new("send in bulk: the sender panicked"))?.map_err(failed)?;
    let (_, cpu) = proxy.stop()?;
    verdict.demand(received == BULK_BYTES, || format!("{received} of {BULK_BYTES} bytes came through"));
    println!(
        "    bulk     {:.1} GB in {:.2} s ({:.2} GB/s), {:.2} s of the proxy's CPU time",
        received as f64 / 1e9,
        wall.as_secs_f64(),
        received as f64 / 1e9 / wall.as_secs_f64(),
        cpu.as_secs_f64()
    );
    Ok(received as f64 / cpu.as_secs_f64())
}

/// A proxy on a thread of its own.
struct ProxyThread {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: thread::JoinHandle<io::Result<(ProxyCounts, Duration)>>,
}

// === impl ProxyThread ===

impl ProxyThread {
    fn start(upstream: SocketAddr) -> Result<Self> {
        let failed = |error| Trouble::caused("start the proxy", error);
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let (told, bound) = mpsc::channel();
        let thread = thread::spawn(move || {
            runtime.block_on(async move {
                let proxy = FaultProxy::bind(([127, 0, 0, 1], 0).into(), upstream, 1)?;
                // Whoever started this thread waits for it.
                let _ = told.send(proxy.address());
                // Either way it is time to stop.
                let _ = stopped.await;
                Ok((proxy.counts(), thread_cpu()))
            })
        });
        match bound.recv() {
            Ok(address) => Ok(Self { address, stop, thread }),
            Err(_) => Err(joined(thread).err().unwrap_or_else(|| Trouble::new("start the proxy"))),
        }
    }

    /// What it counted, and the CPU time that it took.
    fn stop(self) -> Result<(ProxyCounts, Duration)> {
        drop(self.stop);
        joined(self.thread)
    }
}

fn joined(
    thread: thread::JoinHandle<io::Result<(ProxyCounts, Duration)>>,
) -> Result<(ProxyCounts, Duration)> {
    let ended = thread.join().map_err(|_| Trouble::new("run the proxy: its thread panicked"))?;
    ended.map_err(|error| Trouble::caused("start the proxy", error))
}

/// CPU time of this thread.
fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
