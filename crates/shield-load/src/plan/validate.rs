//! A plan is refused before anything is sent, with the value that is at fault.

use std::io;
use std::time::Duration;

use http::uri::{Authority, PathAndQuery};
use http::{HeaderName, HeaderValue};
use rustls::pki_types::{InvalidDnsNameError, ServerName, pem};
use thiserror::Error;

use crate::engine::arrivals::Phase;
use crate::plan::model::{ClientGroup, Connection, LoadPlan, Model, Protocol, Scheme, Stop};
use crate::scenario::model::{Action, Step, Workload};
use crate::scenario::program::Keep;
use crate::scenario::template::{Part, Template, Value};

/// Most clients times streams of one run.
const LANES_MAX: usize = 65_536;
/// Longest body of a POST: it is sent from one buffer, and read by the server while nothing reads its answer.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Longest prefix of an id.
const PREFIX_BYTES_MAX: usize = 64;
/// Highest rate of arrivals, per second: far above what one machine sends.
const RATE_MAX: f64 = 10_000_000.0;
/// Longest phase of a schedule.
pub(crate) const PHASE_MAX: Duration = Duration::from_secs(24 * 3600);
/// Longest timeout of a request: also the longest latency that the histogram knows.
const TIMEOUT_MAX: Duration = crate::measure::histogram::HIGHEST_VALUE;

/// The plan cannot be run.
#[derive(Debug, Error)]
pub enum StartLoadError {
    /// No client, or too many.
    #[error("run `{lanes}` clients (streams counted): a plan has 1 to {LANES_MAX}")]
    Clients {
        /// Clients times streams.
        lanes: usize,
    },
    /// Several streams where only one is possible.
    #[error(
        "run `{streams}` streams per client: kept-alive HTTP/2 takes 1 or more, everything else exactly 1"
    )]
    Streams {
        /// What was asked.
        streams: usize,
    },
    /// Nothing to send.
    #[error("run a workload without scenarios")]
    WorkloadEmpty,
    /// A scenario that cannot be run.
    #[error("run the scenario `{scenario}`: {problem}")]
    Scenario {
        /// Its name.
        scenario: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A template that names what is not there.
    #[error(
        "fill in the step `{step}`: it uses a variable, a feed or a column that the workload does not have"
    )]
    Place {
        /// Name of the step.
        step: String,
    },
    /// A feed without values.
    #[error("take values from the feed `{feed}`: it has no rows, or rows of different lengths")]
    Feed {
        /// Its name.
        feed: String,
    },
    /// A path that is no path.
    #[error("send a request to `{path}`: a path starts with `/` and has no blanks")]
    Path {
        /// What was asked.
        path: String,
    },
    /// A prefix that ids cannot begin with.
    #[error("begin ids with `{prefix}`: it has 1 to {PREFIX_BYTES_MAX} of A-Z a-z 0-9 _ .")]
    IdPrefix {
        /// What was asked.
        prefix: String,
    },
    /// A body that is too long.
    #[error("send bodies of `{bytes}` bytes: at most {BODY_BYTES_MAX}")]
    BodyBytes {
        /// What was asked.
        bytes: usize,
    },
    /// A WebSocket step that nobody can take, or that asks for what messages do not have.
    #[error("send the message of the step `{step}`: {problem}")]
    WebSocket {
        /// Name of the step.
        step: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A header that is none, or that the client writes itself.
    #[error("send the header `{name}: {value}`: not a header, or one that the client writes itself")]
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// A timeout outside of what can be measured.
    #[error("time requests out after `{timeout:?}`: more than 0, at most {TIMEOUT_MAX:?}")]
    Timeout {
        /// What was asked.
        timeout: Duration,
    },
    /// A phase that cannot be kept.
    #[error(
        "offer requests at `{from_per_second}` to `{to_per_second}` a second for `{duration:?}`: rates are 0 to {RATE_MAX}, and a phase lasts more than 0, at most a day"
    )]
    Phase {
        /// Rate at the beginning.
        from_per_second: f64,
        /// Rate at the end.
        to_per_second: f64,
        /// Length.
        duration: Duration,
    },
    /// A schedule without phases.
    #[error("offer requests by a schedule without phases")]
    ScheduleEmpty,
    /// Several groups of clients, or a counted run, in the open model.
    #[error(
        "run the open model with `{groups}` groups of clients and at most `{clients_max}` clients: it takes 1 group, and no fewer clients than that begins with"
    )]
    OpenClients {
        /// Groups in the plan.
        groups: usize,
        /// The bound.
        clients_max: usize,
    },
    /// A thread of the run.
    #[error("start the threads of the run")]
    Thread {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A run of no requests or no time.
    #[error("stop after `{stop:?}`: the run would be over before it began")]
    Stop {
        /// What was asked.
        stop: Stop,
    },
    /// An authority that is none.
    #[error("address the target as `{authority}`")]
    Authority {
        /// What was asked.
        authority: String,
        /// Why.
        #[source]
        source: http::uri::InvalidUri,
    },
    /// A host that no certificate can name.
    #[error("verify the target as `{host}`")]
    ServerName {
        /// What was asked.
        host: String,
        /// Why.
        #[source]
        source: InvalidDnsNameError,
    },
    /// TLS without anything to trust.
    #[error("verify a `https` target: the plan has no certificate to trust")]
    TrustMissing,
    /// The certificate to trust is not PEM.
    #[error("read the certificates to trust")]
    TrustUnreadable {
        /// Why.
        #[source]
        source: pem::Error,
    },
    /// The TLS library refused the certificate or the configuration.
    #[error("configure TLS")]
    Tls {
        /// Why.
        #[source]
        source: rustls::Error,
    },
}

/// Headers that the client writes itself.
const OWN_HEADERS: [&str; 5] = ["host", "content-length", "connection", "transfer-encoding", "upgrade"];

/// Checks everything that can be checked without TLS.
pub(crate) fn validate(plan: &LoadPlan) -> Result<(), StartLoadError> {
    validate_clients(&plan.clients)?;
    validate_workload(&plan.workload)?;
    validate_protocols(plan)?;
    if plan.request_timeout.is_zero() || plan.request_timeout > TIMEOUT_MAX {
        return Err(StartLoadError::Timeout { timeout: plan.request_timeout });
    }
    let open = plan.model != Model::Closed;
    if matches!(plan.stop, Stop::Iterations(0) | Stop::After(Duration::ZERO))
        || open && matches!(plan.stop, Stop::Iterations(_))
    {
        return Err(StartLoadError::Stop { stop: plan.stop });
    }
    validate_model(plan)?;
    authority(plan)?;
    Ok(())
}

fn validate_clients(clients: &[ClientGroup]) -> Result<(), StartLoadError> {
    let lanes =
        clients.iter().map(|group| group.count.saturating_mul(group.streams)).fold(0, usize::saturating_add);
    if !(1..=LANES_MAX).contains(&lanes) {
        return Err(StartLoadError::Clients { lanes });
    }
    let shareable = |group: &ClientGroup| {
        group.protocol == Protocol::Http2 && group.connection == Connection::KeepAlive && group.streams > 0
    };
    match clients.iter().find(|group| group.streams != 1 && !shareable(group)) {
        Some(group) => Err(StartLoadError::Streams { streams: group.streams }),
        None => Ok(()),
    }
}

fn validate_model(plan: &LoadPlan) -> Result<(), StartLoadError> {
    let Model::Open { schedule, clients_max } = &plan.model else { return Ok(()) };
    let fits = |group: &ClientGroup| {
        (group.count * group.streams..=LANES_MAX).contains(clients_max) && group.streams == 1
    };
    if plan.clients.len() != 1 || !plan.clients.iter().all(fits) {
        return Err(StartLoadError::OpenClients { groups: plan.clients.len(), clients_max: *clients_max });
    }
    let rate = |rate: f64| (0.0..=RATE_MAX).contains(&rate);
    for Phase { duration, from_per_second, to_per_second } in schedule.phases.iter().copied() {
        let lasts = !duration.is_zero() && duration <= PHASE_MAX;
        if !lasts || !rate(from_per_second) || !rate(to_per_second) {
            return Err(StartLoadError::Phase { from_per_second, to_per_second, duration });
        }
    }
    if schedule.phases.is_empty() { Err(StartLoadError::ScheduleEmpty) } else { Ok(()) }
}

fn validate_workload(workload: &Workload) -> Result<(), StartLoadError> {
    // No `-`: it separates the parts of an id.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let prefix = &workload.id_prefix;
    if !(1..=PREFIX_BYTES_MAX).contains(&prefix.len()) || !prefix.bytes().all(plain) {
        return Err(StartLoadError::IdPrefix { prefix: prefix.clone() });
    }
    for feed in &workload.feeds {
        if feed.rows.is_empty() || feed.rows.iter().any(|row| row.len() != feed.columns.len()) {
            return Err(StartLoadError::Feed { feed: feed.name.clone() });
        }
    }
    for scenario in &workload.scenarios {
        let refused = |problem| StartLoadError::Scenario { scenario: scenario.name.clone(), problem };
        if scenario.weight == 0 {
            return Err(refused("its weight is 0"));
        }
        if scenario.steps.is_empty() {
            return Err(refused("it has no steps"));
        }
    }
    workload.steps().try_for_each(|step| validate_step(step, workload))?;
    if workload.scenarios.is_empty() { Err(StartLoadError::WorkloadEmpty) } else { Ok(()) }
}

/// WebSockets are opened over HTTP/1.1 only.
fn validate_protocols(plan: &LoadPlan) -> Result<(), StartLoadError> {
    let messages = |step: &&Step| matches!(step.action, Action::WebSocket { .. });
    let http2 = plan.clients.iter().any(|group| group.protocol == Protocol::Http2);
    match plan.workload.steps().find(messages).filter(|_| http2) {
        Some(step) => Err(StartLoadError::WebSocket {
            step: step.name.clone(),
            problem: "clients of HTTP/2 open no websockets, only those of HTTP/1.1 do",
        }),
        None => Ok(()),
    }
}

fn validate_step(step: &Step, workload: &Workload) -> Result<(), StartLoadError> {
    let known = step.templates().flat_map(|template| &template.parts).all(|part| match part {
        Part::Value { value: Value::Variable(index), .. } => *index < workload.variables.len(),
        Part::Value { value: Value::Feed { feed, column }, .. } => {
            workload.feeds.get(*feed).is_some_and(|feed| *column < feed.columns.len())
        }
        Part::Value { .. } | Part::Text(_) => true,
    });
    if !known || step.extract.iter().any(|extract| extract.variable >= workload.variables.len()) {
        return Err(StartLoadError::Place { step: step.name.clone() });
    }
    let request = match &step.action {
        Action::Http(request) => request,
        Action::WebSocket { path, headers, message } => {
            validate_path(path)?;
            validate_headers(headers)?;
            if Keep::of(step).headers {
                let problem = "a message has no headers to look at";
                return Err(StartLoadError::WebSocket { step: step.name.clone(), problem });
            }
            return validate_body(message);
        }
    };
    validate_path(&request.path)?;
    validate_headers(&request.headers)?;
    request.body.as_ref().map_or(Ok(()), validate_body)
}

fn validate_body(body: &Template) -> Result<(), StartLoadError> {
    let bytes = body.text_bytes();
    if bytes > BODY_BYTES_MAX { Err(StartLoadError::BodyBytes { bytes }) } else { Ok(()) }
}

fn validate_headers(headers: &[(HeaderName, Template)]) -> Result<(), StartLoadError> {
    for (name, value) in headers {
        let own = OWN_HEADERS.contains(&name.as_str()) || name.as_str().starts_with("sec-websocket-");
        let unsendable = value.as_text().is_some_and(|value| HeaderValue::try_from(value).is_err());
        if own || unsendable {
            let value = value.as_text().unwrap_or_default().to_owned();
            return Err(StartLoadError::Header { name: name.to_string(), value });
        }
    }
    Ok(())
}

/// A path with values is tried with a harmless one in their place.
fn validate_path(path: &Template) -> Result<(), StartLoadError> {
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Value { .. } => "x".to_owned(),
    };
    let example: String = path.parts.iter().map(part).collect();
    if example.starts_with('/') && PathAndQuery::try_from(example.as_str()).is_ok() {
        return Ok(());
    }
    Err(StartLoadError::Path { path: example })
}

fn authority(plan: &LoadPlan) -> Result<Authority, StartLoadError> {
    let authority = plan.target.authority.as_str();
    let invalid = |source| StartLoadError::Authority { authority: authority.to_owned(), source };
    Authority::try_from(authority).map_err(invalid)
}

/// The name that the target's certificate must carry; none without TLS.
pub(crate) fn server_name(plan: &LoadPlan) -> Result<Option<ServerName<'static>>, StartLoadError> {
    if plan.target.scheme == Scheme::Http {
        return Ok(None);
    }
    let authority = authority(plan)?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let invalid = |source| StartLoadError::ServerName { host: host.to_owned(), source };
    Ok(Some(ServerName::try_from(host.to_owned()).map_err(invalid)?))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use http::header::{ACCEPT, HOST};

    use super::{StartLoadError, validate};
    use crate::plan::model::{ClientGroup, Connection, LoadPlan, Protocol, Scheme, Stop, Target};
    use crate::scenario::mix::RequestMix;
    use crate::scenario::model::{Action, Extract, Place};
    use crate::scenario::template::Template;

    fn plan() -> LoadPlan {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let mut plan = LoadPlan::new(Target { scheme: Scheme::Http, authority: "localhost".into(), address });
        plan.clients.push(ClientGroup::new(2, Protocol::Http1, Connection::KeepAlive));
        plan
    }

    fn refusal(change: impl FnOnce(&mut LoadPlan)) -> String {
        let mut plan = plan();
        change(&mut plan);
        validate(&plan).err().map(|error: StartLoadError| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn accepts_default_plan() {
        assert_eq!(refusal(|_| ()), "");
    }

    #[test]
    fn refuses_messages_nobody_can_send() {
        let messages = |path: &str, message: &str, change: fn(&mut LoadPlan)| {
            refusal(|plan| {
                let action = Action::WebSocket {
                    path: Template::text(path),
                    headers: Vec::new(),
                    message: Template::text(message),
                };
                plan.workload.scenarios[0].steps[0].action = action;
                change(plan);
            })
        };
        assert_eq!(messages("/live", "hello", |_| ()), "");
        assert!(messages("live", "hello", |_| ()).contains("`live`"));
        assert!(messages("/live", &"x".repeat(2_000_000), |_| ()).contains("`2000000`"));
        let refused = messages("/live", "hello", |plan| plan.clients[0].protocol = Protocol::Http2);
        assert!(refused.contains("`GET /`: clients of HTTP/2 open no websockets"), "{refused}");
        let refused = messages("/live", "hello", |plan| {
            plan.workload.variables.push("kind".into());
            let place = Extract { place: Place::Header(ACCEPT), variable: 0 };
            plan.workload.scenarios[0].steps[0].extract.push(place);
        });
        assert!(refused.contains("no headers"), "{refused}");
    }

    #[test]
    fn names_refused_value() {
        assert!(refusal(|plan| plan.clients.clear()).contains("`0` clients"));
        assert!(refusal(|plan| plan.clients[0].streams = 3).contains("`3` streams"));
        let mix = |change: fn(&mut RequestMix)| {
            let mut mix = RequestMix::default();
            change(&mut mix);
            refusal(|plan| plan.workload = mix.workload())
        };
        assert!(mix(|mix| (mix.post_share, mix.get_paths) = (0.0, Vec::new())).contains("without scenarios"));
        assert!(mix(|mix| mix.get_paths.push("a b".into())).contains("`a b`"));
        assert!(mix(|mix| mix.get_paths.push("/a b".into())).contains("`/a b`"));
        assert!(mix(|mix| mix.id_prefix = "a-b".into()).contains("`a-b`"));
        assert!(mix(|mix| mix.post_filling_bytes = 2_000_000).contains("`2000000`"));
        assert!(mix(|mix| mix.headers.push((HOST, "x".into()))).contains("`host: x`"));
        assert!(mix(|mix| mix.headers.push((ACCEPT, "x\n".into()))).contains("`accept: x"));
        assert!(refusal(|plan| plan.workload.scenarios[0].weight = 0).contains("weight is 0"));
        assert!(refusal(|plan| plan.workload.scenarios[0].steps.clear()).contains("no steps"));
        let place = Extract { place: Place::Body, variable: 0 };
        assert!(refusal(|plan| plan.workload.scenarios[0].steps[0].extract.push(place)).contains("variable"));
        assert!(refusal(|plan| plan.request_timeout = Duration::ZERO).contains("`0ns`"));
        assert!(refusal(|plan| plan.stop = Stop::Iterations(0)).contains("Iterations(0)"));
        assert!(refusal(|plan| plan.target.authority = "a b".into()).contains("`a b`"));
    }
}
