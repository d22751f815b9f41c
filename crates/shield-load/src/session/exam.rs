//! The target's own metrics, read while the load runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::plan::model::Target;
use crate::results::prometheus::{EXPOSITION_BYTES_MAX, Exposition};
use crate::results::thresholds::TargetWatch;
use crate::session::fetch::{FetchError, Place, get_text, resolve};

/// Longest time for one scrape.
const SCRAPE_LIMIT: Duration = Duration::from_secs(5);

/// Reads the metrics again and again until it is finished.
#[derive(Debug)]
pub(crate) struct Examiner {
    watch: Arc<Mutex<Exam>>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Exam {
    watch: TargetWatch,
    /// Why the last scrape did not tell, if it did not.
    problem: Option<String>,
}

/// Where metrics are, resolved.
#[derive(Clone, Debug)]
pub(crate) struct MetricsPlace {
    target: Target,
    trust_pem: Option<String>,
    path: String,
    reads: Arc<ReadCounts>,
}

/// How often metrics were read, through all clones of their place.
#[derive(Debug, Default)]
struct ReadCounts {
    begun: AtomicU64,
    answered: AtomicU64,
}

/// How often metrics were read up to a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reads {
    /// Requests for them.
    begun: u64,
    /// Those that were answered.
    pub(crate) answered: u64,
}

// === impl Reads ===

impl Reads {
    /// Requests for them that were not answered: the target has seen them, or not.
    pub(crate) fn unanswered(self) -> u64 {
        self.begun - self.answered
    }
}

// === impl MetricsPlace ===

impl MetricsPlace {
    pub(crate) async fn find(url: &str, trust_pem: Option<String>) -> Result<Self, FetchError> {
        let Place { scheme, authority, path } = Place::parse(url)?;
        let address = resolve(scheme, &authority).await?;
        let target = Target { scheme, authority, address };
        Ok(Self { target, trust_pem, path, reads: Arc::default() })
    }

    /// How often they were read up to now, by whoever asked this place.
    pub(crate) fn reads(&self) -> Reads {
        // In this order, so that none is answered that was not begun.
        let answered = self.reads.answered.load(Ordering::SeqCst);
        Reads { begun: self.reads.begun.load(Ordering::SeqCst), answered }
    }

    pub(crate) async fn scrape(&self) -> Result<Exposition, String> {
        self.reads.begun.fetch_add(1, Ordering::SeqCst);
        let text = get_text(self.target.clone(), self.trust_pem.clone(), &self.path, EXPOSITION_BYTES_MAX);
        let text =
            timeout(SCRAPE_LIMIT, text).await.map_err(|_| format!("no answer within {SCRAPE_LIMIT:?}"))?;
        let text = text.map_err(|error| error.to_string())?;
        self.reads.answered.fetch_add(1, Ordering::SeqCst);
        Exposition::parse(&text).map_err(|error| error.to_string())
    }
}

// === impl Examiner ===

impl Examiner {
    /// Reads once, so that a counter's rise has a beginning, then every so often.
    pub(crate) async fn start(watch: TargetWatch, place: MetricsPlace, every: Duration) -> Self {
        let watch = Arc::new(Mutex::new(Exam { watch, problem: None }));
        note(&watch, place.scrape().await);
        let noted = watch.clone();
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                note(&noted, place.scrape().await);
            }
        });
        Self { watch, task }
    }

    /// What the scrapes said, after a last one, and why the last one did not tell.
    pub(crate) async fn finish(self, place: &MetricsPlace) -> (TargetWatch, Option<String>) {
        self.task.abort();
        // It may be in the middle of a scrape; what it notes after this does not matter any more.
        let _ = self.task.await;
        note(&self.watch, place.scrape().await);
        let exam = lock(&self.watch);
        (exam.watch.clone(), exam.problem.clone())
    }
}

fn note(exam: &Mutex<Exam>, scrape: Result<Exposition, String>) {
    let mut exam = lock(exam);
    match scrape {
        Ok(exposition) => {
            exam.watch.scraped(&exposition);
            exam.problem = None;
        }
        Err(problem) => {
            exam.watch.missed();
            exam.problem = Some(problem);
        }
    }
}

fn lock(exam: &Mutex<Exam>) -> std::sync::MutexGuard<'_, Exam> {
    exam.lock().expect("nothing panics while it holds the lock")
}
