//! The files that security events lie in: appended to, readable by their owner only, set aside when they are full.
//!
//! Two processes may append to one file (a release beside its predecessor): lines stay whole. Before each batch it is looked at
//! whether the path still names the file that is open: where somebody moved or removed it, it is made anew, and the next batch is where
//! the operator looks for it. After a write that failed, or a crash, the file may end in the middle of a line: what comes next
//! begins on a line of its own, so that one line is lost and not two.

use std::{
    fs::Metadata,
    io::{self, SeekFrom},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use shield_guard::event::Room;
use tokio::{
    fs::{self, File, OpenOptions},
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
};

/// Who may read the file.
const MODE: u32 = 0o600;

/// Where events lie.
#[derive(Clone, Debug)]
pub struct EventFile {
    /// The file that is written to; full ones are beside it as `NAME.1` (the newest), `NAME.2`, …
    pub path: PathBuf,
    /// When a file is full, give or take a batch.
    pub bytes_max: u64,
    /// How many full ones are kept: at least 1.
    pub kept_max: u32,
}

/// A file that is open.
pub(super) struct OpenFile {
    pub(super) place: EventFile,
    file: File,
    /// Device and inode, which tell it apart from a later one of the same name.
    identity: (u64, u64),
    bytes: u64,
    /// The file may not end with a line's end: how it ends is read before the next line.
    torn: bool,
}

// === impl EventFile ===

impl EventFile {
    /// Four times 32 MiB at `path`.
    pub fn at(path: PathBuf) -> Self {
        Self { path, bytes_max: 32 * 1024 * 1024, kept_max: 3 }
    }

    /// Where the events of a room lie: those of accounts here, those of anybody beside it, as in `events.anybody.jsonl`.
    pub fn of(&self, room: Room) -> Self {
        let path = match room {
            Room::Accounts => self.path.clone(),
            Room::Anybody => beside(&self.path, room.label()),
        };
        Self { path, ..*self }
    }

    pub(super) fn kept(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

fn beside(path: &Path, word: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(".");
    name.push(word);
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

// === impl OpenFile ===

impl OpenFile {
    pub(super) async fn at(place: EventFile) -> io::Result<Self> {
        let file = append(&place.path).await?;
        let metadata = file.metadata().await?;
        Ok(Self { identity: identity(&metadata), bytes: metadata.len(), torn: true, place, file })
    }

    /// Appends whole lines.
    pub(super) async fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.look().await?;
        if self.bytes >= self.place.bytes_max {
            self.rotate().await?;
        }
        let torn = self.torn && self.bytes > 0 && last_byte(&self.place.path).await? != b'\n';
        let ended = if torn { [b"\n", lines].concat() } else { lines.to_vec() };
        self.torn = true;
        self.file.write_all(&ended).await?;
        self.file.flush().await?;
        self.torn = false;
        Ok(())
    }

    /// Learns how long the file is by now, and opens the path anew where it does not name this file any more.
    async fn look(&mut self) -> io::Result<()> {
        match fs::metadata(&self.place.path).await {
            Ok(metadata) if identity(&metadata) == self.identity => self.bytes = metadata.len(),
            Ok(_) => self.reopen("another file has its name").await?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.reopen("it is gone").await?,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn reopen(&mut self, why: &str) -> io::Result<()> {
        let path = self.place.path.display();
        tracing::warn!(%path, why, "the file of security events is opened anew");
        *self = Self::at(self.place.clone()).await?;
        Ok(())
    }

    /// Sets the full file aside. One that is missing (the operator took it away) leaves a gap, no error.
    async fn rotate(&mut self) -> io::Result<()> {
        let places = (1..=self.place.kept_max).rev();
        for number in places {
            let from = if number == 1 { self.place.path.clone() } else { self.place.kept(number - 1) };
            match fs::rename(&from, self.place.kept(number)).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        *self = Self::at(self.place.clone()).await?;
        Ok(())
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

async fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(MODE).open(path).await
}

async fn last_byte(path: &Path) -> io::Result<u8> {
    let mut file = File::open(path).await?;
    file.seek(SeekFrom::End(-1)).await?;
    file.read_u8().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::ScratchDirectory;

    #[test]
    fn rooms_have_files_beside_each_other() {
        let of = |path: &str| EventFile::at(path.into()).of(Room::Anybody).path;
        assert_eq!(of("a/events.jsonl"), Path::new("a/events.anybody.jsonl"));
        assert_eq!(of("a.b/events"), Path::new("a.b/events.anybody"));
        assert_eq!(EventFile::at("a/b.c".into()).of(Room::Accounts).path, Path::new("a/b.c"));
    }

    #[tokio::test]
    async fn a_crash_costs_one_line() {
        let directory = ScratchDirectory::new();
        let path = directory.path().join("events.jsonl");
        std::fs::write(&path, "one\ntw").unwrap();
        for line in ["three\n", "four\n"] {
            OpenFile::at(EventFile::at(path.clone())).await.unwrap().write(line.as_bytes()).await.unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntw\nthree\nfour\n");
    }

    #[tokio::test]
    async fn a_failed_write_costs_its_own_lines_only() {
        let directory = ScratchDirectory::new();
        let path = directory.path().join("events.jsonl");
        let mut open = OpenFile::at(EventFile::at(path.clone())).await.unwrap();
        open.write(b"one\n").await.unwrap();
        // A disk that is full in the middle of a line.
        std::fs::write(&path, "one\ntw").unwrap();
        open.file = OpenOptions::new().append(true).open("/dev/full").await.unwrap();
        open.write(b"two\n").await.unwrap_err();
        open.file = append(&path).await.unwrap();
        open.write(b"three\n").await.unwrap();
        open.write(b"four\n").await.unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntw\nthree\nfour\n");
    }

    #[tokio::test]
    async fn a_write_that_left_nothing_leaves_no_empty_line() {
        let directory = ScratchDirectory::new();
        let path = directory.path().join("events.jsonl");
        let mut open = OpenFile::at(EventFile::at(path.clone())).await.unwrap();
        open.write(b"one\n").await.unwrap();
        open.file = OpenOptions::new().append(true).open("/dev/full").await.unwrap();
        open.write(b"two\n").await.unwrap_err();
        open.file = append(&path).await.unwrap();
        open.write(b"three\n").await.unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\nthree\n");
    }

    #[tokio::test]
    async fn a_moved_or_removed_file_is_made_anew() {
        let directory = ScratchDirectory::new();
        let [path, moved] = ["events.jsonl", "moved"].map(|name| directory.path().join(name));
        let mut open = OpenFile::at(EventFile::at(path.clone())).await.unwrap();
        open.write(b"one\n").await.unwrap();
        std::fs::rename(&path, &moved).unwrap();
        open.write(b"two\n").await.unwrap();
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        assert_eq!((read(&moved), read(&path)), ("one\n".to_owned(), "two\n".to_owned()));
        std::fs::remove_file(&path).unwrap();
        open.write(b"three\n").await.unwrap();
        assert_eq!(read(&path), "three\n");
        std::fs::rename(&moved, &path).unwrap();
        open.write(b"four\n").await.unwrap();
        assert_eq!(read(&path), "one\nfour\n", "another one that took its place is gone on with");
    }
}
