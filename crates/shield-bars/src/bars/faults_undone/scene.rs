//! The victims of a round, the load file that is about them, and what is seen on them.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use shield_load::{Schedule, Spacing};
use shield_testkit::quick::{Arrivals, serve_http1};
use shield_testkit::{ProcessGuard, free_port};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::local::{Children, Look, highest_descriptor, soft_limit};
use super::network::{LINES, Line, services};
use super::sight::Sight;
use crate::harness::{Result, SmallDisk, Trouble};

/// Where libfaketime is.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
/// An offset of nothing.
const NO_OFFSET: &str = "+0\n";
/// From one fault to the next, and how much later each may be by its seed, in milliseconds.
const PACE_MS: u64 = 120;
const SPREAD_MS: u64 = 240;
/// Requests per second, whose arrivals show the clock of the run.
const RATE: f64 = 50.0;
/// Faults and load last longer than any round.
const LASTS: Duration = Duration::from_secs(3600);
const DISK_MEGABYTES: u32 = 8;
const MEMORY_BYTES: u64 = 32 << 20;

/// One fault of the file, and what is seen of it.
#[derive(Debug)]
pub(super) struct Victim {
    pub(super) name: &'static str,
    /// Key of the fault's table, and what the table holds.
    table: (&'static str, String),
    pub(super) sight: Arc<Sight>,
    seen: Seen,
}

#[derive(Debug)]
enum Seen {
    Here(Look),
    Behind(Line),
}

/// Everything that a round breaks.
pub(super) struct Scene {
    pub(super) directory: TempDir,
    pub(super) victims: Vec<Victim>,
    pub(super) children: Children,
    target: SocketAddr,
    proxies: Vec<(Line, SocketAddr)>,
    upstreams: (SocketAddr, SocketAddr),
    arrivals: Arrivals,
    /// The services and their clients.
    tasks: JoinSet<()>,
    _processes: Vec<ProcessGuard>,
    _disk: SmallDisk,
}

// === impl Scene ===

impl Scene {
    /// Starts the victims. The seed draws how much of some faults there is.
    pub(super) async fn set(seed: u64) -> Result<Self> {
        let failed = |error| Trouble::caused("set the scene", error);
        let directory = tempfile::tempdir().map_err(failed)?;
        let disk = SmallDisk::mount(DISK_MEGABYTES)?;
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut victims, processes) = local(directory.path(), disk.path(), &mut random)?;
        let (mut tasks, arrivals) = (JoinSet::new(), Arrivals::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let target = listener.local_addr().map_err(failed)?;
        let noted = Arc::clone(&arrivals);
        // It ends with the scene.
        tasks.spawn(async move { drop(serve_http1(listener, Some(noted)).await) });
        let upstreams = services(&mut tasks).await?;
        let mut proxies = Vec::new();
        for line in LINES {
            let (proxy, sight) = (SocketAddr::from(([127, 0, 0, 1], free_port())), Arc::<Sight>::default());
            tasks.spawn(line.watch(proxy, Arc::clone(&sight)));
            proxies.push((*line, proxy));
            let table = (line.key, format!("proxy = \"{}\"{}", line.name, line.values));
            victims.push(Victim { name: line.name, table, sight, seen: Seen::Behind(*line) });
        }
        random.shuffle(&mut victims);
        Ok(Self {
            directory,
            victims,
            children: Children::default(),
            target,
            proxies,
            upstreams,
            arrivals,
            tasks,
            _processes: processes,
            _disk: disk,
        })
    }

    /// The load file: every kind of fault once, in an order drawn from the seed.
    pub(super) fn file(&self, seed: u64) -> String {
        let mut text = format!(
            "name = \"faults\"\ntarget = \"http://{}\"\nseed = {seed}\n\n[open]\narrivals = \"even\"\n\
             phases = [{{ rate = {RATE:?}, for = \"1h\" }}]\n\n[[scenario]]\nname = \"get\"\nstep = [{{ get = \"/\" }}]\n",
            self.target
        );
        for (line, proxy) in &self.proxies {
            let (kind, upstream) =
                if line.dns() { ("dns", self.upstreams.1) } else { ("tcp", self.upstreams.0) };
            text.push_str(&format!(
                "\n[[proxy]]\nname = \"{}\"\nkind = \"{kind}\"\nlisten = \"{proxy}\"\nupstream = \"{upstream}\"\n",
                line.name
            ));
        }
        for (at_ms, victim) in (0..).step_by(PACE_MS as usize).zip(&self.victims) {
            let (key, values) = &victim.table;
            text.push_str(&format!(
                "\n[[fault]]\nname = \"{}\"\nat = \"{at_ms}ms\"\nfor = \"1h\"\nspread = \"{SPREAD_MS}ms\"\n\
                 {key} = {{ {values} }}\n",
                victim.name
            ));
        }
        text
    }

    /// A load that breaks nothing.
    pub(super) fn harmless_file(&self) -> String {
        format!(
            "name = \"next\"\ntarget = \"http://{}\"\n\n[closed]\nusers = 1\niterations = 1\n\n[[scenario]]\nname = \"get\"\n\
             step = [{{ get = \"/\" }}]\n",
            self.target
        )
    }

    pub(super) fn target(&self) -> SocketAddr {
        self.target
    }

    /// When the clock of the run began, in nanoseconds of the monotonic one: the request that arrived soonest after it was
    /// due tells. None before the first.
    pub(super) fn clock_start(&self, seed: u64) -> Option<u64> {
        let mut arrived = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).clone();
        arrived.sort_unstable();
        let due = Schedule::constant(RATE, LASTS, Spacing::Even).arrivals(seed);
        arrived.iter().zip(due).map(|(arrived, due)| arrived - due.as_nanos() as u64).min()
    }

    /// Looks at every victim on this machine; the others are looked at by their clients.
    pub(super) fn look(&self) {
        for victim in &self.victims {
            if let Seen::Here(look) = &victim.seen {
                victim.sight.look(|| look.present(&self.children));
            }
        }
    }

    /// The first victim that is not as it was. The guard must have ended.
    pub(super) fn broken_victim(&self) -> Option<&'static str> {
        let undone = |victim: &&Victim| match &victim.seen {
            Seen::Here(look) => look.undone(&self.children) && self.was_started_anew(victim),
            Seen::Behind(line) => line.looks_like_death() || victim.sight.since().is_none(),
        };
        self.victims.iter().find(|victim| !undone(victim)).map(|victim| victim.name)
    }

    /// Effects that outlive the guard and are there.
    pub(super) fn left(&self) -> usize {
        let outlives = |look: &Look| !matches!(look, Look::Gone(_) | Look::Processor | Look::Memory(_));
        let left = |victim: &&Victim| match &victim.seen {
            Seen::Here(look) => outlives(look) && look.present(&self.children),
            Seen::Behind(_) => false,
        };
        self.victims.iter().filter(left).count()
    }

    /// Whether its successor runs, if it is one that has a successor and was ended.
    fn was_started_anew(&self, victim: &Victim) -> bool {
        victim.name != "restart"
            || victim.sight.since().is_none()
            || self.directory.path().join("restarted").exists()
    }

    /// Ends services and clients.
    pub(super) async fn clear(mut self) {
        self.tasks.shutdown().await;
    }
}

/// Victims on this machine, and their processes.
fn local(
    directory: &Path,
    disk: &Path,
    random: &mut fastrand::Rng,
) -> Result<(Vec<Victim>, Vec<ProcessGuard>)> {
    let offset_file = directory.join("offset");
    fs::write(&offset_file, NO_OFFSET).map_err(|error| Trouble::caused("write an offset", error))?;
    if !Path::new(FAKETIME).exists() {
        return Err(Trouble::new(format!("skew a clock: `{FAKETIME}` is not there (package `libfaketime`)")));
    }
    let mut fake = Command::new("sleep");
    fake.env("LD_PRELOAD", FAKETIME).env("FAKETIME_NO_CACHE", "1");
    fake.env("FAKETIME_TIMESTAMP_FILE", &offset_file);
    let plain = || process(Command::new("sleep"), directory);
    let (frozen, starved, killed, restarted) = (plain()?, plain()?, plain()?, plain()?);
    let skewed = process(fake, directory)?;
    let missing = || Trouble::new("look at a victim: it ended");
    let (spare, seconds) = (random.u64(1..=9), random.i64(-9_999..=-100));
    let before = soft_limit(starved.pid()).ok_or_else(missing)?;
    let few = highest_descriptor(starved.pid()).ok_or_else(missing)? + 1 + spare;
    let command = "command = [\"sh\", \"-c\", \"echo > restarted\"]";
    let shown = disk.display();
    let of = |process: &ProcessGuard, rest: &str| format!("pid = {}{rest}", process.pid());
    let here = |name, values, look| Victim {
        name,
        table: (name, values),
        sight: Arc::default(),
        seen: Seen::Here(look),
    };
    let clock = Look::Clock { file: offset_file, offset: format!("{seconds:+}\n"), before: NO_OFFSET };
    let limit = Look::Descriptors { pid: starved.pid(), few, before };
    let victims = vec![
        here("freeze", of(&frozen, ""), Look::Stopped(frozen.pid())),
        here("kill", of(&killed, ""), Look::Gone(killed.pid())),
        here("restart", of(&restarted, &format!(", {command}")), Look::Gone(restarted.pid())),
        here("descriptors", of(&starved, &format!(", spare = {spare}")), limit),
        here("clock-skew", of(&skewed, &format!(", seconds = {seconds}")), clock),
        here("cpu", "workers = 1, share = \"10%\"".to_owned(), Look::Processor),
        here("memory", format!("size = \"{}MiB\"", MEMORY_BYTES >> 20), Look::Memory(MEMORY_BYTES)),
        here(
            "disk",
            format!("directory = \"{shown}\", filesystem = \"{shown}\", leave = \"0B\""),
            Look::DiskFull(disk.to_owned()),
        ),
    ];
    Ok((victims, vec![frozen, starved, killed, restarted, skewed]))
}

fn process(mut command: Command, directory: &Path) -> Result<ProcessGuard> {
    command.arg("600").current_dir(directory).stdin(Stdio::null()).stdout(Stdio::null());
    let child = command.spawn().map_err(|error| Trouble::caused("start a victim", error))?;
    ProcessGuard::of_child(child).map_err(|error| Trouble::caused("watch a victim", error))
}
