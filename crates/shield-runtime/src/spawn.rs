//! The moment between fork and exec: all `unsafe` code of this crate but one line in `pidfd`.
//!
//! A child of a multi-threaded program may call only async-signal-safe functions until it execs, so everything that
//! allocates happens before the fork ([`Image::new`]) and the rest is a handful of system calls ([`Image::execute`]):
//!
//! - a session of its own: no terminal, no signal meant for the control plane's group;
//! - every signal at its default and none blocked: a `SIGTERM` ignored by whoever started `shield` would otherwise be ignored
//!   by every instance, across the exec;
//! - every descriptor above 2 closed at the exec, also those the control plane itself inherited or holds open for the
//!   edge: an instance that holds a listening socket of the edge would keep the port after the edge is gone;
//! - `execve` on the resolved path, without `execvp`'s fallback to `/bin/sh`.
//!
//! `PR_SET_NO_NEW_PRIVS` is deliberately not set: backends may rightly call setuid helpers (`sendmail`, `ping`, `sudo`
//! rules made for them), and the switch cannot be undone further down. The core and resource limits are inherited.
#![expect(unsafe_code, reason = "pre_exec, execve and signal dispositions have no safe wrapper")]

use std::{
    ffi::{CString, NulError, OsStr, OsString, c_char, c_int, c_uint},
    fs::File,
    io,
    os::unix::{ffi::OsStrExt, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    ptr,
};

/// First descriptor that is not standard input, output or error.
const FIRST_PRIVATE_DESCRIPTOR: c_uint = 3;
/// Descriptors that are closed one by one where `close_range` is missing (kernels before 5.11).
const DESCRIPTORS_MAX: c_int = 65_536;
/// One more than the highest signal number on Linux.
const SIGNALS: c_int = 65;

/// A program with its arguments and environment, in the form the kernel takes.
pub(crate) struct Image {
    program: CString,
    arguments: Vector,
    environment: Vector,
}

/// Strings and the null-terminated array of pointers to them.
struct Vector {
    /// Owns what `pointers` point at; never changed after construction.
    _strings: Vec<CString>,
    pointers: Vec<*const c_char>,
}

// SAFETY: the pointers lead into heap buffers owned by the same value and never written again; moving the value moves
// neither the buffers nor the pointers' meaning, and shared use only reads.
unsafe impl Send for Vector {}
// SAFETY: as above, nothing is written through the pointers.
unsafe impl Sync for Vector {}

// === impl Vector ===

impl Vector {
    fn new(strings: Vec<CString>) -> Self {
        let pointers = strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect();
        Self { _strings: strings, pointers }
    }
}

// === impl Image ===

impl Image {
    /// Everything that allocates; fails on a NUL byte, which no argument can carry.
    pub(crate) fn new<'a>(
        program: &Path,
        arguments: &[String],
        environment: impl Iterator<Item = (&'a OsString, &'a OsString)>,
    ) -> Result<Self, NulError> {
        let arguments = arguments.iter().map(|argument| CString::new(argument.as_bytes()));
        let environment = environment.map(|(name, value)| {
            let mut entry = name.clone();
            entry.push("=");
            entry.push(value);
            CString::new(entry.as_bytes())
        });
        Ok(Self {
            program: CString::new(OsStr::as_bytes(program.as_os_str()))?,
            arguments: Vector::new(arguments.collect::<Result<_, _>>()?),
            environment: Vector::new(environment.collect::<Result<_, _>>()?),
        })
    }

    /// Runs in the forked child; returns only when the program could not be executed.
    fn execute(&self) -> io::Error {
        if let Err(error) = rustix::process::setsid() {
            return error.into();
        }
        reset_signals();
        close_descriptors_at_exec();
        // SAFETY: all three point at null-terminated data that `self` keeps alive; on success nothing of this program is
        // left to be affected.
        unsafe {
            libc::execve(
                self.program.as_ptr(),
                self.arguments.pointers.as_ptr(),
                self.environment.pointers.as_ptr(),
            );
        }
        io::Error::last_os_error()
    }
}

/// Starts `image` in `directory`, with nothing to read and `log` for everything it prints.
///
/// The error is the one of `execve`, sent back by the child before it ends.
pub(crate) fn spawn(image: Image, directory: &Path, log: File) -> io::Result<Child> {
    let errors = log.try_clone()?;
    // The name is never looked up: the closure below executes the image itself.
    let mut command = Command::new("shield-instance");
    command.current_dir(directory).stdin(Stdio::null()).stdout(log).stderr(errors);
    // SAFETY: `execute` only makes async-signal-safe system calls on memory allocated before the fork.
    unsafe { command.pre_exec(move || Err(image.execute())) };
    command.spawn()
}

fn reset_signals() {
    for signal in 1..SIGNALS {
        // SAFETY: `signal` is async-signal-safe. Numbers it refuses with EINVAL stay as they are: SIGKILL and SIGSTOP, which
        // are always at their default, and the two that the C library keeps for itself.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: the set lives on this stack and is initialised by `sigemptyset` before it is read; both calls are
    // async-signal-safe and cannot fail with these arguments. Handlers were reset first, so a signal that was pending does
    // what it does by default and runs no code of the control plane.
    unsafe {
        let mut none = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut());
    }
}

fn close_descriptors_at_exec() {
    // SAFETY: marks descriptors of this child only; it touches no memory. Marking instead of closing keeps the pipe on which
    // the standard library reports a failed exec.
    let marked = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            FIRST_PRIVATE_DESCRIPTOR,
            c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC as c_uint,
        )
    };
    if marked != 0 {
        for descriptor in FIRST_PRIVATE_DESCRIPTOR.cast_signed()..DESCRIPTORS_MAX {
            // SAFETY: fails with EBADF on descriptors that are not open, and touches no memory.
            unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
}
