//! What names mean in one file.
//!
//! Scopes are Python's: a name bound anywhere in a function is local to it, classes are not seen from their methods,
//! comprehensions and lambdas have their own. In the scope it is used in, a name means what was bound to it last before; seen
//! from an inner scope, what was bound last of all. A binding to `None` is passed over, since nobody calls it or reads an
//! attribute of it: `try: import x` / `except ImportError: x = None` means `x`.
//!
//! [`Names::resolve`] follows imports, aliases, attributes, `getattr` and `import_module` with literal names, and attributes of
//! `self`, to a dotted name as the interpreter would import it; names of the interpreter's own are in `builtins`. What it
//! cannot follow has no name: rules never guess.

mod bind;
mod resolve;
mod table;

pub use table::{At, Binding, Bound, Lookup, Names, Scope, ScopeId, ScopeKind};
