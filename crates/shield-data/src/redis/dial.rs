//! Opens connections, in the background.

use std::{sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, ProtocolVersion, PushInfo, PushKind,
    RedisConnectionInfo, RedisResult, aio::MultiplexedConnection,
};
use shield_types::format_duration;
use tokio::time::timeout;

use super::{
    RedisSettings, ServerAddress,
    info::Who,
    link::{Lane, Link},
    store::Shared,
};

/// How long it may take until a connection can be used: a frozen server still takes connections, and says nothing.
const DIAL_DEADLINE: Duration = Duration::from_millis(300);

/// Knows how to be let in; cheap to clone.
#[derive(Clone)]
pub(super) struct Dialer {
    info: RedisConnectionInfo,
    /// Where others announce.
    channel: Arc<str>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    #[error("connect to `{address}`: no answer within `{}`", format_duration(DIAL_DEADLINE))]
    Late { address: ServerAddress },
    #[error("connect to `{address}`")]
    Refused {
        address: ServerAddress,
        #[source]
        source: redis::RedisError,
    },
    #[error("use `{address}`: it is not a master")]
    NotMaster { address: ServerAddress },
    #[error("use `{address}`: it does not say which life it is in")]
    Nameless { address: ServerAddress },
}

// === impl Dialer ===

impl Dialer {
    pub(super) fn new(settings: &RedisSettings, channel: Arc<str>) -> Self {
        let info = RedisConnectionInfo::default().set_db(settings.database.into()).set_skip_set_lib_name();
        let info = match &settings.user {
            Some(user) => info.set_username(user),
            None => info,
        };
        let info = match &settings.password {
            Some(password) => info.set_password(password.expose()),
            None => info,
        };
        Self { info, channel }
    }

    /// A connection to a master, listening to what others announce.
    pub(super) async fn dial(
        &self,
        link: &Arc<Link>,
        number: u64,
        shared: &Arc<Shared>,
    ) -> Result<Lane, DialError> {
        let address = || link.address.clone();
        let opened = timeout(DIAL_DEADLINE, self.open(link, number, shared)).await;
        let opened = opened.map_err(|_| DialError::Late { address: address() })?;
        let (connection, who) = opened.map_err(|source| DialError::Refused { address: address(), source })?;
        match who {
            Some(who) if who.master => Ok(Lane { connection, who, number }),
            Some(_) => Err(DialError::NotMaster { address: address() }),
            None => Err(DialError::Nameless { address: address() }),
        }
    }

    async fn open(
        &self,
        link: &Arc<Link>,
        number: u64,
        shared: &Arc<Shared>,
    ) -> RedisResult<(MultiplexedConnection, Option<Who>)> {
        // The connection's own task must not keep alive what keeps the connection alive.
        let (link_there, shared) = (Arc::downgrade(link), Arc::clone(shared));
        let pushed = move |push: PushInfo| -> Result<(), ()> {
            match push.kind {
                PushKind::Message => shared.hear(&push.data),
                PushKind::Disconnection => {
                    if let Some(link) = link_there.upgrade() {
                        link.break_off(number);
                    }
                }
                _ => {}
            }
            Ok(())
        };
        let config = unbounded().set_push_sender(pushed);
        let info = self.info.clone().set_protocol(ProtocolVersion::RESP3);
        let mut connection =
            client(&link.address, info)?.get_multiplexed_async_connection_with_config(&config).await?;
        let who = Who::ask(&mut connection).await?;
        connection.subscribe(&*self.channel).await?;
        Ok((connection, who))
    }

    /// A connection to any node of the cluster, to ask for the others.
    pub(super) async fn to_node(&self, address: &ServerAddress) -> RedisResult<MultiplexedConnection> {
        client(address, self.info.clone())?.get_multiplexed_async_connection_with_config(&unbounded()).await
    }
}

/// A connection to a Sentinel.
pub(super) async fn to_sentinel(address: &ServerAddress) -> RedisResult<MultiplexedConnection> {
    let info = RedisConnectionInfo::default().set_skip_set_lib_name();
    client(address, info)?.get_multiplexed_async_connection_with_config(&unbounded()).await
}

fn client(address: &ServerAddress, info: RedisConnectionInfo) -> RedisResult<Client> {
    let place = ConnectionAddr::Tcp(address.host.clone(), address.port).into_connection_info()?;
    Client::open(place.set_redis_settings(info))
}

/// Deadlines are the callers' business.
fn unbounded() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None)
}
