//! `shield history`: finished releases.

use shield_control::admin::AdminClient;

use crate::{
    cli::{OutputFormat, Place},
    context::existing_layout,
    exit::{Exit, Failure},
    output,
};

pub(crate) async fn run(place: &Place, format: OutputFormat) -> Result<(), Failure> {
    let client = AdminClient::new(&existing_layout(place, Exit::NoControlPlane)?);
    let history = client.history().await.map_err(|error| Failure::admin(&error))?;
    output::history::print(&history, format);
    Ok(())
}
