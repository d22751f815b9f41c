//! The target's own metrics, read while the load runs.

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
}

// === impl MetricsPlace ===

impl MetricsPlace {
    pub(crate) async fn find(url: &str, trust_pem: Option<String>) -> Result<Self, FetchError> {
        let Place { scheme, authority, path } = Place::parse(url)?;
        let address = resolve(scheme, &authority).await?;
        Ok(Self { target: Target { scheme, authority, address }, trust_pem, path })
    }

    async fn scrape(&self) -> Result<Exposition, String> {
        let text = get_text(self.target.clone(), self.trust_pem.clone(), &self.path, EXPOSITION_BYTES_MAX);
        let text =
            timeout(SCRAPE_LIMIT, text).await.map_err(|_| format!("no answer within {SCRAPE_LIMIT:?}"))?;
        let text = text.map_err(|error| error.to_string())?;
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
