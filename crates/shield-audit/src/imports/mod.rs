//! One import graph of a Python project and of what is installed for it.
//!
//! It serves broken imports ([`Surveyor`]), their repair ([`FilePlan`], [`NewFile`]), what fails when modules are loaded ([`Loader`]),
//! reachability of installed code ([`reach`]) and findings about packaging ([`Packaging`]). Nothing is imported or run: a [`Layout`]
//! says where modules lie, an [`Inventory`] which there are, a [`Library`] what each text says. Files come from [`Files`], so that all of it
//! can be fed with text.

mod broken;
mod circle;
mod commands;
mod conditions;
mod declared;
mod distributions;
mod dynamic;
mod elsewhere;
mod environment;
mod extract;
mod facts;
mod files;
mod finder;
mod folders;
mod hollow;
mod ini;
mod inventory;
mod kin;
mod layout;
mod left_out;
mod library;
mod lists;
mod load;
mod machine_code;
mod manifest;
mod named;
mod opening;
mod own_path;
mod packaging;
mod plan;
mod portions;
mod reach;
mod reading;
mod relocate;
mod resolve;
mod rewrite;
mod standard;
mod started;
mod sure;
mod survey;
mod syntax;
#[cfg(test)]
mod tests;
mod undefined;
mod units;
mod vain;

pub use broken::{Broken, Cause, Declaration, Doubt, Doubtful, Misnamed, Survey};
pub use conditions::Target;
pub use declared::Declared;
pub use distributions::{Distribution, Distributions};
pub use extract::facts;
pub use facts::{Bound, Facts, Guard, Import, ImportedName, Mention, Origin, What, When};
pub use files::{Disk, Entry, EntryKind, Files, Memory};
pub use inventory::{Home, Inventory, Module, ModuleId, SearchRoot, Shadowed, Shape, Unread};
pub use layout::{Layout, RootReason, Surroundings};
pub use library::{Library, Presence};
pub use load::{LoadCause, LoadFailure, Loader};
pub use manifest::{NewFile, missing_manifest};
pub use named::{Named, named};
pub use packaging::{
    BROKEN_IMPORT, CIRCULAR_IMPORT, DEAD_PYTEST, HIDDEN_FILE, NO_INIT, NO_MANIFEST, Packaging, REFUSED_FILE,
    SHADOWS_STANDARD, UNDECLARED_IMPORT, UNDEFINED_NAME,
};
pub use plan::{ApplyEditsError, Edit, FilePlan, apply};
pub(crate) use reach::is_for_tests;
pub use reach::{Link, Reach, Usage, Via, reach};
pub(crate) use reading::Reading;
pub use resolve::{Found, Missing, Resolver};
pub use standard::PythonVersion;
pub use survey::Surveyor;
pub use syntax::SyntaxFault;
pub use undefined::{Undefined, undefined};
pub(crate) use vain::Vain;
