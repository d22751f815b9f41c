//! A run on several workers, in the place of one generator.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::fleet::identity::WorkerAddress;
use crate::fleet::member::{End, Member};
use crate::fleet::prepare::{PrepareFleetError, prepare};
use crate::measure::report::LoadReport;
use crate::measure::series::Snapshot;
use crate::plan::model::LoadPlan;

/// From the word to the start: it must have reached every worker by then.
const LEAD: Duration = Duration::from_millis(300);

/// Workers that run one plan together.
#[derive(Debug)]
pub(crate) struct Fleet {
    started: Instant,
    members: Vec<Member>,
    stop: watch::Sender<bool>,
    model: &'static str,
    failures_kept_max: usize,
}

// === impl Fleet ===

impl Fleet {
    /// Prepares every worker, then starts them all at one moment.
    pub(crate) async fn start(workers: &[WorkerAddress], plan: &LoadPlan) -> Result<Self, PrepareFleetError> {
        let ready = prepare(workers, plan).await?;
        let started = tokio::time::Instant::now() + LEAD;
        let stop = watch::Sender::new(false);
        Ok(Self {
            started: started.into_std(),
            members: ready.into_iter().map(|ready| Member::start(ready, started, &stop)).collect(),
            stop,
            model: plan.model.name(),
            failures_kept_max: plan.failures_kept_max,
        })
    }

    /// Workers that have something to do.
    pub(crate) fn workers(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Up to when all workers have told what they counted: the clock of the samples.
    pub(crate) fn elapsed(&self) -> Duration {
        let tick = self.tick();
        let at = self.members.iter().map(|member| member.with_sample(tick, |sample| sample.at));
        at.max().unwrap_or_default()
    }

    /// What all had counted at the newest moment that all have told of.
    pub(crate) fn sample(&self) -> Snapshot {
        let tick = self.tick();
        let mut whole = Snapshot::default();
        self.members.iter().for_each(|member| member.with_sample(tick, |sample| whole.merge(sample)));
        whole
    }

    fn tick(&self) -> u64 {
        let running = self.members.iter().filter(|member| !member.ended());
        running.map(Member::tick).min().unwrap_or(u64::MAX)
    }

    /// No worker begins a request from now on; those that were sent are finished.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    pub(crate) fn ended(&self) -> bool {
        self.members.iter().all(Member::ended)
    }

    /// The reports of all as one, and what is missing: each of it makes the run invalid, as does a worker that was the bottleneck.
    pub(crate) async fn join(self) -> (LoadReport, Vec<String>) {
        let mut whole = LoadReport { model: self.model.to_owned(), ..LoadReport::default() };
        let (mut missing, mut problems, mut first) = (Vec::new(), Vec::new(), true);
        for member in self.members {
            let (worker, end) = member.end().await;
            let mut report = match end {
                End::Reported { report, interrupted } => {
                    missing.extend(interrupted.then(|| format!("worker `{worker}` was interrupted")));
                    *report
                }
                End::Lost(why) => {
                    missing.push(format!(
                        "worker `{worker}` was lost: {why}; its requests are not in the totals"
                    ));
                    continue;
                }
            };
            let own = std::mem::take(&mut report.audit.invalid);
            problems.extend(own.into_iter().map(|problem| format!("worker `{worker}`: {problem}")));
            if !report.accounted() {
                missing.push(format!("worker `{worker}` does not account for every request"));
            }
            if std::mem::take(&mut first) {
                whole = report;
            } else {
                whole.merge(report);
            }
        }
        whole.audit.invalid = problems;
        whole.failures.sort_by_key(|failure| failure.at);
        whole.failures.truncate(self.failures_kept_max);
        (whole, missing)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::Fleet;
    use crate::fleet::frames::{Bounds, ToCoordinator, ToWorker, WORD_BYTES_MAX, read_frame, write_frame};
    use crate::fleet::identity::{WorkerAddress, WorkerIdentity};
    use crate::fleet::tls::worker_config;
    use crate::fleet::worker::Worker;
    use crate::measure::series::{COUNT_MAX, Snapshot};
    use crate::plan::model::{ClientGroup, Connection, LoadPlan, Protocol, Scheme, Stop, Target};

    const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    /// Answers every request whose head and body come in one piece.
    async fn target() -> SocketAddr {
        let listener = TcpListener::bind(LOOPBACK).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut piece = [0; 4096];
                    while socket.read(&mut piece).await.is_ok_and(|read| read > 0) {
                        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                    }
                });
            }
        });
        address
    }

    fn plan(address: SocketAddr) -> LoadPlan {
        let authority = address.to_string();
        let mut plan = LoadPlan::new(Target { scheme: Scheme::Http, authority, address });
        plan.clients.push(ClientGroup::new(5, Protocol::Http1, Connection::KeepAlive));
        plan.stop = Stop::Iterations(203);
        plan
    }

    async fn worker() -> WorkerAddress {
        let worker = Worker::bind(LOOPBACK, WorkerIdentity::fresh().unwrap()).await.unwrap();
        let address = format!("{}#{}", worker.address().unwrap(), worker.key());
        tokio::spawn(worker.serve(std::future::pending()));
        address.parse().unwrap()
    }

    /// Agrees to everything, then says these things.
    async fn liar(says: Vec<ToCoordinator>) -> WorkerAddress {
        let identity = WorkerIdentity::fresh().unwrap();
        let listener = TcpListener::bind(LOOPBACK).await.unwrap();
        let address = format!("{}#{}", listener.local_addr().unwrap(), identity.key());
        let acceptor = TlsAcceptor::from(worker_config(&identity).unwrap());
        tokio::spawn(async move {
            let (tcp, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(tcp).await.unwrap();
            let bounds = Bounds { bytes_max: 1 << 20, silence_max: Duration::from_secs(60) };
            for answer in [ToCoordinator::Welcome, ToCoordinator::Ready] {
                read_frame::<ToWorker>(&mut stream, bounds).await.unwrap();
                write_frame(&mut stream, &answer, WORD_BYTES_MAX).await.unwrap();
            }
            for word in says {
                // It is not listened to for long.
                let _ = write_frame(&mut stream, &word, 1 << 20).await;
            }
            std::future::pending::<()>().await;
        });
        address.parse().unwrap()
    }

    #[tokio::test]
    async fn merged_report_is_the_sum() {
        let (address, workers) = (target().await, [worker().await, worker().await, worker().await]);
        let fleet = Fleet::start(&workers, &plan(address)).await.unwrap();
        assert_eq!(fleet.workers(), 3);
        while !fleet.ended() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let sample = fleet.sample();
        let (report, missing) = fleet.join().await;
        assert!(missing.is_empty() && report.accounted(), "{missing:?}");
        assert_eq!((report.offered, report.answered, report.iterations), (203, 203, 203));
        assert_eq!((report.latency.count(), report.service.count()), (203, 203));
        assert_eq!(report.steps.iter().map(|step| step.latency.count()).sum::<u64>(), 203);
        assert_eq!((sample.offered, sample.counters.answered, &sample.latency), (203, 203, &report.latency));
        let posts: u64 =
            report.steps.iter().filter(|step| step.name.starts_with("POST")).map(|step| step.answered).sum();
        assert_eq!(report.posted.applied_count(), posts);
    }

    #[tokio::test]
    async fn dropped_fleet_frees_its_workers() {
        let (address, workers) = (target().await, [worker().await]);
        let endless = LoadPlan { stop: Stop::WhenTold, ..plan(address) };
        let fleet = Fleet::start(&workers, &endless).await.unwrap();
        while fleet.sample().counters.answered == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(fleet);
        let again = async {
            loop {
                match Fleet::start(&workers, &plan(address)).await {
                    Ok(fleet) => break fleet.join().await,
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        let (report, missing) = tokio::time::timeout(Duration::from_secs(60), again).await.unwrap();
        assert!(missing.is_empty() && report.answered == 203, "{missing:?}");
    }

    #[tokio::test]
    async fn lies_are_no_counts() {
        let sample = |tick, offered| {
            let snapshot = Box::new(Snapshot { offered, ..Snapshot::default() });
            ToCoordinator::Sample { tick, snapshot }
        };
        let address = target().await;
        for (says, why) in [
            (vec![sample(1, 5), sample(2, 4)], "counts went back"),
            (vec![sample(2, 5), sample(1, 5)], "counts went back"),
            (vec![sample(1, COUNT_MAX + 1)], "beyond what can be counted"),
            (vec![ToCoordinator::Report(Box::default())], "does not fit its plan"),
            (vec![ToCoordinator::Welcome], "what was not asked"),
        ] {
            let workers = [worker().await, liar(says).await];
            let (report, missing) = Fleet::start(&workers, &plan(address)).await.unwrap().join().await;
            assert!(missing.len() == 1 && missing[0].contains(why), "{missing:?}");
            assert!(missing[0].contains(workers[1].authority()), "{missing:?}");
            // The honest one was told to stop, and accounts for its part.
            assert!(report.accounted() && report.offered > 0, "{}", report.offered);
        }
    }
}
