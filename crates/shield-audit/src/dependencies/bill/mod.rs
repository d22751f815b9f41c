//! Bills of materials: what a project is made of, for other tools.

mod cyclonedx;
mod shape;
mod spdx;

pub use cyclonedx::cyclonedx;
pub use shape::Bill;
pub use spdx::spdx;
