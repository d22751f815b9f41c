//! The proxies of a plan. They run in the guard, so that a fault of the network is lifted by who lifts all others.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use tokio::runtime::Runtime;

use crate::fault::plan::model::PlannedProxy;
use crate::fault::proxy::{FaultProxy, NetworkFault};

/// Proxies by name.
#[derive(Debug)]
pub(crate) struct Network {
    proxies: BTreeMap<String, Proxy>,
}

#[derive(Debug)]
struct Proxy {
    proxy: FaultProxy,
    faulty: bool,
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
    #[error("disturb proxy `{proxy}`: there is none of this name")]
    Missing { proxy: String },
    #[error("disturb proxy `{proxy}`: another fault is in effect there")]
    Faulty { proxy: String },
}

// === impl Network ===

impl Network {
    /// Opens every proxy.
    pub(crate) fn open(runtime: &Runtime, planned: &[PlannedProxy], seed: u64) -> Result<Self, NetworkError> {
        let _entered = runtime.enter();
        let mut proxies = BTreeMap::new();
        for (index, planned) in planned.iter().enumerate() {
            let seed = seed.wrapping_add(index as u64);
            let bound = FaultProxy::bind(planned.listen, planned.upstream, seed);
            let listen = |source| NetworkError::Listen { proxy: planned.name.clone(), source };
            proxies.insert(planned.name.clone(), Proxy { proxy: bound.map_err(listen)?, faulty: false });
        }
        Ok(Self { proxies })
    }

    /// Where each listens.
    pub(crate) fn addresses(&self) -> Vec<(String, SocketAddr)> {
        self.proxies.iter().map(|(name, proxy)| (name.clone(), proxy.proxy.address())).collect()
    }

    /// Puts a fault into effect.
    pub(crate) fn disturb(&mut self, name: &str, fault: NetworkFault) -> Result<(), NetworkError> {
        let missing = || NetworkError::Missing { proxy: name.to_owned() };
        let proxy = self.proxies.get_mut(name).ok_or_else(missing)?;
        if proxy.faulty {
            return Err(NetworkError::Faulty { proxy: name.to_owned() });
        }
        proxy.proxy.set(Some(fault));
        proxy.faulty = true;
        Ok(())
    }

    /// Lifts it.
    pub(crate) fn calm(&mut self, name: &str) {
        if let Some(proxy) = self.proxies.get_mut(name) {
            proxy.proxy.set(None);
            proxy.faulty = false;
        }
    }
}
