//! Children of the guard that keep the processor busy or hold memory.
//!
//! They end with the guard whatever ends it: the kernel kills them with their parent, and they end by themselves when the
//! guard's socket closes. A child is started when the fault is prepared and waits, so that the fault begins at once.

use std::fs;
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, getppid, set_parent_process_death_signal, setpriority_process};

use crate::fault::guard::role::{GuardProgram, Role};
use crate::fault::process::procfs;

/// A busy thread is busy for a share of this.
const PERIOD: Duration = Duration::from_millis(50);
/// Memory is taken in pieces of this size.
const PIECE_BYTES: usize = 64 << 20;
/// A byte is written into every page.
const PAGE_BYTES: usize = 4096;
/// How long a child may take to start, and to begin.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// What a child says when it is ready, and when it has begun.
const SIGN: u8 = b'.';

/// A child that waits for its fault to begin, or is at it.
#[derive(Debug)]
pub(crate) struct StressChild {
    child: Child,
    socket: UnixStream,
}

/// No memory was taken, no processor kept busy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StressError {
    #[error(
        "take {bytes} bytes of memory: more than {share_max_percent} % of the {available} that are available"
    )]
    TooMuchMemory { bytes: u64, share_max_percent: u8, available: u64 },
    #[error("read how much memory is available")]
    MemoryUnreadable,
    #[error("start a process that causes pressure")]
    Start(#[source] io::Error),
    #[error("hear from the process that causes pressure")]
    Silent(#[source] io::Error),
    #[error("end the process that causes pressure")]
    End(#[source] io::Error),
}

/// Refuses to take more than a share of the memory that is available now.
pub(crate) fn demand_memory(bytes: u64, share_max_percent: u8) -> Result<(), StressError> {
    let available = procfs::available_memory().ok_or(StressError::MemoryUnreadable)?;
    let allowed = u128::from(available) * u128::from(share_max_percent) / 100;
    if u128::from(bytes) > allowed {
        return Err(StressError::TooMuchMemory { bytes, share_max_percent, available });
    }
    Ok(())
}

// === impl StressChild ===

impl StressChild {
    /// Starts it and waits until it is ready. Must be called by a thread that lives as long as the guard: the kernel counts
    /// the end of that thread as the end of the parent.
    pub(crate) fn prepare(program: &GuardProgram, role: &Role) -> Result<Self, StressError> {
        let (child, socket) = program.start(role, None).map_err(StressError::Start)?;
        let mut started = Self { child, socket };
        started.socket.set_read_timeout(Some(ANSWER_LIMIT)).map_err(StressError::Start)?;
        started.hear()?;
        Ok(started)
    }

    /// Returns once it is at work.
    pub(crate) fn begin(&mut self) -> Result<(), StressError> {
        self.socket.write_all(&[SIGN]).map_err(StressError::Silent)?;
        self.hear()
    }

    /// Ends it; what it held is free when this returns.
    pub(crate) fn end(&mut self) -> Result<(), StressError> {
        self.child.kill().and_then(|()| self.child.wait()).map(drop).map_err(StressError::End)
    }

    fn hear(&mut self) -> Result<(), StressError> {
        self.socket.read_exact(&mut [0]).map_err(StressError::Silent)
    }
}

impl Drop for StressChild {
    fn drop(&mut self) {
        // It was ended before, unless its fault never began; nobody is left to tell about a failure.
        drop(self.end());
    }
}

/// The life of a child. `socket` leads to the guard, whose pid is `guard`.
pub(crate) fn live(role: &Role, guard: u32, mut socket: UnixStream) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The guard may have died before the line above.
    if getppid().map(|parent| parent.as_raw_nonzero().get().cast_unsigned()) != Some(guard) {
        return Ok(());
    }
    // If memory runs out after all, this is what should die. Not to be able to say so is no reason not to start.
    drop(fs::write("/proc/self/oom_score_adj", "1000"));
    socket.write_all(&[SIGN])?;
    if socket.read(&mut [0])? == 0 {
        return Ok(());
    }
    match role {
        Role::Cpu { workers, nice, share_percent, .. } => {
            for _ in 0..*workers {
                let (nice, share) = (*nice, f64::from(*share_percent) / 100.0);
                thread::Builder::new().name("busy".to_owned()).spawn(move || keep_busy(nice, share))?;
            }
            socket.write_all(&[SIGN])?;
        }
        Role::Memory { bytes, .. } => {
            socket.write_all(&[SIGN])?;
            let bytes = *bytes;
            thread::Builder::new().name("memory".to_owned()).spawn(move || hold(bytes))?;
        }
        Role::Guard { .. } => {}
    }
    // Until the guard ends, or ends this.
    socket.read(&mut [0]).map(drop)
}

fn keep_busy(nice: i32, share: f64) {
    // On Linux the nice value belongs to the thread. Without the privilege for a negative one it stays as it is.
    let _ = setpriority_process(None, nice);
    loop {
        let began = Instant::now();
        let mut rounds: u64 = 0;
        while began.elapsed() < PERIOD.mul_f64(share) {
            rounds = black_box(rounds.wrapping_add(1));
        }
        thread::sleep(PERIOD.saturating_sub(began.elapsed()));
    }
}

fn hold(bytes: u64) {
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    let mut missing = bytes;
    while missing > 0 {
        let piece_bytes = usize::try_from(missing).map_or(PIECE_BYTES, |missing| missing.min(PIECE_BYTES));
        let mut piece = vec![0; piece_bytes];
        piece.iter_mut().step_by(PAGE_BYTES).for_each(|byte| *byte = 1);
        missing -= piece_bytes as u64;
        pieces.push(black_box(piece));
    }
    loop {
        thread::park();
        black_box(&pieces);
    }
}
