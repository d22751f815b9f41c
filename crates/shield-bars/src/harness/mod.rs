//! What the bars share: building the programs, a project to release, load, the table of processes, and verdicts.

mod cargo;
mod client;
mod command;
mod cpu;
mod disk;
mod linkshield;
mod load;
mod manifest;
mod nodes;
mod people;
mod processes;
mod project;
mod report;
mod servers;
mod shield_load;
mod trouble;
mod working;

pub(crate) use cargo::{
    Programs, build_failpoints, build_linkshield, build_linkshield_example, build_programs, build_testkit,
    cargo_program, workspace,
};
pub(crate) use client::{HttpClient, Question, Reply};
pub(crate) use command::{Finished, run};
pub(crate) use cpu::{children_time, process_time, thread_time};
pub(crate) use disk::SmallDisk;
pub(crate) use linkshield::LinkShield;
pub(crate) use load::{https, plan, print_load, steady, wait_for_traffic};
pub(crate) use manifest::ManifestSettings;
pub(crate) use nodes::{NodeSettings, Nodes};
pub(crate) use people::{Login, Person, register};
pub(crate) use processes::{Running, kill, running};
pub(crate) use project::{Project, free_edge_port};
pub(crate) use report::Verdict;
pub(crate) use servers::{SmallServer, StallingServer};
pub(crate) use shield_load::{LoadRun, shield_load};
pub(crate) use trouble::{Result, Trouble, chain};
pub(crate) use working::{WorkSettings, WorkingServer};
