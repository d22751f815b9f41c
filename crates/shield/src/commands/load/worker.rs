//! `shield load worker`: makes load for coordinators that know its key.

use rustix::system::uname;
use serde_json::json;
use shield_load::{Worker, WorkerIdentity};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    cli::{LoadWorkerArguments, OutputFormat},
    commands::daemon::raise_descriptor_limit,
    exit::{Exit, Failure},
    output::{self, write::say},
};

/// Prints the address for `--workers`, then serves until Ctrl-C or SIGTERM.
pub(crate) async fn run(arguments: LoadWorkerArguments, format: OutputFormat) -> Result<(), Failure> {
    raise_descriptor_limit();
    let identity = match &arguments.key_file {
        Some(path) => WorkerIdentity::kept_in(path),
        None => WorkerIdentity::fresh(),
    };
    let identity = identity.map_err(|error| {
        let hint = "pass a file that `--key-file` made, with mode 600, or one that is not there";
        Failure::new(Exit::NotRecorded, &error, &[hint.to_owned()])
    })?;
    let worker = Worker::bind(arguments.listen, identity).await.map_err(|error| {
        Failure::new(Exit::Usage, &error, &["pass another address with --listen".to_owned()])
    })?;
    let address = worker.address().map_err(|error| Failure::unexpected("find the worker's port", &error))?;
    let host = if address.ip().is_unspecified() {
        format!("{}:{}", uname().nodename().to_string_lossy(), address.port())
    } else {
        address.to_string()
    };
    let address = format!("{host}#{}", worker.key());
    // Before the line: whoever reads it may send a signal at once.
    let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    let [interrupt, terminate] =
        signals.map(|signal| signal.map_err(|error| Failure::unexpected("listen for signals", &error)));
    let (mut interrupt, mut terminate) = (interrupt?, terminate?);
    match format {
        OutputFormat::Text => say!("{address}"),
        OutputFormat::Json => output::json(&json!({ "worker": address })),
    }
    // An address that nobody got is no use to anybody.
    if let Some(error) = output::write::lost() {
        return Err(Failure::unexpected("print the worker's address", error));
    }
    let told = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    worker.serve(told).await;
    Ok(())
}
