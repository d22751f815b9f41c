//! What files of Python say.

mod environment;
mod metadata;
mod pipfile;
mod pipfile_lock;
mod pyproject;
mod requirement;
mod requirements;
mod setup_cfg;
mod setup_py;

pub use environment::{Distribution, Environment, ReadEnvironmentError, read_environment};
pub(super) use metadata::read as read_metadata;
pub use metadata::{RecordedFile, read_record};
pub(super) use pipfile::read as read_pipfile;
pub(super) use pipfile_lock::read as read_pipfile_lock;
pub(super) use pyproject::read as read_pyproject;
pub(super) use requirements::read as read_requirements;
pub(super) use setup_cfg::read as read_setup_cfg;
pub(super) use setup_py::read as read_setup_py;
