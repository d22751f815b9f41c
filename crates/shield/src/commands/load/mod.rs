//! `shield load`: a run, a comparison, reports of stored results, a worker.

mod compare;
mod order;
mod report;
mod run;
mod worker;

use crate::{
    cli::{LoadArguments, LoadCommand, OutputFormat},
    exit::Failure,
};

pub(crate) async fn run(arguments: LoadArguments, format: OutputFormat) -> Result<(), Failure> {
    match arguments.command {
        None => run::run(arguments.run, format).await,
        Some(LoadCommand::Compare(arguments)) => compare::run(arguments, format).await,
        Some(LoadCommand::Report(arguments)) => report::run(&arguments, format),
        Some(LoadCommand::Worker(arguments)) => worker::run(arguments, format).await,
    }
}
