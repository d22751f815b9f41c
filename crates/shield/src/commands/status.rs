//! `shield status`: what runs now.

use shield_control::admin::AdminClient;

use crate::{
    cli::{OutputFormat, Place},
    context::existing_layout,
    exit::{Exit, Failure},
    output,
};

pub(crate) async fn run(place: &Place, format: OutputFormat) -> Result<(), Failure> {
    let client = AdminClient::new(&existing_layout(place, Exit::NoControlPlane)?);
    let status = client.status().await.map_err(|error| Failure::admin(&error))?;
    output::status::print(&status, format);
    Ok(())
}
