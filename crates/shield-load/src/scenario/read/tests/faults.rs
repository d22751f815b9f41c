//! What tables of faults resolve to.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{FULL, MINIMAL, parsed};
use crate::fault::plan::model::{Fault, FaultPlan, ProxyKind};
use crate::fault::process::finder::TargetFinder;
use crate::fault::process::identity::{ProcessIdentity, Reach};
use crate::fault::proxy::{Bursts, Direction, DnsTrouble, NetworkFault};
use crate::scenario::faults::FaultsSection;

const SECOND: Duration = Duration::from_secs(1);

fn section(text: &str) -> FaultsSection {
    parsed(text).faults.unwrap()
}

/// The plan of a file with one fault of this kind.
fn plan_of(kind: &str) -> Result<FaultPlan, String> {
    let proxies = "[[proxy]]\nname = \"line\"\n[[proxy]]\nname = \"names\"\nkind = \"dns\"\nupstream = \"127.0.0.53:53\"\n";
    let text = format!("{MINIMAL}{proxies}[[fault]]\nname = \"it\"\nat = \"1s\"\nfor = \"1s\"\n{kind}\n");
    let plan = section(&text).plan(7, SocketAddr::from(([127, 0, 0, 1], 8080)));
    plan.map_err(|error| crate::fault::chain(&error))
}

/// The only fault of the plan, which can be carried out.
fn fault_of(kind: &str) -> Fault {
    let mut plan = plan_of(kind).unwrap_or_else(|error| panic!("{kind}: {error}"));
    plan.schedule().unwrap();
    plan.faults.remove(0).fault
}

#[test]
fn full_file_has_its_faults() {
    let section = section(FULL);
    assert_eq!(section.through.as_deref(), Some("slow-line"));
    let [line, names] = section.proxies.as_slice() else { panic!("{:?}", section.proxies) };
    assert_eq!((line.kind, line.listen.port(), line.upstream), (ProxyKind::Tcp, 0, None));
    assert_eq!((names.kind, names.listen.port()), (ProxyKind::Dns, 5353));
    let slow = &section.faults[0].planned;
    assert_eq!((slow.at, slow.lasts, slow.spread), (SECOND * 5, SECOND * 10, SECOND * 2));
    let Fault::Network { proxies, fault: NetworkFault::Latency { delay, jitter, direction, share } } =
        &slow.fault
    else {
        panic!("{slow:?}")
    };
    assert_eq!((proxies.as_slice(), *direction), (&["slow-line".to_owned()][..], Direction::Both));
    assert_eq!((*delay, *jitter, share.as_f64()), (SECOND / 5, SECOND / 20, 0.3));
    let Fault::ExpiredCertificate { host, .. } = &section.faults[1].planned.fault else {
        panic!("not expired")
    };
    assert_eq!(host, "localhost");
    assert_eq!(section.faults[3].aim, Some((TargetFinder::Listens(8443), Reach::Group)));
    let Some((TargetFinder::PidFile(file), Reach::Process)) = &section.faults[4].aim else {
        panic!("no file")
    };
    assert!(file.is_absolute() && file.ends_with("server.pid"), "{}", file.display());
    let Fault::Disk { directory, filesystem, .. } = &section.faults[5].planned.fault else {
        panic!("no disk")
    };
    assert!(directory.is_absolute() && filesystem == Path::new("/"), "{}", directory.display());
}

#[test]
fn proxies_lead_to_the_target() {
    let plan = plan_of("refuse = { proxy = \"line\" }").unwrap();
    assert_eq!((plan.seed, plan.proxies[0].upstream.port()), (7, 8080));
    assert_eq!(plan.proxies[1].upstream.port(), 53);
    assert!(parsed(MINIMAL).faults.is_none());
}

#[test]
fn every_kind_of_network_fault_is_read() {
    let network = |kind: &str| match fault_of(kind) {
        Fault::Network { fault, .. } => fault.to_string(),
        other => panic!("{other:?}"),
    };
    for (kind, expected) in [
        ("latency = { proxy = \"line\", delay = \"1s\", direction = \"upstream\" }", "latency 1s ± 0ns"),
        ("bandwidth = { proxy = \"line\", per_second = \"64KiB\" }", "bandwidth 65536 B/s"),
        ("reset = { proxy = \"line\", after = \"1KiB\" }", "reset after 1024 B"),
        ("blackhole = { proxy = \"line\", direction = \"downstream\" }", "blackhole"),
        ("half-open = { proxy = \"line\", share = \"10%\" }", "half-open"),
        ("slow-close = { proxy = \"line\", delay = \"5s\" }", "slow-close 5s"),
        ("loss = { proxy = \"line\", lost = \"1%\" }", "loss 1% (0% in bursts)"),
        ("refuse = { proxy = \"line\" }", "refuse"),
        ("http-status = { proxy = \"line\", status = 503, share = \"50%\" }", "http-status 503 of 50%"),
    ] {
        assert_eq!(network(kind), expected);
    }
    let bursts =
        "loss = { proxy = \"line\", lost_in_bursts = \"50%\", burst_begins = \"2%\", burst_ends = \"30%\" }";
    let Fault::Network { fault: NetworkFault::Loss { bursts, .. }, .. } = fault_of(bursts) else {
        panic!("no loss")
    };
    let Bursts { good_to_bad, bad_to_good, loss_good, loss_bad } = bursts;
    assert_eq!(
        [good_to_bad, bad_to_good, loss_good, loss_bad].map(|ratio| ratio.as_f64()),
        [0.02, 0.3, 0.0, 0.5]
    );
    for (kind, expected) in [
        ("drop = true", DnsTrouble::Drop {}),
        ("servfail = true", DnsTrouble::Servfail {}),
        ("delay = \"2s\"", DnsTrouble::Delay { delay: SECOND * 2 }),
    ] {
        let Fault::Dns { trouble, .. } = fault_of(&format!("dns = {{ proxy = \"names\", {kind} }}")) else {
            panic!("{kind}")
        };
        assert_eq!(trouble, expected);
    }
    let expired = "expired-certificate = { proxy = \"line\", host = \"a.example\", share = \"1%\" }";
    assert!(matches!(fault_of(expired), Fault::ExpiredCertificate { host, .. } if host == "a.example"));
}

#[test]
fn every_kind_of_process_fault_is_aimed() {
    let own = ProcessIdentity::of(std::process::id().cast_signed()).unwrap();
    let pid = own.pid;
    for kind in [
        format!("kill = {{ pid = {pid} }}"),
        format!("freeze = {{ pid = {pid} }}"),
        format!("restart = {{ pid = {pid}, command = [\"true\"] }}"),
        format!("descriptors = {{ pid = {pid}, spare = 3 }}"),
        format!("clock-skew = {{ pid = {pid}, seconds = -60 }}"),
    ] {
        let (Fault::Freeze { targets }
        | Fault::Kill { targets, .. }
        | Fault::Restart { targets, .. }
        | Fault::Descriptors { targets, .. }
        | Fault::ClockSkew { targets, .. }) = fault_of(&kind)
        else {
            panic!("{kind}")
        };
        assert_eq!(targets.iter().map(|target| target.process).collect::<Vec<_>>(), [own], "{kind}");
    }
    let error = plan_of(&format!("kill = {{ pid = {} }}", i32::MAX)).unwrap_err();
    assert!(error.starts_with("aim fault `it`: find the process `2147483647`: there is none"), "{error}");
}

#[test]
fn every_kind_of_machine_fault_is_read() {
    let cpu = fault_of("cpu = { workers = 2, nice = 5, share = \"80%\" }");
    assert_eq!(cpu, Fault::Cpu { workers: 2, nice: 5, share_percent: 80..=80 });
    let bytes = 256 << 20;
    let memory = fault_of("memory = { size = \"256MiB\" }");
    assert_eq!(memory, Fault::Memory { bytes: bytes..=bytes, share_max_percent: 50 });
    let Fault::Disk { directory, amount, .. } =
        fault_of("disk = { directory = \"/x\", filesystem = \"/x\", take = \"1KiB\" }")
    else {
        panic!("no disk")
    };
    assert_eq!((directory, amount), (PathBuf::from("/x"), crate::fault::plan::model::DiskAmount::Take(1024)));
}
