//! Active probes of every routed instance, live and warm.
//!
//! Each probe is a short connection of its own: a keep-alive connection would say nothing about whether the instance
//! still takes new ones. One task per instance, which also closes the instance's old unused connections, and ends with
//! its retirement.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use shield_types::Timestamp;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::{edge::Edge, settings::Probing, upstream::Instance};

/// What one probe came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probed {
    Success,
    Failure,
    /// Nothing listens there: no second opinion needed.
    Refused,
}

/// Probes the instance until it is retired.
pub(crate) async fn probe_loop(edge: Arc<Edge>, instance: Arc<Instance>) {
    // Instances of one table are not all probed in the same moment.
    let mut next = Instant::now();
    let mut spread = fastrand::f64();
    while let Some(probing) = edge.settings.probing(instance.id.release()) {
        next = (next + probing.config.interval.mul_f64(spread)).max(Instant::now());
        spread = 1.0;
        if wait_until(next, &edge, &instance).await.is_err() {
            return;
        }
        let probed = tokio::select! {
            probed = probe(&instance, &probing) => probed,
            () = instance.retirement.notified() => return,
        };
        let ejected = match probed {
            Probed::Success => instance.observe_probe(now(), true),
            Probed::Failure => instance.observe_probe(now(), false),
            Probed::Refused => instance.eject(now()),
        };
        if ejected {
            edge.router.instance_ejected(&instance);
        }
    }
}

/// Sleeps, and sweeps on the way; an error means that the instance is retired.
async fn wait_until(next: Instant, edge: &Edge, instance: &Instance) -> Result<(), ()> {
    loop {
        let idle_max = edge.limits.upstream_idle;
        let wake = next.min(Instant::now() + idle_max);
        tokio::select! {
            () = tokio::time::sleep_until(wake) => {}
            () = instance.retirement.notified() => return Err(()),
        }
        instance.sweep_idle(idle_max);
        if wake == next {
            return Ok(());
        }
    }
}

async fn probe(instance: &Instance, probing: &Probing) -> Probed {
    match timeout(probing.config.timeout, ask(instance, probing)).await {
        Ok(probed) => probed,
        Err(_) => Probed::Failure,
    }
}

async fn ask(instance: &Instance, probing: &Probing) -> Probed {
    let stream = match TcpStream::connect(instance.address).await {
        Ok(stream) => stream,
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Probed::Refused,
        Err(_) => return Probed::Failure,
    };
    let Ok((mut sender, connection)) = http1::handshake(TokioIo::new(stream)).await else {
        return Probed::Failure;
    };
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.uri_mut() = probing.path.clone().into();
    request.headers_mut().insert(header::HOST, probing.host.clone());
    request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static("shield-edge-probe"));
    request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    let mut answered = std::pin::pin!(sender.send_request(request));
    // The connection is driven here, so that nothing outlives the probe. It may end in the moment it gives the answer.
    let answered = tokio::select! {
        biased;
        answered = answered.as_mut() => answered,
        _ = connection => answered.await,
    };
    let status = answered.map_or(0, |response| response.status().as_u16());
    let expected = probing.config.status_min..=probing.config.status_max;
    if expected.contains(&status) { Probed::Success } else { Probed::Failure }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::default().after(Duration::from_millis(
        u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default(),
    ))
}
