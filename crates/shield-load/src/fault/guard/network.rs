//! The proxies of a plan. They run in the guard, so that a fault of the network is lifted by who lifts all others.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::runtime::{Handle, Runtime};

use crate::fault::plan::model::{PlannedProxy, ProxyKind};
use crate::fault::proxy::{
    DnsFault, DnsTrouble, ExpiredCertificate, FaultProxy, NetworkFault, StartExpiredError,
};

/// Proxies by name.
#[derive(Debug)]
pub(crate) struct Network {
    proxies: BTreeMap<String, Proxy>,
    runtime: Handle,
}

#[derive(Debug)]
struct Proxy {
    line: Line,
    faulty: bool,
}

#[derive(Debug)]
enum Line {
    Tcp(FaultProxy),
    Dns(DnsFault),
}

/// The network was left as it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NetworkError {
    #[error("listen for proxy `{proxy}`")]
    Listen {
        proxy: String,
        #[source]
        source: io::Error,
    },
    #[error("disturb proxy `{proxy}`: there is no {kind} proxy of this name")]
    Missing { proxy: String, kind: ProxyKind },
    #[error("disturb proxy `{proxy}`: another fault is in effect there")]
    Faulty { proxy: String },
    #[error("start a server with an expired certificate")]
    Expired(#[from] StartExpiredError),
}

// === impl Network ===

impl Network {
    /// Opens every proxy.
    pub(crate) fn open(runtime: &Runtime, planned: &[PlannedProxy], seed: u64) -> Result<Self, NetworkError> {
        let _entered = runtime.enter();
        let mut proxies = BTreeMap::new();
        for (index, planned) in planned.iter().enumerate() {
            let line = Line::open(planned, seed.wrapping_add(index as u64));
            let listen = |source| NetworkError::Listen { proxy: planned.name.clone(), source };
            proxies.insert(planned.name.clone(), Proxy { line: line.map_err(listen)?, faulty: false });
        }
        Ok(Self { proxies, runtime: runtime.handle().clone() })
    }

    /// Where each listens.
    pub(crate) fn addresses(&self) -> Vec<(String, SocketAddr)> {
        self.proxies.iter().map(|(name, proxy)| (name.clone(), proxy.line.address())).collect()
    }

    /// A server for connections to be diverted to.
    pub(crate) fn expired(&self, host: &str) -> Result<ExpiredCertificate, NetworkError> {
        let _entered = self.runtime.enter();
        Ok(ExpiredCertificate::bind((Ipv4Addr::LOCALHOST, 0).into(), host)?)
    }

    /// Puts a fault of a TCP proxy into effect.
    pub(crate) fn disturb(&mut self, name: &str, fault: NetworkFault) -> Result<(), NetworkError> {
        match self.calm_one(name, ProxyKind::Tcp)? {
            Proxy { line: Line::Tcp(line), faulty } => {
                line.set(Some(fault));
                *faulty = true;
                Ok(())
            }
            _ => Err(NetworkError::Missing { proxy: name.to_owned(), kind: ProxyKind::Tcp }),
        }
    }

    /// Puts a fault of a DNS proxy into effect.
    pub(crate) fn trouble(&mut self, name: &str, trouble: DnsTrouble) -> Result<(), NetworkError> {
        match self.calm_one(name, ProxyKind::Dns)? {
            Proxy { line: Line::Dns(line), faulty } => {
                line.set(Some(trouble));
                *faulty = true;
                Ok(())
            }
            _ => Err(NetworkError::Missing { proxy: name.to_owned(), kind: ProxyKind::Dns }),
        }
    }

    /// Lifts whatever is in effect.
    pub(crate) fn calm(&mut self, name: &str) {
        if let Some(proxy) = self.proxies.get_mut(name) {
            match &proxy.line {
                Line::Tcp(line) => line.set(None),
                Line::Dns(line) => line.set(None),
            }
            proxy.faulty = false;
        }
    }

    /// A proxy without a fault. Names that are nobody's were refused with the plan.
    fn calm_one(&mut self, name: &str, kind: ProxyKind) -> Result<&mut Proxy, NetworkError> {
        let missing = || NetworkError::Missing { proxy: name.to_owned(), kind };
        let proxy = self.proxies.get_mut(name).ok_or_else(missing)?;
        if proxy.faulty { Err(NetworkError::Faulty { proxy: name.to_owned() }) } else { Ok(proxy) }
    }
}

// === impl Line ===

impl Line {
    /// With nothing wrong yet. Needs a runtime.
    fn open(planned: &PlannedProxy, seed: u64) -> io::Result<Self> {
        Ok(match planned.kind {
            ProxyKind::Tcp => Self::Tcp(FaultProxy::bind(planned.listen, planned.upstream, seed)?),
            ProxyKind::Dns => Self::Dns(DnsFault::bind(planned.listen, planned.upstream)?),
        })
    }

    fn address(&self) -> SocketAddr {
        match self {
            Self::Tcp(line) => line.address(),
            Self::Dns(line) => line.address(),
        }
    }
}
