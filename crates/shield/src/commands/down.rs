//! `shield down`: nothing runs any more.

use std::time::Duration;

use shield_control::admin::{AdminClient, AdminError};
use tokio::time::sleep;

use super::ship::interruptible;
use crate::{
    cli::{OutputFormat, Place},
    context::existing_layout,
    exit::Failure,
    output,
};

pub(crate) async fn run(place: &Place, format: OutputFormat) -> Result<(), Failure> {
    let client = AdminClient::new(&existing_layout(place)?);
    match client.down().await {
        Ok(()) => {}
        Err(AdminError::Unreachable { .. }) => {
            output::message(format, "down", "nothing was running");
            return Ok(());
        }
        Err(error) => return Err(Failure::admin(&error)),
    }
    // The control plane bounds this wait: it drains for at most the service's drain, then stops what is left.
    interruptible(async {
        // Any other error is a control plane that is still busy stopping things.
        while !matches!(client.status().await, Err(AdminError::Unreachable { .. })) {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await?;
    output::message(format, "down", "everything is stopped; `shield up` starts the live release again");
    Ok(())
}
