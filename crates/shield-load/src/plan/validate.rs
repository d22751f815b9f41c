//! A plan is refused before anything is sent, with the value that is at fault.

use std::io;
use std::time::Duration;

use http::uri::{Authority, PathAndQuery};
use http::{HeaderName, HeaderValue};
use rustls::pki_types::{InvalidDnsNameError, ServerName, pem};
use thiserror::Error;

use crate::engine::arrivals::Phase;
use crate::plan::model::{ClientGroup, Connection, LoadPlan, Model, Protocol, Scheme, Stop};

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
    /// The share of POSTs is no share.
    #[error("send a share of `{share}` POSTs: it is a number from 0 to 1")]
    PostShare {
        /// What was asked.
        share: f64,
    },
    /// No path for the GETs.
    #[error("send GETs without a path: `get_paths` is empty and the share of POSTs is below 1")]
    GetPathsMissing,
    /// A path that is no path.
    #[error("send a request to `{path}`: a path starts with `/` and has no blanks")]
    Path {
        /// What was asked.
        path: String,
    },
    /// A path of POSTs without a place for the id.
    #[error("send POSTs to `{path}`: `{{id}}` does not occur exactly once")]
    IdPlace {
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
    /// The thread that paces the run.
    #[error("start the pacing thread")]
    Pacer {
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
const OWN_HEADERS: [&str; 4] = ["host", "content-length", "connection", "transfer-encoding"];

/// Checks everything that can be checked without TLS.
pub(crate) fn validate(plan: &LoadPlan) -> Result<(), StartLoadError> {
    validate_clients(&plan.clients)?;
    validate_mix(plan)?;
    if plan.request_timeout.is_zero() || plan.request_timeout > TIMEOUT_MAX {
        return Err(StartLoadError::Timeout { timeout: plan.request_timeout });
    }
    let open = plan.model != Model::Closed;
    if matches!(plan.stop, Stop::Requests(0) | Stop::After(Duration::ZERO))
        || open && matches!(plan.stop, Stop::Requests(_))
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

fn validate_mix(plan: &LoadPlan) -> Result<(), StartLoadError> {
    let mix = &plan.mix;
    if !(0.0..=1.0).contains(&mix.post_share) {
        return Err(StartLoadError::PostShare { share: mix.post_share });
    }
    if mix.get_paths.is_empty() && mix.post_share < 1.0 {
        return Err(StartLoadError::GetPathsMissing);
    }
    if mix.post_path.matches("{id}").count() != 1 {
        return Err(StartLoadError::IdPlace { path: mix.post_path.clone() });
    }
    let post_example = mix.post_path.replace("{id}", "x");
    for path in mix.get_paths.iter().chain([&post_example]) {
        if !path.starts_with('/') || PathAndQuery::try_from(path.as_str()).is_err() {
            return Err(StartLoadError::Path { path: path.clone() });
        }
    }
    // No `-`: it separates the parts of an id.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    if !(1..=PREFIX_BYTES_MAX).contains(&mix.id_prefix.len()) || !mix.id_prefix.bytes().all(plain) {
        return Err(StartLoadError::IdPrefix { prefix: mix.id_prefix.clone() });
    }
    if mix.post_body_bytes > BODY_BYTES_MAX {
        return Err(StartLoadError::BodyBytes { bytes: mix.post_body_bytes });
    }
    for (name, value) in &mix.headers {
        let own = OWN_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own));
        if own || HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
            return Err(StartLoadError::Header { name: name.clone(), value: value.clone() });
        }
    }
    Ok(())
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

    use super::{StartLoadError, validate};
    use crate::plan::model::{ClientGroup, Connection, LoadPlan, Protocol, Scheme, Stop, Target};

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
    fn names_refused_value() {
        assert!(refusal(|plan| plan.clients.clear()).contains("`0` clients"));
        assert!(refusal(|plan| plan.clients[0].streams = 3).contains("`3` streams"));
        assert!(refusal(|plan| plan.mix.post_share = 1.5).contains("`1.5`"));
        assert!(refusal(|plan| plan.mix.post_share = f64::NAN).contains("`NaN`"));
        assert!(refusal(|plan| plan.mix.get_paths.clear()).contains("get_paths"));
        assert!(refusal(|plan| plan.mix.get_paths.push("a b".into())).contains("`a b`"));
        assert!(refusal(|plan| plan.mix.get_paths.push("/a b".into())).contains("`/a b`"));
        assert!(refusal(|plan| plan.mix.post_path = "/apply".into()).contains("`/apply`"));
        assert!(refusal(|plan| plan.mix.id_prefix = "a-b".into()).contains("`a-b`"));
        assert!(refusal(|plan| plan.mix.post_body_bytes = 2_000_000).contains("`2000000`"));
        assert!(refusal(|plan| plan.mix.headers.push(("Host".into(), "x".into()))).contains("`Host: x`"));
        assert!(refusal(|plan| plan.mix.headers.push(("a".into(), "x\n".into()))).contains("`a: x"));
        assert!(refusal(|plan| plan.request_timeout = Duration::ZERO).contains("`0ns`"));
        assert!(refusal(|plan| plan.stop = Stop::Requests(0)).contains("Requests(0)"));
        assert!(refusal(|plan| plan.target.authority = "a b".into()).contains("`a b`"));
    }
}
