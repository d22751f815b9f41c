//! The mistakes in one request, collected instead of stopping at the first.
//!
//! All are counted and the first are kept, so that a small request cannot ask for a huge answer.

use super::problem::{FieldError, Location, Problem};

/// Mistakes listed in one answer.
const ERRORS_MAX: usize = 32;

/// What is not accepted in a request, so far.
#[derive(Debug, Default)]
pub(super) struct Mistakes {
    first: Vec<FieldError>,
    count: usize,
}

// === impl Mistakes ===

impl Mistakes {
    /// Counts one mistake at `pointer`, a field or a place below it (`urls/3`).
    pub(super) fn add(&mut self, location: Location, pointer: &str, detail: String) {
        self.count += 1;
        if self.first.len() < ERRORS_MAX {
            self.first.push(FieldError { location, pointer: format!("#/{pointer}"), detail });
        }
    }

    /// `value`, when there were none.
    pub(super) fn none_or<T>(self, value: T) -> Result<T, Problem> {
        let counted = match self.count {
            0 => return Ok(value),
            1 => "1 field is not accepted, see `errors`".to_owned(),
            count if count > ERRORS_MAX => {
                format!("{count} fields are not accepted, the first {ERRORS_MAX} are in `errors`")
            }
            count => format!("{count} fields are not accepted, see `errors`"),
        };
        Err(Problem::invalid(counted, self.first))
    }
}
