//! The task that records how releases ended, and what the executor knows of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use shield_release::FinishedRelease;
use shield_types::{ReleaseId, ServiceName};
use tokio::{
    sync::{mpsc, watch},
    task::spawn_blocking,
    time::timeout,
};

use super::{EndedRelease, writer::Writer};
use crate::layout::Layout;

/// Time between tries to record what could not be recorded.
const RETRY: Duration = Duration::from_secs(2);
/// News that wait for the executor.
const NEWS_MAX: usize = 256;

/// What became of a release's statements.
#[derive(Debug)]
pub(crate) enum RecorderNews {
    /// They are in the log, up to this checkpoint if any was missing.
    Recorded { release: ReleaseId, checkpoint: Option<String> },
    /// They are not; it is tried again.
    Failed { release: ReleaseId, reason: String },
    /// The log could be opened; the warning says that it is another one than it was.
    Opened { warning: Option<String> },
}

/// An end that whoever waits for it may be told.
#[derive(Debug)]
pub(crate) struct ToldEnd {
    pub(crate) finished: FinishedRelease,
    /// `None` when it is not recorded yet.
    pub(crate) checkpoint: Option<String>,
}

/// The executor's side of the task.
pub(crate) struct Recorder {
    /// What the log may lack.
    wanted: watch::Sender<Vec<EndedRelease>>,
    news: mpsc::Receiver<RecorderNews>,
    /// Ends that nobody was told of: an end is told once it is recorded, or cannot be.
    untold: BTreeMap<ReleaseId, FinishedRelease>,
    /// Releases that are known to be missing in the log.
    missing: BTreeSet<ReleaseId>,
    unrecorded: Option<String>,
    replaced: Option<String>,
}

// === impl Recorder ===

impl Recorder {
    /// Starts the task; it ends with the returned value. `history` may hold releases whose end nobody recorded.
    pub(crate) fn start<'a>(
        layout: &Layout,
        service: ServiceName,
        history: impl Iterator<Item = &'a FinishedRelease>,
    ) -> Self {
        let history = history.map(|finished| EndedRelease { finished: finished.clone(), pool: None });
        let (wanted, receiver) = watch::channel(history.collect());
        let (sender, news) = mpsc::channel(NEWS_MAX);
        let writer = Arc::new(Writer { layout: layout.clone(), service });
        tokio::spawn(run(writer, receiver, sender));
        Self {
            wanted,
            news,
            untold: BTreeMap::new(),
            missing: BTreeSet::new(),
            unrecorded: None,
            replaced: None,
        }
    }

    /// Orders the end of a release to be recorded.
    pub(crate) fn record(&mut self, ended: EndedRelease) {
        self.untold.insert(ended.finished.spec.id.clone(), ended.finished.clone());
        self.wanted.send_modify(|wanted| wanted.push(ended));
    }

    /// The next news; never, once the task is gone.
    pub(crate) async fn news(&mut self) -> Option<RecorderNews> {
        self.news.recv().await
    }

    /// Takes news in; gives the end that can be told now.
    pub(crate) fn take(&mut self, news: RecorderNews) -> Option<ToldEnd> {
        let (release, checkpoint) = match news {
            RecorderNews::Opened { warning } => {
                self.replaced = warning;
                return None;
            }
            RecorderNews::Recorded { release, checkpoint } => {
                self.unrecorded = None;
                self.missing.remove(&release);
                // The task knows; it need not look again.
                self.wanted.send_if_modified(|wanted| {
                    wanted.retain(|ended| ended.finished.spec.id != release);
                    false
                });
                (release, checkpoint)
            }
            RecorderNews::Failed { release, reason } => {
                // Of a release that ended under an earlier control plane it is not known whether it is missing.
                let known = self.untold.contains_key(&release) || self.missing.contains(&release);
                let what = if known {
                    self.missing.insert(release.clone());
                    format!("release {release} is not in the evidence log yet")
                } else {
                    "the evidence log cannot be used".to_owned()
                };
                let warning = format!("{what}: {reason}");
                tracing::warn!(warning);
                self.unrecorded = Some(warning);
                (release, None)
            }
        };
        self.untold.remove(&release).map(|finished| ToldEnd { finished, checkpoint })
    }

    /// Every end was told: it is recorded, or was found to be unrecordable for now.
    pub(crate) fn all_told(&self) -> bool {
        self.untold.is_empty()
    }

    /// What a person should know.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = &String> {
        self.unrecorded.iter().chain(&self.replaced)
    }
}

async fn run(
    writer: Arc<Writer>,
    mut wanted: watch::Receiver<Vec<EndedRelease>>,
    news: mpsc::Sender<RecorderNews>,
) {
    loop {
        let (writer, ended) = (writer.clone(), wanted.borrow_and_update().clone());
        let outcome = spawn_blocking(move || writer.record_all(&ended)).await;
        let outcome = outcome.expect("recording does not panic");
        let failed = outcome.iter().any(|news| matches!(news, RecorderNews::Failed { .. }));
        for item in outcome {
            if news.send(item).await.is_err() {
                return;
            }
        }
        let changed = if failed {
            timeout(RETRY, wanted.changed()).await.unwrap_or(Ok(()))
        } else {
            wanted.changed().await
        };
        if changed.is_err() {
            return;
        }
    }
}
