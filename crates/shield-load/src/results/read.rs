//! Reads stored results, and refuses what another version meant by them.

use serde::Deserialize;
use thiserror::Error;

use crate::results::contradiction::contradiction;
use crate::results::model::{RESULTS_FORMAT, RunResults};

/// A text is not the results of a run, or not in the format of this version.
#[derive(Debug, Error)]
pub enum ReadResultsError {
    /// No JSON object with a number named `format`.
    #[error("find the number `format` that a results document begins with")]
    NoDocument {
        /// What is wrong, and where.
        #[source]
        source: serde_json::Error,
    },
    /// Written by another version.
    #[error("read results of format `{found}`: this version reads format `{RESULTS_FORMAT}` only")]
    OtherFormat {
        /// What it says it is.
        found: u64,
    },
    /// The right format, and a field that is not right.
    #[error("read results of format `{RESULTS_FORMAT}`")]
    Malformed {
        /// What is wrong, and where.
        #[source]
        source: serde_json::Error,
    },
    /// Every field is right, and together they cannot be true.
    #[error("believe results that contradict themselves: {problem}")]
    Contradiction {
        /// What does not fit.
        problem: String,
    },
}

/// The one field that every version has.
#[derive(Deserialize)]
struct AnyFormat {
    format: u64,
}

/// Reads what `serde_json` wrote of a [`RunResults`]. Its verdict is kept, and refused when its figures contradict it.
pub fn read_results(text: &str) -> Result<RunResults, ReadResultsError> {
    let AnyFormat { format } =
        serde_json::from_str(text).map_err(|source| ReadResultsError::NoDocument { source })?;
    if format != u64::from(RESULTS_FORMAT) {
        return Err(ReadResultsError::OtherFormat { found: format });
    }
    let results = serde_json::from_str(text).map_err(|source| ReadResultsError::Malformed { source })?;
    match contradiction(&results) {
        Some(problem) => Err(ReadResultsError::Contradiction { problem }),
        None => Ok(results),
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use serde_json::Value;

    use super::read_results;
    use crate::output::sample;

    #[test]
    fn written_results_are_read_back() {
        for results in [sample::results(), sample::hostile_results(), sample::passed_results()] {
            let text = serde_json::to_string(&results).unwrap();
            assert_eq!(read_results(&text).unwrap(), results);
        }
    }

    #[test]
    fn contradictions_are_refused() {
        let mut results = sample::passed_results();
        results.totals.unsent += 5;
        let error = read_results(&serde_json::to_string(&results).unwrap()).unwrap_err();
        let told = error.to_string();
        assert!(
            told.starts_with("believe results that contradict themselves: ")
                && told.contains("5 were not sent"),
            "{told}"
        );
    }

    /// Names of the fields of all objects, but for those two whose keys are values.
    fn fields(value: &Value) -> Vec<String> {
        match value {
            Value::Object(object) => {
                let below = object
                    .iter()
                    .filter(|(name, _)| !["statuses", "failed_by_kind"].contains(&name.as_str()));
                let below = below.flat_map(|(_, value)| fields(value));
                object.keys().cloned().chain(below).collect()
            }
            Value::Array(entries) => entries.iter().flat_map(fields).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn reference_lists_every_field() {
        let reference = include_str!("../../../../docs/load-results.md");
        let document = serde_json::to_value(sample::results()).unwrap();
        let names = fields(&document);
        assert!(names.contains(&"recovered_after_s".to_owned()) && names.contains(&"duplicate".to_owned()));
        for name in names {
            assert!(reference.contains(&format!("`{name}`")), "`{name}` is not in docs/load-results.md");
        }
    }

    #[test]
    fn other_formats_are_refused_whatever_they_hold() {
        let error = read_results(r#"{"format": 2, "anything": []}"#).unwrap_err();
        assert_eq!(error.to_string(), "read results of format `2`: this version reads format `1` only");
    }

    #[test]
    fn unknown_and_missing_fields_are_named() {
        let text = serde_json::to_string(&sample::results()).unwrap();
        let unknown = read_results(&text.replacen("\"seed\"", "\"sead\"", 1)).unwrap_err();
        assert!(unknown.source().unwrap().to_string().contains("`sead`"), "{unknown:?}");
        let missing = read_results(r#"{"format": 1}"#).unwrap_err();
        assert!(missing.source().unwrap().to_string().contains("`tool`"), "{missing:?}");
        let other = read_results("PASSED").unwrap_err();
        assert_eq!(other.to_string(), "find the number `format` that a results document begins with");
    }
}
