//! What would be drilled: refused unless it is marked, live, healthy and suitable.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    thread,
};

use shield_evidence::ReleaseSubject;
use shield_load::{ProcessIdentity, ProcessTarget, Reach};
use shield_types::{ArtifactDigest, EnvironmentName, ReleaseId};

use super::{
    disk::DiskPlace,
    engine::DrillOrder,
    expectation::{Expectation, Victim},
    model::{Disturbance, Drill, DrillName},
    plan::Aims,
    refusal::RunDrillError,
};
use crate::{
    admin::{AdminClient, InstanceReport, StatusReport},
    manifest::Manifest,
    spawn::running_binary_digest,
};

/// What is live, and healthy.
pub(super) struct Scene {
    pub(super) status: StatusReport,
    pub(super) expectation: Expectation,
    pub(super) release: ReleaseSubject,
    pub(super) artifact: ArtifactDigest,
    /// Where clients connect.
    pub(super) address: SocketAddr,
}

/// What a drill of this scene is aimed at.
pub(super) struct Target {
    pub(super) aims: Aims,
    /// What is killed.
    pub(super) victim: Option<Victim>,
}

/// Refuses an environment that `shield.toml` does not mark.
pub fn demand_marked(manifest: &Manifest, environment: &EnvironmentName) -> Result<(), RunDrillError> {
    if environment.as_str() != "production" {
        return Err(RunDrillError::NoEdge { environment: environment.clone() });
    }
    if manifest.drill.environments.contains(environment) {
        return Ok(());
    }
    Err(RunDrillError::NotMarked { environment: environment.clone() })
}

/// Refuses a drill that is not possible for what is live now.
pub async fn demand_suitable(order: &DrillOrder, name: DrillName) -> Result<(), RunDrillError> {
    let scene = Scene::look(&AdminClient::new(&order.layout)).await?;
    let drill =
        super::catalogue::drill(name, super::Surroundings { manifest: &order.manifest, repeatable: true });
    scene.target(order, &drill).map(drop)
}

// === impl Scene ===

impl Scene {
    /// Looks at production, and refuses what is not to be drilled now.
    pub(super) async fn look(client: &AdminClient) -> Result<Self, RunDrillError> {
        let control = |source| RunDrillError::Control { source };
        let status = client.status().await.map_err(control)?;
        if let Some(underway) = &status.underway {
            let (release, requested_by) = (underway.release.to_string(), underway.requested_by.clone());
            return Err(RunDrillError::UnderWay { release, requested_by });
        }
        let live = status.live.clone().filter(|_| status.serving).ok_or(RunDrillError::NothingLive)?;
        let unhealthy = |reason| RunDrillError::Unhealthy { reason };
        let expectation = Expectation::of(&status, &live).map_err(unhealthy)?;
        let (release, artifact) = subject(client, &live).await?;
        let listening = status.https.ok_or_else(|| unhealthy("the edge has no address".to_owned()))?;
        Ok(Self { status, expectation, release, artifact, address: reachable(listening) })
    }

    /// What the drill is aimed at, or why it cannot be.
    pub(super) fn target(&self, order: &DrillOrder, drill: &Drill) -> Result<Target, RunDrillError> {
        let refuse = |reason: String| RunDrillError::Unsuitable { drill: drill.name, reason };
        let mut aims = Aims {
            instance: None,
            edge: None,
            control: None,
            start_control: start_control(order),
            address: self.address,
            processors: thread::available_parallelism()
                .map_or(1, |count| u32::try_from(count.get()).unwrap_or(1)),
            disk: None,
        };
        let mut victim = None;
        match drill.disturbance {
            Disturbance::KillInstance | Disturbance::FreezeInstance => {
                let pid = self.instance().map_err(refuse)?;
                aims.instance = Some(target(pid, Reach::Group).map_err(refuse)?);
                victim = (drill.disturbance == Disturbance::KillInstance).then_some(Victim::Instance(pid));
            }
            Disturbance::KillEdge => {
                let edge = self.status.edge.as_ref().map(|edge| edge.pid);
                let pid = edge.ok_or_else(|| refuse("no edge runs".to_owned()))?;
                aims.edge = Some(target(i64::from(pid), Reach::Process).map_err(refuse)?);
                victim = Some(Victim::Edge(pid));
            }
            Disturbance::KillControl => {
                if running_binary_digest().is_none_or(|digest| digest != self.status.binary) {
                    return Err(refuse("the control plane runs from another shield binary, and this one would take its place; run `shield up --upgrade` first".to_owned()));
                }
                aims.control = Some(target(i64::from(self.status.pid), Reach::Process).map_err(refuse)?);
                victim = Some(Victim::Control(self.status.pid));
            }
            Disturbance::FillDisk => {
                let named = order.manifest.drill.disk.as_deref().map(Path::new);
                let place = DiskPlace { named, state: order.layout.root(), journals: &order.journals };
                aims.disk = Some(place.check().map_err(refuse)?.to_owned());
            }
            Disturbance::SlowClients | Disturbance::Cpu | Disturbance::Herd { .. } => {}
        }
        Ok(Target { aims, victim })
    }

    /// One of several instances of the live release.
    fn instance(&self) -> Result<i64, String> {
        let own = |it: &&InstanceReport| it.instance.release() == &self.release.id;
        let pids: Vec<i64> = self.status.instances.iter().filter(own).filter_map(|it| it.pid).collect();
        if pids.len() < 2 {
            return Err("one instance carries all traffic, and without it there is an outage and nothing to learn; set `service.instances` to 2 or more and ship".to_owned());
        }
        fastrand::choice(pids).ok_or_else(|| "no instance runs".to_owned())
    }
}

/// What the statement is about.
async fn subject(
    client: &AdminClient,
    live: &ReleaseId,
) -> Result<(ReleaseSubject, ArtifactDigest), RunDrillError> {
    let history = client.history().await.map_err(|source| RunDrillError::Control { source })?;
    let spec = history.into_iter().rev().map(|finished| finished.spec).find(|spec| spec.id == *live);
    let missing = || RunDrillError::Unhealthy { reason: format!("{live} is not in the history") };
    let spec = spec.ok_or_else(missing)?;
    Ok((ReleaseSubject { id: spec.id, digest: spec.digest }, spec.artifact))
}

/// `shield up` for this project. It does nothing where a control plane runs.
fn start_control(order: &DrillOrder) -> Vec<String> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let program = text(&order.guard.program);
    let (project, state) = (text(&order.project), text(order.layout.root()));
    vec![program, "--project".to_owned(), project, "--state".to_owned(), state, "up".to_owned()]
}

fn target(pid: i64, reach: Reach) -> Result<ProcessTarget, String> {
    let process = i32::try_from(pid).ok().and_then(ProcessIdentity::of);
    process.map(|process| ProcessTarget { process, reach }).ok_or_else(|| format!("process {pid} is gone"))
}

/// Where this process connects to what listens there.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listening.port())
}
