//! What lock files of JavaScript say.

mod keys;
mod package_lock;
mod pnpm_lock;

pub(super) use keys::KeyLines;
pub(super) use package_lock::read as read_package_lock;
pub(super) use pnpm_lock::read as read_pnpm_lock;
