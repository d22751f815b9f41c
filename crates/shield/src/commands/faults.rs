//! What `load`, `drill` and `ship` need before they break anything.

use std::{
    env,
    fs::{self, DirBuilder},
    future::poll_fn,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    task::Poll,
};

use rustix::process::getuid;
use shield_load::{GuardProgram, undo_leftovers};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{
    exit::{Exit, Failure},
    output,
};

/// Mode of the directory of undo journals.
const OWNER_ONLY: u32 = 0o700;
/// The bits that let somebody else write.
const OTHERS: u32 = 0o022;

/// This program, as the guard of its faults.
pub(crate) fn guard_program() -> Result<GuardProgram, Failure> {
    let program = env::current_exe().map_err(|error| Failure::unexpected("find this program", &error))?;
    Ok(GuardProgram { program, arguments: vec!["fault-guard".into()] })
}

/// Where undo journals are: one place per user that outlives a reboot, so that every later run finds what an earlier one left.
/// `$XDG_STATE_HOME`, else `~/.local/state`, else the temporary directory.
pub(crate) fn journal_directory() -> PathBuf {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    match state {
        Some(state) => state.join("shield/faults"),
        None => env::temp_dir().join(format!("shield-faults-{}", getuid().as_raw())),
    }
}

/// The same, made where it is missing. A journal says what is removed, signalled and started: it is believed only in a directory
/// that nobody else could have made or written to.
pub(crate) fn journals() -> Result<PathBuf, Failure> {
    let directory = journal_directory();
    let failed = |problem: String, hint: &str| {
        let message = format!("failed to keep undo journals in `{}`: {problem}", directory.display());
        Failure::plain(Exit::NotRecorded, &message, hint)
    };
    if let Err(error) = DirBuilder::new().recursive(true).mode(OWNER_ONLY).create(&directory) {
        return Err(failed(error.to_string(), "set XDG_STATE_HOME to a directory that can be written"));
    }
    let found =
        fs::symlink_metadata(&directory).map_err(|error| failed(error.to_string(), "set XDG_STATE_HOME"))?;
    let ours = found.is_dir() && found.uid() == getuid().as_raw() && found.mode() & OTHERS == 0;
    if ours {
        Ok(directory)
    } else {
        Err(failed("others own it, or may write to it".to_owned(), "remove it, or set XDG_STATE_HOME"))
    }
}

/// What a killed guard left is undone before anything else.
pub(crate) fn undo_what_was_left(journals: &Path) -> Result<(), Failure> {
    let left = undo_leftovers(journals).map_err(|error| {
        Failure::new(Exit::NotRecorded, &error, &["undo it by hand, then remove the journal".to_owned()])
    })?;
    output::load::leftovers(&left);
    Ok(())
}

/// The first Ctrl-C, SIGTERM or SIGHUP: what is under way ends in good order, and what was measured is told.
pub(crate) async fn interrupted() {
    let mut signals: Vec<_> = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
        .into_iter()
        .filter_map(|kind| signal(kind).ok())
        .collect();
    poll_fn(|context| {
        let told = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
        if told { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Becomes true once `told` has ended, for whom an end in good order takes time.
pub(crate) fn watched(told: impl Future<Output = ()> + Send + 'static) -> watch::Receiver<bool> {
    let (tell, hearing) = watch::channel(false);
    tokio::spawn(async move {
        told.await;
        tell.send_replace(true);
        tell.closed().await;
    });
    hearing
}
