//! The workload that asks for nothing but answers: some GETs, and POSTs that are applied exactly once.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderName, Method};

use crate::scenario::model::{Action, HttpRequest, Scenario, Step, Workload};
use crate::scenario::template::{Escape, Part, Template, Value};

/// Weight of all scenarios together.
const WEIGHTS: f64 = 1_000_000.0;
/// What fills the body of a POST after its id.
const FILLING: &str = ".";

/// GETs and POSTs. [`RequestMix::workload`] makes scenarios of one step of it.
#[derive(Clone, Debug)]
pub struct RequestMix {
    /// Share of requests that are POSTs with an id of their own, from 0 to 1; the rest are GETs.
    pub post_share: f64,
    /// Path and query of a POST, before its id.
    pub post_path: String,
    /// Length of a POST's body besides its id.
    pub post_filling_bytes: usize,
    /// Paths and queries of GETs, drawn evenly.
    pub get_paths: Vec<String>,
    /// Headers of every request.
    pub headers: Vec<(HeaderName, String)>,
    /// Beginning of every id. Runs against one ledger need different ones.
    pub id_prefix: String,
}

// === impl RequestMix ===

impl Default for RequestMix {
    /// What the test backend understands.
    fn default() -> Self {
        Self {
            post_share: 0.5,
            post_path: "/apply/".to_owned(),
            post_filling_bytes: 32,
            get_paths: vec!["/".to_owned()],
            headers: Vec::new(),
            id_prefix: "load".to_owned(),
        }
    }
}

impl RequestMix {
    /// GETs of one path, and nothing else.
    #[must_use]
    pub fn gets(path: impl Into<String>) -> Self {
        Self { post_share: 0.0, get_paths: vec![path.into()], ..Self::default() }
    }

    /// One scenario per path.
    #[must_use]
    pub fn workload(&self) -> Workload {
        let mut times: BTreeMap<&str, u32> = BTreeMap::new();
        self.get_paths.iter().for_each(|path| *times.entry(path).or_default() += 1);
        let gets_weight = (1.0 - self.post_share) * WEIGHTS / self.get_paths.len().max(1) as f64;
        let mut scenarios = Vec::new();
        for (path, times) in times {
            let step = self.step(format!("GET {path}"), Method::GET, Template::text(path));
            scenarios.push(scenario(step, gets_weight * f64::from(times)));
        }
        scenarios.push(scenario(self.post(), self.post_share * WEIGHTS));
        scenarios.retain(|scenario| scenario.weight > 0);
        Workload { scenarios, id_prefix: self.id_prefix.clone(), ..Workload::default() }
    }

    fn post(&self) -> Step {
        let id = || Part::Value { value: Value::Id, escape: Escape::None };
        let path = Template { parts: vec![Part::Text(self.post_path.clone()), id()] };
        let name = format!("POST {}{{id}}", self.post_path);
        let mut step = self.step(name, Method::POST, path);
        step.ledger = true;
        let body = vec![id(), Part::Text(FILLING.repeat(self.post_filling_bytes))];
        if let Action::Http(request) = &mut step.action {
            request.body = Some(Template { parts: body });
        }
        step
    }

    fn step(&self, name: String, method: Method, path: Template) -> Step {
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), Template::text(value.as_str())));
        Step {
            name,
            action: Action::Http(HttpRequest { method, path, headers: headers.collect(), body: None }),
            expect: vec![200..=299],
            checks: Vec::new(),
            extract: Vec::new(),
            think: Duration::ZERO..=Duration::ZERO,
            ledger: false,
        }
    }
}

fn scenario(step: Step, weight: f64) -> Scenario {
    let name = step.name.clone();
    Scenario { name, weight: weight.round() as u32, setup: Vec::new(), refresh: None, steps: vec![step] }
}
