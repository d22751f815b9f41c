//! Log files of instances: kept small while their writer keeps running, and read from the end.
//!
//! An instance holds its log open for appending and is never told about rotation, so the file is copied and then cut to
//! nothing; the next line lands at the new end. What is printed between the last read of the copy and the cut, some
//! microseconds, is lost. If the copy fails (disk full), the log is left as it was.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// How much of the end of a log is looked at.
const TAIL_BYTES_MAX: u64 = 64 * 1024;
/// Longest line that is shown, in characters.
const LINE_CHARS_MAX: usize = 2_000;

/// Moves the content of `path` to `path.1`, older copies up to `path.<keep>`, when it holds more than `bytes_max`. Of a log
/// that grew far beyond that since the last look, the last `bytes_max` bytes are kept.
///
/// Returns whether it did. A log that does not exist is small. With `keep` 0 the content is dropped.
pub fn rotate_if_larger(path: &Path, bytes_max: u64, keep: u32) -> io::Result<bool> {
    let mut log = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(log) => log,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if log.metadata()?.len() <= bytes_max {
        return Ok(false);
    }
    if keep > 0 {
        let copy = with_suffix(path, "rotating");
        copy_end(&mut log, bytes_max, &copy).inspect_err(|_| {
            // A partial copy on a full disk only makes it fuller; the error that matters is the copy's.
            let _ = fs::remove_file(&copy);
        })?;
        shift(path, keep)?;
        fs::rename(&copy, numbered(path, 1))?;
    }
    log.set_len(0)?;
    Ok(true)
}

/// The last `lines` lines of `path`, at most 64 KiB of them; none when the file cannot be read.
pub fn tail(path: &Path, lines: usize) -> Vec<String> {
    let text = read_end(path).unwrap_or_default();
    let mut last: Vec<String> =
        text.lines().rev().take(lines).map(|line| line.chars().take(LINE_CHARS_MAX).collect()).collect();
    last.reverse();
    last
}

fn read_end(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(TAIL_BYTES_MAX);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES_MAX).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // The first line is cut somewhere in its middle, unless it is all there is.
    Ok(match text.split_once('\n') {
        Some((_, whole)) if start > 0 => whole.to_owned(),
        _ => text,
    })
}

/// Copies the last `bytes_max` bytes that are there now, and at most as many that are printed meanwhile: a writer that is
/// faster than this must not fill the disk.
fn copy_end(log: &mut File, bytes_max: u64, copy: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut copy = options.write(true).create(true).truncate(true).mode(0o600).open(copy)?;
    let length = log.metadata()?.len();
    log.seek(SeekFrom::Start(length.saturating_sub(bytes_max)))?;
    io::copy(&mut (&*log).take(bytes_max.min(length)), &mut copy)?;
    // What was printed meanwhile.
    io::copy(&mut log.take(bytes_max), &mut copy).map(drop)
}

/// Makes room for a new first copy; the oldest one is overwritten.
fn shift(path: &Path, keep: u32) -> io::Result<()> {
    for number in (1..keep).rev() {
        match fs::rename(numbered(path, number), numbered(path, number + 1)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    with_suffix(path, &number.to_string())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn writer_continues_after_rotation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut writer = OpenOptions::new().append(true).create(true).open(&path).unwrap();
        for round in 0..4 {
            writeln!(writer, "\nround {round}").unwrap();
            assert!(!rotate_if_larger(&path, 9, 2).unwrap());
            assert!(rotate_if_larger(&path, 8, 2).unwrap());
        }
        writeln!(writer, "now").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "now\n");
        assert_eq!(tail(&numbered(&path, 1), 9), ["round 3"]);
        assert_eq!(tail(&numbered(&path, 2), 9), ["round 2"]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn keeps_the_end_of_a_flood() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "old\n".repeat(100_000) + "new\n").unwrap();
        assert!(rotate_if_larger(&path, 8, 1).unwrap());
        assert_eq!(fs::read_to_string(numbered(&path, 1)).unwrap(), "old\nnew\n");
    }

    #[test]
    fn absent_log_is_small() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!rotate_if_larger(&folder.path().join("log"), 0, 1).unwrap());
        assert!(tail(&folder.path().join("log"), 5).is_empty());
    }

    #[test]
    fn tail_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "0123456789abcde\n".repeat(10_000)).unwrap();
        assert_eq!(tail(&path, 3), ["0123456789abcde"; 3]);
        assert_eq!(tail(&path, usize::MAX).len(), 4_095);
        fs::write(&path, "x".repeat(200_000)).unwrap();
        assert_eq!(tail(&path, 3), ["x".repeat(LINE_CHARS_MAX)]);
        fs::write(&path, b"bad \xff\nlast").unwrap();
        assert_eq!(tail(&path, 3), ["bad \u{fffd}", "last"]);
    }
}
