//! The command line of `shield drill`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use shield_control::drill::DrillName;
use shield_types::EnvironmentName;

#[derive(Debug, Subcommand)]
pub(crate) enum DrillCommand {
    /// Every drill: what it believes, what it breaks, who may be hurt, what undoes it.
    List,
    /// Break something on purpose, and say whether what was believed about it is true.
    Run(DrillRunArguments),
}

#[derive(Debug, Args)]
pub(crate) struct DrillRunArguments {
    /// Drills to run, in this order; `shield drill list` names them.
    #[arg(value_name = "NAME", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) names: Vec<DrillName>,
    /// Every drill that is possible here.
    #[arg(long)]
    pub(crate) all: bool,
    /// What is drilled; `[drill] environments` in shield.toml must name it.
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub(crate) environment: EnvironmentName,
    /// Write one self-contained HTML page with plots; of several drills one each, with its name before the ending.
    #[arg(long = "html", value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write a JSON list of everything each drill found.
    #[arg(long = "json", value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}
