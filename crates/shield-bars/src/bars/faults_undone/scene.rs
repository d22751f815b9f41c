//! The victims of a round, and whether anything is still wrong with them.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use shield_load::{
    Direction, DiskAmount, Fault, FaultPlan, NetworkFault, PlannedFault, PlannedProxy, ProcessIdentity,
    ProcessTarget, ProxyKind,
};
use shield_testkit::ProcessGuard;
use shield_types::settings::Ratio;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::harness::{Result, Trouble};

/// Where libfaketime may be; without it, clocks are not skewed.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
/// An offset of nothing.
const NO_OFFSET: &str = "+0\n";
/// From one fault to the next, and how much later each may be by its seed.
const PACE: Duration = Duration::from_millis(100);
/// Faults last longer than any round.
const LASTS: Duration = Duration::from_secs(3600);
/// A network that is as it should be echoes within this; a disturbed one takes far longer.
const ECHO_MAX: Duration = Duration::from_millis(500);
const DELAY: Duration = Duration::from_secs(30);

/// Real processes, a real directory, a real service.
pub(super) struct Scene {
    directory: TempDir,
    frozen: ProcessGuard,
    starved: ProcessGuard,
    limit: String,
    killed: ProcessGuard,
    restarted: ProcessGuard,
    skewed: Option<ProcessGuard>,
    upstream: SocketAddr,
    echo: JoinHandle<()>,
}

// === impl Scene ===

impl Scene {
    pub(super) async fn set() -> Result<Self> {
        let failed = |what: &str, error| Trouble::caused(what.to_owned(), error);
        let directory = tempfile::tempdir().map_err(|error| failed("make a directory", error))?;
        let path = directory.path();
        for name in ["disk", "journals"] {
            fs::create_dir(path.join(name)).map_err(|error| failed("make a directory", error))?;
        }
        fs::write(path.join("offset"), NO_OFFSET).map_err(|error| failed("write an offset", error))?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| failed("listen", error))?;
        let upstream = listener.local_addr().map_err(|error| failed("listen", error))?;
        let starved = victim(Command::new("sleep"), path)?;
        let mut fake = Command::new("sleep");
        fake.env("LD_PRELOAD", FAKETIME).env("FAKETIME_NO_CACHE", "1");
        fake.env("FAKETIME_TIMESTAMP_FILE", path.join("offset"));
        Ok(Self {
            frozen: victim(Command::new("sleep"), path)?,
            limit: limit(starved.pid()),
            starved,
            killed: victim(Command::new("sleep"), path)?,
            restarted: victim(Command::new("sleep"), path)?,
            skewed: Path::new(FAKETIME).exists().then(|| victim(fake, path)).transpose()?,
            upstream,
            echo: tokio::spawn(echo(listener)),
            directory,
        })
    }

    pub(super) fn journals(&self) -> PathBuf {
        self.directory.path().join("journals")
    }

    /// Every kind of fault once, in an order drawn from the seed.
    pub(super) fn plan(&self, seed: u64) -> Result<FaultPlan> {
        let disk = self.directory.path().join("disk");
        let command = ["sh", "-c", "echo > restarted"].map(str::to_owned).to_vec();
        let (delay, jitter, direction, share) = (DELAY, Duration::ZERO, Direction::Both, Ratio::ONE);
        let mut faults = vec![
            ("freeze", Fault::Freeze { targets: target(&self.frozen)? }),
            ("descriptors", Fault::Descriptors { targets: target(&self.starved)?, spare: 1..=9 }),
            ("kill", Fault::Kill { targets: target(&self.killed)? }),
            ("restart", Fault::Restart { targets: target(&self.restarted)?, command }),
            ("cpu", Fault::Cpu { workers: 1, nice: 19, share_percent: 5..=30 }),
            ("memory", Fault::Memory { bytes: 16 << 20..=64 << 20, share_max_percent: 10 }),
            (
                "disk",
                Fault::Disk {
                    filesystem: filesystem(&disk),
                    directory: disk,
                    amount: DiskAmount::Take(64 << 20),
                },
            ),
            (
                "network",
                Fault::Network {
                    proxies: vec!["service".to_owned()],
                    fault: NetworkFault::Latency { delay, jitter, direction, share },
                },
            ),
        ];
        if let Some(skewed) = &self.skewed {
            faults.push(("clock", Fault::ClockSkew { targets: target(skewed)?, seconds: -9999..=9999 }));
        }
        fastrand::Rng::with_seed(seed).shuffle(&mut faults);
        let planned = |(index, (name, fault)): (u32, (&str, Fault))| PlannedFault {
            name: name.to_owned(),
            at: PACE * index,
            lasts: LASTS,
            spread: PACE * 2,
            fault,
            found_by: None,
        };
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let proxies = vec![PlannedProxy {
            name: "service".to_owned(),
            kind: ProxyKind::Tcp,
            listen,
            upstream: self.upstream,
        }];
        Ok(FaultPlan { seed, proxies, faults: (0..).zip(faults).map(planned).collect() })
    }

    /// What is still in effect, in words; `begun` are the faults that began.
    pub(super) async fn wrong(&self, begun: &[String], proxy: SocketAddr) -> Option<&'static str> {
        let path = self.directory.path();
        let lines = fs::read_to_string(format!("/proc/{}/stat", self.frozen.pid())).unwrap_or_default();
        let began = |name: &str| begun.iter().any(|begun| begun == name);
        if !lines.contains(") S ") {
            Some("the frozen process does not run")
        } else if limit(self.starved.pid()) != self.limit {
            Some("the limit is still low")
        } else if fs::read_dir(path.join("disk")).map_or(0, Iterator::count) > 0 {
            Some("the disk is still filled")
        } else if fs::read_to_string(path.join("offset")).unwrap_or_default() != NO_OFFSET {
            Some("the clock is still off")
        } else if began("restart") && !path.join("restarted").exists() {
            Some("the restarted process was not started")
        } else if !undisturbed(proxy).await {
            Some("the network is still slow")
        } else {
            None
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.echo.abort();
    }
}

fn victim(mut command: Command, directory: &Path) -> Result<ProcessGuard> {
    command.arg("600").current_dir(directory).stdout(Stdio::null());
    let child = command.spawn().map_err(|error| Trouble::caused("start a victim", error))?;
    ProcessGuard::of_child(child).map_err(|error| Trouble::caused("watch a victim", error))
}

fn target(process: &ProcessGuard) -> Result<Vec<ProcessTarget>> {
    let identity = ProcessIdentity::of(process.pid().cast_signed());
    let identity = identity.ok_or_else(|| Trouble::new("identify a victim: it ended"))?;
    Ok(vec![ProcessTarget::process(identity)])
}

/// The line about open files.
fn limit(pid: u32) -> String {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
    limits.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default().to_owned()
}

/// The mount point of the filesystem of `path`.
fn filesystem(path: &Path) -> PathBuf {
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
    let own = device(path);
    path.ancestors().take_while(|above| device(above) == own).last().unwrap_or(path).to_owned()
}

/// Whether the service answers at once through the proxy, or the proxy is gone.
async fn undisturbed(proxy: SocketAddr) -> bool {
    let echoed = timeout(ECHO_MAX, async {
        let mut stream = TcpStream::connect(proxy).await?;
        stream.write_all(b"?").await?;
        stream.read_u8().await
    });
    match echoed.await {
        Ok(Ok(byte)) => byte == b'?',
        Ok(Err(error)) => error.kind() == ErrorKind::ConnectionRefused,
        Err(_) => false,
    }
}

async fn echo(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let (mut reader, mut writer) = stream.split();
            // A client that goes away ends it.
            drop(tokio::io::copy(&mut reader, &mut writer).await);
        });
    }
}
