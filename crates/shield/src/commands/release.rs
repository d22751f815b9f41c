//! `shield release`: an artifact straight into production.

use shield_control::pipeline::release_artifact;

use super::ship::{control, failure, interruptible, order, recorded};
use crate::{
    cli::{OutputFormat, Place, ReleaseArguments},
    context::Context,
    exit::Failure,
    output::{self, Reporter},
};

pub(crate) async fn run(
    place: &Place,
    arguments: &ReleaseArguments,
    format: OutputFormat,
) -> Result<(), Failure> {
    let context = Context::open(place)?;
    let mut reporter = Reporter::new(format);
    let status = control(&context, &mut reporter).await?;
    let path = match &arguments.artifact {
        Some(path) => path.clone(),
        None => context.project.join(&context.manifest.stages.build.artifact),
    };
    let order = order(&context)?;
    let outcome = interruptible(release_artifact(&order, &path, &mut |event| reporter.tell(event))).await?;
    let summary = outcome.map_err(|error| failure(&error))?;
    reporter.finish();
    output::summary::print(&context, &status, &summary, format);
    recorded(&summary)
}
