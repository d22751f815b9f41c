//! Security events on their way from requests to a file of lines (OCSF).
//!
//! No request waits for the file: an event that finds the queue full is counted, and the count goes to the log. The file is
//! appended to, readable by its owner only, and set aside when it is full; the oldest one goes. Two processes may append to one
//! file (a release beside its predecessor): lines stay whole, and each goes on with the file that it has open.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use shield_guard::event::{
    EVENT_LINE_BYTES_MAX, EventContext, EventId, EventSource, SecurityEvent, write_event,
};
use tokio::{
    fs::{self, File, OpenOptions},
    io::AsyncWriteExt,
    sync::mpsc,
};
use uuid::Uuid;

use crate::{
    background::{Background, StopSignal},
    clock::now,
};

/// Events that wait for the file.
const QUEUE_MAX: usize = 4_096;
/// Events that are written at once.
const BATCH_MAX: usize = 256;
/// Who may read the file.
const MODE: u32 = 0o600;

/// Takes events from anywhere; cheap to clone.
#[derive(Clone, Debug)]
pub struct EventSink {
    lines: mpsc::Sender<Vec<u8>>,
    lost: Arc<AtomicU64>,
    instance: Arc<str>,
}

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

/// The task that writes.
#[derive(Debug)]
pub struct EventWriter(Background);

/// The file that is open.
struct Open {
    place: EventFile,
    file: File,
    bytes: u64,
}

// === impl EventFile ===

impl EventFile {
    /// Four times 32 MiB at `path`.
    pub fn at(path: PathBuf) -> Self {
        Self { path, bytes_max: 32 * 1024 * 1024, kept_max: 3 }
    }

    fn kept(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

// === impl EventSink ===

impl EventSink {
    /// Hands an event on; `describe` completes its context, which has a fresh id, the time, and nothing else.
    pub fn tell<'a>(
        &self,
        event: &SecurityEvent,
        describe: impl FnOnce(EventContext<'a>) -> EventContext<'a>,
    ) {
        let at = now();
        // Without the bits that say which version it is.
        let [a, b, c, d, e, f, _, _, _, g, h, i, j, ..] = *Uuid::new_v4().as_bytes();
        let random = [a, b, c, d, e, f, g, h, i, j];
        let context = EventContext {
            id: EventId::new(at, random),
            at,
            request_id: "",
            client: None,
            actor: None,
            subject: None,
            session: None,
            method: "",
            route: "",
            status: None,
            user_agent: "",
        };
        let version = env!("CARGO_PKG_VERSION");
        let source = EventSource { product: "LinkShield", version, instance: &self.instance };
        let mut line = Vec::with_capacity(EVENT_LINE_BYTES_MAX);
        write_event(event, &describe(context), &source, &mut line);
        line.shrink_to_fit();
        if self.lines.try_send(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Events that found the queue full, or the file unwritable.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

// === impl EventWriter ===

impl EventWriter {
    /// Opens the file and starts the task. `instance` says which running copy writes.
    ///
    /// # Errors
    /// When the file can be neither opened nor made: a service that cannot say what it refuses does not start.
    pub async fn start(place: EventFile, instance: &str) -> io::Result<(EventSink, Self)> {
        let open = Open::at(place).await?;
        let (sender, lines) = mpsc::channel(QUEUE_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let sink = EventSink { lines: sender, lost: Arc::clone(&lost), instance: instance.into() };
        let task = Background::start("writer of security events", |stop| run(open, lines, lost, stop));
        Ok((sink, Self(task)))
    }

    /// Writes what was handed on until now, and ends the task.
    pub async fn finish(self) {
        self.0.end().await;
    }
}

async fn run(mut open: Open, mut lines: mpsc::Receiver<Vec<u8>>, lost: Arc<AtomicU64>, mut stop: StopSignal) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    let mut told = 0;
    loop {
        let count = tokio::select! {
            count = lines.recv_many(&mut batch, BATCH_MAX) => count,
            () = stop.told(), if !lines.is_closed() => {
                lines.close();
                continue;
            }
        };
        if count == 0 {
            return;
        }
        if let Err(error) = open.write(&batch.concat()).await {
            lost.fetch_add(count as u64, Ordering::Relaxed);
            tracing::error!(error = %error, path = %open.place.path.display(), "security events could not be written");
        }
        batch.clear();
        let gone = lost.load(Ordering::Relaxed);
        if gone > told {
            tracing::error!(count = gone - told, "security events were lost");
            told = gone;
        }
    }
}

// === impl Open ===

impl Open {
    async fn at(place: EventFile) -> io::Result<Self> {
        let file = append(&place.path).await?;
        let bytes = file.metadata().await?.len();
        Ok(Self { place, file, bytes })
    }

    async fn write(&mut self, text: &[u8]) -> io::Result<()> {
        if self.bytes >= self.place.bytes_max {
            self.rotate().await?;
        }
        self.bytes += text.len() as u64;
        self.file.write_all(text).await?;
        self.file.flush().await
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
        self.file = append(&self.place.path).await?;
        self.bytes = 0;
        Ok(())
    }
}

async fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(MODE).open(path).await
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    use serde_json::Value;
    use shield_guard::event::{EventContext, SecurityEvent};

    use super::{EventFile, EventWriter};
    use crate::scratch::ScratchDirectory;

    const EVENT: SecurityEvent = SecurityEvent::AccessDenied { reason: "scope" };

    fn lines(path: &Path) -> Vec<Value> {
        let text = fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[tokio::test]
    async fn what_was_told_is_written_before_the_end() {
        let directory = ScratchDirectory::new();
        let path = directory.path().join("events.jsonl");
        let (sink, writer) = EventWriter::start(EventFile::at(path.clone()), "one").await.unwrap();
        for _ in 0..100 {
            sink.tell(&EVENT, |context| context);
        }
        writer.finish().await;
        assert_eq!((lines(&path).len(), sink.lost()), (100, 0));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        sink.tell(&EVENT, |context| context);
        assert_eq!(sink.lost(), 1, "after the end nothing is taken, and that is counted");
    }

    #[tokio::test]
    async fn a_restart_appends() {
        let directory = ScratchDirectory::new();
        let path = directory.path().join("events.jsonl");
        for _ in 0..2 {
            let (sink, writer) = EventWriter::start(EventFile::at(path.clone()), "one").await.unwrap();
            sink.tell(&EVENT, |context| context);
            writer.finish().await;
        }
        assert_eq!(lines(&path).len(), 2);
    }

    #[tokio::test]
    async fn full_files_are_set_aside_and_the_oldest_goes() {
        let directory = ScratchDirectory::new();
        let path = directory.path().join("events.jsonl");
        let place = EventFile { path: path.clone(), bytes_max: 1, kept_max: 2 };
        for number in 1..=4_u16 {
            let (sink, writer) = EventWriter::start(place.clone(), "one").await.unwrap();
            sink.tell(&EVENT, |context| EventContext { status: Some(number), ..context });
            writer.finish().await;
        }
        let status = |path: &Path| lines(path).iter().map(|line| line.to_string()).collect::<String>();
        assert_eq!(lines(&path).len(), 1);
        assert_eq!(lines(&place.kept(1)).len(), 1);
        assert_eq!(lines(&place.kept(2)).len(), 1);
        assert!(!place.kept(3).exists());
        assert_ne!(status(&path), status(&place.kept(1)));
    }

    #[tokio::test]
    async fn without_a_file_nothing_starts() {
        let directory = ScratchDirectory::new();
        let place = EventFile::at(directory.path().join("missing").join("events.jsonl"));
        assert!(EventWriter::start(place, "one").await.is_err());
    }
}
