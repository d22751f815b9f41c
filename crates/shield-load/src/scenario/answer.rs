//! What a step makes of its answer: checks, then what later steps use.

use std::borrow::Cow;

use http::HeaderMap;

use crate::scenario::model::{Demand, Extract, Place, Step};
use crate::scenario::user::User;

/// Why what a step wants may not have been found.
const CUT: &str = "the answer has more than 1 MiB, of which only the first is looked at";

/// What was kept of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept<'a> {
    pub(crate) headers: Option<&'a HeaderMap>,
    pub(crate) body: &'a [u8],
    /// The body was longer.
    pub(crate) cut: bool,
}

/// Reads an answer; the body is parsed at most once.
struct Reader<'a> {
    kept: Kept<'a>,
    /// None while nobody asked; the inner one is none when it is no JSON.
    json: Option<Option<serde_json::Value>>,
}

/// Judges an answer and keeps what the step extracts. Each check is told by its index in the step, with its outcome; an
/// error names the first thing that did not hold.
pub(crate) fn judge(
    step: &Step,
    kept: Kept<'_>,
    user: &mut User,
    mut told: impl FnMut(usize, bool),
) -> Result<(), String> {
    let mut reader = Reader { kept, json: None };
    let mut first_failed = None;
    for (index, check) in step.checks.iter().enumerate() {
        let held = reader.holds(&check.place, &check.demand, user);
        told(index, held);
        if !held && first_failed.is_none() {
            first_failed = Some(check);
        }
    }
    if let Some(check) = first_failed {
        return Err(kept.explained(&check.place, format!("check `{}` does not hold", check.name)));
    }
    for Extract { place, variable } in &step.extract {
        // A part of a body would pass for the whole one.
        let whole = !(kept.cut && *place == Place::Body);
        let value = whole.then(|| reader.text(place, user).map(Cow::into_owned)).flatten();
        user.keep(*variable, value.ok_or_else(|| kept.explained(place, format!("there is no {place}")))?);
    }
    Ok(())
}

// === impl Kept ===

impl Kept<'_> {
    /// What was not found at a place, and that it may have been where nobody looked.
    fn explained(&self, place: &Place, problem: String) -> String {
        match place {
            Place::Body | Place::Pointer(_) if self.cut => format!("{problem}: {CUT}"),
            _ => problem,
        }
    }
}

// === impl Reader ===

impl Reader<'_> {
    fn holds(&mut self, place: &Place, demand: &Demand, user: &User) -> bool {
        if let (Place::Pointer(pointer), Demand::Equals(wanted)) = (place, demand) {
            return self.pointed(pointer) == Some(wanted);
        }
        let Some(text) = self.text(place, user) else { return false };
        match demand {
            Demand::Present => true,
            Demand::Equals(serde_json::Value::String(wanted)) => text == wanted.as_str(),
            Demand::Equals(wanted) => text == wanted.to_string(),
            Demand::Contains(wanted) => text.contains(wanted.as_str()),
        }
    }

    fn pointed(&mut self, pointer: &str) -> Option<&serde_json::Value> {
        let body = self.kept.body;
        self.json.get_or_insert_with(|| serde_json::from_slice(body).ok()).as_ref()?.pointer(pointer)
    }

    fn text<'s>(&'s mut self, place: &Place, user: &'s User) -> Option<Cow<'s, str>> {
        match place {
            Place::Pointer(pointer) => Some(match self.pointed(pointer)? {
                serde_json::Value::String(text) => Cow::Borrowed(text),
                other => Cow::Owned(other.to_string()),
            }),
            Place::Header(name) => {
                let value = self.kept.headers?.get(name)?;
                Some(String::from_utf8_lossy(value.as_bytes()))
            }
            Place::Cookie(name) => user.cookies.get(name).map(Cow::Borrowed),
            Place::Body => Some(String::from_utf8_lossy(self.kept.body)),
        }
    }
}
