//! One module per command.

mod accept;
mod advisories;
pub(crate) mod audit;
mod audit_files;
pub(crate) mod bench;
pub(crate) mod daemon;
pub(crate) mod down;
pub(crate) mod drill;
pub(crate) mod evidence;
mod faults;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod load;
pub(crate) mod logs;
mod mend;
pub(crate) mod release;
mod replay;
mod reports;
pub(crate) mod rollback;
mod rule_files;
pub(crate) mod ship;
pub(crate) mod status;
pub(crate) mod up;
mod verify_vex;
