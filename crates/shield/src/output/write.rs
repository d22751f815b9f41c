//! Lines on stdout and stderr.
//!
//! A reader that went away (`shield status | head -1`) ends nothing: what a command promised to do goes on. Any other failure to
//! print on stdout is remembered, since a result that nobody got must not look like success. A failure to print on stderr
//! is dropped: there is nobody left to tell it to.

use std::{
    fmt,
    io::{self, Write},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

static LOST: OnceLock<io::Error> = OnceLock::new();
static ABANDONED: AtomicBool = AtomicBool::new(false);

/// One line on stdout.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::write::to_stdout(format_args!("{}\n", format_args!($($text)*))) };
}

/// One line on stderr.
macro_rules! tell {
    ($($text:tt)*) => { $crate::output::write::to_stderr(format_args!("{}\n", format_args!($($text)*))) };
}

pub(crate) use {say, tell};

/// Text on stdout.
pub(crate) fn to_stdout(text: fmt::Arguments<'_>) {
    let mut stdout = anstream::stdout();
    remember(stdout.write_fmt(text).and_then(|()| stdout.flush()));
}

/// Text on stderr.
pub(crate) fn to_stderr(text: fmt::Arguments<'_>) {
    let mut stderr = anstream::stderr();
    // See above: nobody is left to tell it to.
    let _ = stderr.write_fmt(text).and_then(|()| stderr.flush());
}

/// Why a part of the result was not printed, if one was not.
pub(crate) fn lost() -> Option<&'static io::Error> {
    LOST.get()
}

/// True when nobody reads stdout any more.
pub(crate) fn abandoned() -> bool {
    ABANDONED.load(Ordering::Relaxed)
}

fn remember(written: io::Result<()>) {
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ABANDONED.store(true, Ordering::Relaxed),
        // The first failure is the one to tell.
        Err(error) => drop(LOST.set(error)),
    }
}
