//! The life of one proxied connection: what it suffers, and when.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::fault::proxy::line::Ending;
use crate::fault::proxy::listener::{Setting, Tally};
use crate::fault::proxy::model::{Effect, Luck};
use crate::fault::proxy::relay::Relay;

/// Longest wait for the upstream to accept.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Read at once of what is thrown away.
const SWALLOWED_BYTES: usize = 16 * 1024;

/// A connection that a client opened.
pub(crate) struct Connection {
    pub(crate) upstream: SocketAddr,
    pub(crate) luck: Luck,
    pub(crate) setting: watch::Receiver<Setting>,
    pub(crate) tally: Arc<Tally>,
    /// The last setting that was counted as a fault of this connection.
    pub(crate) counted: u64,
}

/// Why a connection goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// The client is reset.
    Reset,
    /// The proxy is gone, or the client.
    Closed,
}

// === impl Connection ===

impl Connection {
    pub(crate) async fn run(mut self, mut client: TcpStream) {
        // The tally learns of the end also when the proxy is dropped.
        let _closing = Closing(self.tally.clone());
        match self.connect(&mut client).await {
            Ok(upstream) => self.relay(client, upstream).await,
            Err(Over::Reset) => reset(&client),
            Err(Over::Closed) => {}
        }
    }

    /// What the connection suffers now.
    fn effect(&mut self) -> Effect {
        let setting = self.setting.borrow_and_update();
        let effect = setting.fault.as_ref().and_then(|fault| fault.effect(self.luck));
        if effect.is_some() && self.counted < setting.generation {
            self.counted = setting.generation;
            self.tally.under_fault.fetch_add(1, Ordering::Relaxed);
        }
        effect.unwrap_or(Effect::NONE)
    }

    /// Gets the upstream, as soon as the client may have one.
    async fn connect(&mut self, client: &mut TcpStream) -> Result<TcpStream, Over> {
        let mut swallowed = false;
        loop {
            let effect = self.effect();
            if effect.resets_at_once() || (swallowed && !effect.keeps_silent()) {
                return Err(Over::Reset);
            }
            if effect.keeps_silent() {
                self.keep_silent(client, &mut swallowed).await?;
                continue;
            }
            let upstream = match effect {
                Effect::Diverted { to } => to,
                _ => self.upstream,
            };
            let upstream = timeout(CONNECT_LIMIT, TcpStream::connect(upstream));
            tokio::select! {
                changed = self.setting.changed() => changed.map_err(|_| Over::Closed)?,
                connected = upstream => match connected {
                    Ok(Ok(upstream)) => return Ok(upstream),
                    Ok(Err(_)) | Err(_) => return Err(Over::Reset),
                },
            }
        }
    }

    /// Swallows what the client sends, its FIN included, until something else is wrong.
    async fn keep_silent(&mut self, client: &mut TcpStream, swallowed: &mut bool) -> Result<(), Over> {
        let swallow = async {
            let mut bytes = vec![0; SWALLOWED_BYTES];
            while let Ok(count) = client.read(&mut bytes).await {
                *swallowed = true;
                if count == 0 {
                    pending::<()>().await;
                }
            }
        };
        tokio::select! {
            changed = self.setting.changed() => changed.map_err(|_| Over::Closed),
            () = swallow => Err(Over::Closed),
        }
    }

    /// Carries bytes until the end.
    async fn relay(&mut self, client: TcpStream, upstream: TcpStream) {
        // Only latency is at stake.
        let _ = client.set_nodelay(true).and_then(|()| upstream.set_nodelay(true));
        let mut relay = Relay::new(client, upstream, self.luck, self.tally.clone());
        loop {
            match self.effect() {
                Effect::HalfOpen => return self.half_open(relay).await,
                effect => relay.apply(effect),
            }
            tokio::select! {
                biased;
                changed = self.setting.changed() => if changed.is_err() { return },
                ending = relay.run() => {
                    if ending == Ending::Broken {
                        reset(&relay.client);
                        reset(&relay.upstream);
                    }
                    return;
                }
            }
        }
    }

    /// The upstream goes, and the client is not told before the fault is over.
    async fn half_open(&mut self, relay: Relay) {
        let Relay { mut client, upstream, .. } = relay;
        drop(upstream);
        let mut swallowed = false;
        while self.effect() == Effect::HalfOpen {
            if self.keep_silent(&mut client, &mut swallowed).await.is_err() {
                return;
            }
        }
        reset(&client);
    }
}

/// Makes the closing of this socket an RST.
fn reset(socket: &TcpStream) {
    // The peer may have gone before: then there is nobody to tell.
    let _ = socket.set_zero_linger();
}

/// Counts the end of a connection.
struct Closing(Arc<Tally>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.closed.fetch_add(1, Ordering::AcqRel);
    }
}
