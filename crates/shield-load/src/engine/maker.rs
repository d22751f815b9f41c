//! Makes the lanes of a run, group by group.

use std::sync::Arc;

use fastrand::Rng;

use crate::engine::lane::{Client, Lane, Shared};
use crate::engine::stop::Stopper;
use crate::measure::ids::LaneIds;
use crate::plan::model::{ClientGroup, Protocol};
use crate::plan::validate::StartLoadError;
use crate::scenario::user::User;
use crate::wire::connect::Connector;
use crate::wire::http1::Http1Client;
use crate::wire::http2::{Http2Client, SharedConnection};
use crate::wire::request::{Http1Requests, Http2Requests};
use crate::wire::websocket::client::WebSocketClient;

/// Makes the lanes of one group.
pub(crate) struct LaneMaker {
    shared: Arc<Shared>,
    stopper: Stopper,
    group: ClientGroup,
    connector: Connector,
    requests: Requests,
    seeds: Rng,
}

enum Requests {
    Http1(Arc<Http1Requests>),
    Http2(Arc<Http2Requests>),
}

/// The makers of all groups.
pub(crate) fn makers(shared: &Arc<Shared>, stopper: &Stopper) -> Result<Vec<LaneMaker>, StartLoadError> {
    let plan = &shared.plan;
    let mut seeds = Rng::with_seed(plan.seed);
    let maker = |group: &ClientGroup| {
        Ok(LaneMaker {
            shared: shared.clone(),
            stopper: stopper.clone(),
            group: group.clone(),
            connector: Connector::new(plan, group.protocol, group.connection)?,
            requests: match group.protocol {
                Protocol::Http1 => {
                    let requests = Http1Requests::new(&shared.program, &plan.target, group.connection);
                    Requests::Http1(Arc::new(requests))
                }
                Protocol::Http2 => {
                    Requests::Http2(Arc::new(Http2Requests::new(&shared.program, &plan.target)))
                }
            },
            seeds: seeds.fork(),
        })
    };
    plan.clients.iter().map(maker).collect()
}

// === impl LaneMaker ===

impl LaneMaker {
    /// How many clients the group begins with.
    pub(crate) fn clients(&self) -> usize {
        self.group.count
    }

    /// The lanes of one more client, numbered from `first`: one per stream of its connection.
    pub(crate) fn client(&mut self, first: usize) -> Vec<Lane> {
        let connection = Arc::new(SharedConnection::default());
        (first..first + self.group.streams).map(|index| self.lane(index, connection.clone())).collect()
    }

    fn lane(&mut self, index: usize, shared_connection: Arc<SharedConnection>) -> Lane {
        let (connector, kept) = (self.connector.clone(), self.group.connection);
        let program = self.shared.program.clone();
        let plan = &self.shared.plan;
        // Several groups have lanes of several widths: then each lane is dealt out for itself.
        let streams = if plan.clients.len() == 1 { self.group.streams } else { 1 };
        let number = plan.share.user(index, streams);
        let index = u32::try_from(index).expect("a validated plan has fewer lanes");
        let user = User::new(index, number, &program, self.seeds.fork());
        let client = match &self.requests {
            Requests::Http1(requests) => {
                let target = &self.shared.plan.target;
                let sockets = WebSocketClient::new(connector.clone(), program.clone(), target, kept);
                Client::Http1(Http1Client::new(connector, program, requests.clone(), kept), sockets)
            }
            Requests::Http2(requests) => {
                Client::Http2(Http2Client::new(connector, program, requests.clone(), kept, shared_connection))
            }
        };
        Lane {
            user,
            shared: self.shared.clone(),
            client,
            pause: self.group.pause,
            stop: self.stopper.signal(),
            ids: LaneIds::default(),
        }
    }
}
