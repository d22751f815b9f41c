//! `through`, `[[proxy]]` and `[[fault]]`: what is to break meanwhile.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use shield_types::format_duration;
use shield_types::settings::{Ratio, Refusal, Setting, Table};

use crate::fault::plan::model::{Fault, PlannedFault, ProxyKind};
use crate::fault::process::finder::TargetFinder;
use crate::fault::process::identity::Reach;
use crate::scenario::faults::{FaultSection, FaultsSection, ProxySection};
use crate::scenario::file::FileModel;
use crate::scenario::read::limits::{FAULTS_MAX, NAME_BYTES_MAX, PROXIES_MAX, RUN_MAX};
use crate::scenario::read::names::Certainty;
use crate::scenario::read::target::Connecting;
use crate::scenario::read::{machine_faults, network_faults, process_faults};

const SHORTEST: Duration = Duration::from_millis(1);
/// Smallest share that hits anything.
const SMALLEST: Ratio = Ratio::from_millionths(1);
const PROXY: &str = "the name of a [[proxy]]";
const ONE_KIND: &str = "exactly one of `latency`, `bandwidth`, `reset`, `blackhole`, `half-open`, `slow-close`, `loss`, \
                        `refuse`, `http-status`, `expired-certificate`, `dns`, `kill`, `freeze`, `restart`, `descriptors`, \
                        `clock-skew`, `cpu`, `memory`, `disk`";

/// What a fault does, and to whom.
pub(crate) type Meant = (Fault, Option<(TargetFinder, Reach)>);
/// Reads the table of one kind of fault, which may be absent. None is a mistake, or its absence.
type ReadKind = fn(&Table<'_>, &Scene<'_>) -> Option<Meant>;

const KINDS: [(&str, ReadKind); 19] = [
    ("latency", network_faults::latency),
    ("bandwidth", network_faults::bandwidth),
    ("reset", network_faults::reset),
    ("blackhole", network_faults::blackhole),
    ("half-open", network_faults::half_open),
    ("slow-close", network_faults::slow_close),
    ("loss", network_faults::loss),
    ("refuse", network_faults::refuse),
    ("http-status", network_faults::http_status),
    ("expired-certificate", network_faults::expired_certificate),
    ("dns", network_faults::dns),
    ("kill", process_faults::kill),
    ("freeze", process_faults::freeze),
    ("restart", process_faults::restart),
    ("descriptors", process_faults::descriptors),
    ("clock-skew", process_faults::clock_skew),
    ("cpu", machine_faults::cpu),
    ("memory", machine_faults::memory),
    ("disk", machine_faults::disk),
];

/// What faults may refer to.
pub(crate) struct Scene<'a> {
    /// Every proxy with a name and what it carries.
    proxies: Vec<(String, ProxyKind)>,
    /// Whether there is no other name.
    certainty: Certainty,
    /// Where the load file is.
    pub(crate) directory: &'a Path,
    /// Name or address of the target; none if that is a mistake.
    pub(crate) host: Option<String>,
    /// How long the load lasts; none if its model does not say, or is a mistake.
    lasts: Option<Duration>,
}

/// The outer `None` is a mistake, the inner one a run without faults.
pub(crate) fn read(
    root: &Table<'_>,
    connecting: Option<&Connecting>,
    model: Option<&FileModel>,
    directory: &Path,
) -> Option<Option<FaultsSection>> {
    let proxy_tables = root.tables("proxy");
    let fault_tables = root.tables("fault");
    for (tables, most) in [(&proxy_tables, PROXIES_MAX), (&fault_tables, FAULTS_MAX)] {
        if let Some(extra) = tables.get(most) {
            extra.mistaken(Refusal::new("one too many", format!("at most {most}")));
        }
    }
    let host = connecting.map(|connecting| host_of(&connecting.target.authority).to_owned());
    let certainty = Certainty::Complete;
    let lasts = model.and_then(FileModel::lasts);
    let mut scene = Scene { proxies: Vec::new(), certainty, directory, host, lasts };
    let proxies: Vec<_> = proxy_tables.iter().map(|table| proxy(table, &mut scene)).collect();
    if scene.proxies.len() < proxies.len() {
        scene.certainty = Certainty::Guessed;
    }
    let through = root.string("through", NAME_BYTES_MAX, PROXY);
    let through = through.and_then(|name| scene.proxy(name, ProxyKind::Tcp)).optional().take();
    let mut names = Vec::new();
    let faults: Vec<_> = fault_tables.iter().map(|table| fault(table, &scene, &mut names)).collect();
    let section = FaultsSection {
        through: through?,
        proxies: proxies.into_iter().collect::<Option<_>>()?,
        faults: faults.into_iter().collect::<Option<_>>()?,
    };
    Some((!section.proxies.is_empty() || !section.faults.is_empty()).then_some(section))
}

fn proxy(table: &Table<'_>, scene: &mut Scene<'_>) -> Option<ProxySection> {
    let name = table.string("name", NAME_BYTES_MAX, "a name for faults, such as `slow-line`");
    let name =
        name.and_then(|name| unused(name, |name| scene.proxies.iter().any(|(other, _)| other == name)));
    let kinds = [("tcp", ProxyKind::Tcp), ("dns", ProxyKind::Dns)];
    let kind = table.enumeration("kind", &kinds).or(ProxyKind::Tcp);
    let listen = table.socket_address("listen").or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let upstream = table.socket_address("upstream").optional();
    if let (Some(ProxyKind::Dns), Some(None)) = (kind.value(), upstream.value()) {
        table.missing("upstream", "the address of a DNS server: the target is none");
    }
    let (name, kind) = (name.required().take(), kind.take());
    scene.proxies.extend(name.clone().map(|name| (name, kind.unwrap_or_default())));
    Some(ProxySection { name: name?, kind: kind?, listen: listen.take()?, upstream: upstream.take()? })
}

fn fault(table: &Table<'_>, scene: &Scene<'_>, names: &mut Vec<String>) -> Option<FaultSection> {
    let name = table.string("name", NAME_BYTES_MAX, "a short name, each one once");
    let name = name.and_then(|name| unused(name, |name| names.iter().any(|other| other == name)));
    let name = name.required().take();
    names.extend(name.clone());
    let at = table.duration("at", Duration::ZERO..=RUN_MAX).and_then(|at| scene.within_run(at)).required();
    let lasts = table.duration("for", SHORTEST..=RUN_MAX).required();
    let spread = table.duration("spread", Duration::ZERO..=RUN_MAX).or(Duration::ZERO);
    let meant = meant(table, scene);
    let (at, lasts, spread) = (at.take(), lasts.take(), spread.take());
    let (fault, aim) = meant?;
    Some(FaultSection {
        planned: PlannedFault { name: name?, at: at?, lasts: lasts?, spread: spread?, fault, found_by: None },
        aim,
    })
}

fn meant(table: &Table<'_>, scene: &Scene<'_>) -> Option<Meant> {
    let mut given = Vec::new();
    for (key, read) in KINDS {
        let kind = table.table(key);
        let meant = read(&kind, scene);
        if kind.present() {
            given.push((kind, meant));
        }
    }
    if let [_, second, ..] = given.as_slice() {
        second.0.mistaken(Refusal::new("given beside another kind of fault", ONE_KIND));
    }
    match given.pop() {
        Some((_, meant)) => meant,
        None => {
            table.missing("latency", ONE_KIND);
            None
        }
    }
}

fn unused(name: String, used: impl Fn(&str) -> bool) -> Result<String, Refusal> {
    match used(&name) {
        true => Err(Refusal::new("the name of another one", "a name of its own")),
        false => Ok(name),
    }
}

/// Without its port and the brackets of an IPv6 address.
fn host_of(authority: &str) -> &str {
    if let Some((address, _)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address;
    }
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

/// A setting that its table must have, where there is that table.
pub(crate) fn needed<'r, T>(table: &Table<'r>, setting: Setting<'r, T>) -> Setting<'r, T> {
    if table.present() { setting.required() } else { setting }
}

/// `share` of the tables that have one.
pub(crate) fn share<'r>(table: &Table<'r>) -> Setting<'r, Ratio> {
    table.ratio("share", SMALLEST..=Ratio::ONE).or(Ratio::ONE)
}

// === impl Scene ===

impl Scene<'_> {
    /// A fault after the end of the load would break nothing that anybody looks at.
    fn within_run(&self, at: Duration) -> Result<Duration, Refusal> {
        match self.lasts {
            Some(lasts) if at >= lasts => {
                let accepted = format!("less than the `{}` of the run", format_duration(lasts));
                Err(Refusal::new("after the end of the run", accepted))
            }
            _ => Ok(at),
        }
    }

    /// The name of a proxy that carries `kind`.
    fn proxy(&self, name: String, kind: ProxyKind) -> Result<String, Refusal> {
        let fits: Vec<String> = self
            .proxies
            .iter()
            .filter(|(_, other)| *other == kind)
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let accepted = match fits.is_empty() {
            true => format!("the name of a [[proxy]] with `kind = \"{kind}\"`"),
            false => format!("one of {}", fits.join(", ")),
        };
        match self.proxies.iter().find(|(other, _)| *other == name) {
            Some((_, carried)) if *carried == kind => Ok(name),
            Some((_, carried)) => Err(Refusal::new(format!("a proxy for {carried}"), accepted)),
            None if self.certainty == Certainty::Guessed => Ok(name),
            None => Err(Refusal::new("no [[proxy]] has this name", accepted)),
        }
    }

    /// `proxy` of a fault's table: as a plan wants it, a list to draw from.
    pub(crate) fn proxies_of<'r>(&self, table: &Table<'r>, kind: ProxyKind) -> Setting<'r, Vec<String>> {
        let name = table.string("proxy", NAME_BYTES_MAX, PROXY);
        needed(table, name.and_then(|name| Ok(vec![self.proxy(name, kind)?])))
    }
}
