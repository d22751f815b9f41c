//! The processes that `shield` itself starts.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shield_control::{Layout, RunControlError, StartControlError, run_control};
use shield_edge::{EdgeOptions, serve};
use shield_load::guard_main;

use crate::{
    cli::{ControlArguments, EdgeArguments},
    exit::{Exit, Failure},
};

/// `shield control`: the control plane, until everything was taken down or it is told to end.
pub(crate) async fn control(arguments: &ControlArguments) -> Result<(), Failure> {
    let layout =
        Layout::open(&arguments.root).map_err(|error| Failure::new(Exit::NotRecorded, &error, &[]))?;
    run_control(layout).await.map_err(|error| {
        let hint =
            "stop that process, or give the edge another address: `edge.https`, `edge.http` in shield.toml";
        let taken = matches!(&error, RunControlError::Start { source: StartControlError::Bind { .. } });
        let hints: Vec<String> = taken.then(|| hint.to_owned()).into_iter().collect();
        Failure::new(Exit::NoControlPlane, &error, &hints)
    })
}

/// `shield edge`: the reverse proxy, until drained.
pub(crate) async fn edge(arguments: EdgeArguments) -> Result<(), Failure> {
    raise_descriptor_limit();
    serve(EdgeOptions { socket: arguments.socket })
        .await
        .map_err(|error| Failure::new(Exit::NoControlPlane, &error, &[]))
}

/// `shield fault-guard`: undoes faults when it is told, or when nobody is left to tell it.
pub(crate) fn fault_guard() -> Result<(), Failure> {
    guard_main().map_err(|error| Failure::new(Exit::Unexpected, &error, &[]))
}

/// Every client takes a descriptor, and another towards its instance; shells start with a limit of 1,024.
pub(crate) fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the descriptor limit stays at {:?}", limit.current);
    }
}
