//! `shield rollback`: back to what worked.

use shield_control::{
    admin::{AdminClient, Progress, RollbackOrder},
    pipeline::{PipelineEvent, StageName},
};
use shield_release::ReleaseOutcome;
use shield_types::ReleaseId;

use super::ship::interruptible;
use crate::{
    cli::{OutputFormat, Place, RollbackArguments},
    context::{existing_layout, requester},
    exit::{Exit, Failure},
    output::Reporter,
};

pub(crate) async fn run(
    place: &Place,
    arguments: RollbackArguments,
    format: OutputFormat,
) -> Result<(), Failure> {
    let client = AdminClient::new(&existing_layout(place, Exit::NoControlPlane)?);
    let to = arguments.to.map(|text| text.parse::<ReleaseId>()).transpose();
    let to = to.map_err(|error| {
        Failure::new(Exit::Usage, &error, &["`shield history` lists the releases".to_owned()])
    })?;
    let brings_back = to.is_some();
    let before = client.status().await.map_err(|error| Failure::admin(&error))?;
    let underway = before.underway.map(|underway| underway.release);
    let seen = underway.clone().or(before.live);
    let underway = underway.filter(|_| !brings_back);
    let mut reporter = Reporter::new(format);
    let order = RollbackOrder { to, seen, requested_by: requester() };
    let observe = |progress: &Progress| {
        if let Progress::Moved { text, .. } | Progress::Note { text, .. } = progress {
            reporter.tell(PipelineEvent::Note { stage: StageName::Release, text: text.clone() });
        }
    };
    let ended =
        interruptible(client.rollback(&order, observe)).await?.map_err(|error| Failure::admin(&error))?;
    reporter.finish();
    let Progress::Finished { finished, .. } = ended else {
        return Err(Failure::plain(
            Exit::Unexpected,
            "the control plane answered out of order",
            "report this",
        ));
    };
    let taken_back = underway.is_some_and(|underway| underway == finished.spec.id);
    match (&finished.outcome, taken_back) {
        (ReleaseOutcome::Done, true) => {
            let message =
                format!("failed to roll back: {} was done before it could be taken back", finished.spec.id);
            Err(Failure::plain(
                Exit::ReleaseFailed,
                &message,
                "run the command again to bring the release before back",
            ))
        }
        (ReleaseOutcome::RolledBack { .. }, true) => {
            let live = finished.previous.as_ref().map_or("no release".to_owned(), ToString::to_string);
            reporter
                .result(&finished, &format!("{} was taken back; {live} has all traffic", finished.spec.id));
            Ok(())
        }
        (ReleaseOutcome::Done, false) => {
            let restored =
                finished.spec.restores.as_ref().map_or(String::new(), |id| format!(", which is {id} again"));
            reporter.result(&finished, &format!("{} has all traffic{restored}", finished.spec.id));
            Ok(())
        }
        (ReleaseOutcome::RolledBack { reason } | ReleaseOutcome::Kept { reason }, _) => {
            let message = format!("failed to roll back: {}: {reason}", finished.spec.id);
            Err(Failure::plain(
                Exit::ReleaseFailed,
                &message,
                "`shield status` shows what has the traffic now",
            ))
        }
    }
}
