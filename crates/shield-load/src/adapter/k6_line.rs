//! One sample of k6: a line of CSV.

use csv::StringRecord;

use super::context::ParseForeignError;
use super::tool::ForeignTool;
use crate::measure::failure::FailureKind;

const OUTPUT: &str = "the samples";

/// Where the columns are; system tags can be switched off, so only the first three are certain.
pub(super) struct Columns {
    pub(super) metric: usize,
    pub(super) timestamp: usize,
    pub(super) value: usize,
    error: Option<usize>,
    error_code: Option<usize>,
    expected: Option<usize>,
    group: Option<usize>,
    method: Option<usize>,
    name: Option<usize>,
    scenario: Option<usize>,
    status: Option<usize>,
}

/// One line.
pub(super) struct Sample<'a> {
    pub(super) record: &'a StringRecord,
    pub(super) columns: &'a Columns,
    pub(super) second: u64,
}

// === impl Columns ===

impl Columns {
    pub(super) fn find(header: &StringRecord) -> Result<Self, ParseForeignError> {
        let find = |name: &str| header.iter().position(|column| column == name);
        let certain = |column: &'static str| {
            find(column).ok_or(ParseForeignError::Column { tool: ForeignTool::K6, output: OUTPUT, column })
        };
        Ok(Self {
            metric: certain("metric_name")?,
            timestamp: certain("timestamp")?,
            value: certain("metric_value")?,
            error: find("error"),
            error_code: find("error_code"),
            expected: find("expected_response"),
            group: find("group"),
            method: find("method"),
            name: find("name"),
            scenario: find("scenario"),
            status: find("status"),
        })
    }
}

// === impl Sample ===

impl Sample<'_> {
    /// Empty when k6 does not write it.
    fn tag(&self, column: Option<usize>) -> &str {
        column.and_then(|column| self.record.get(column)).unwrap_or_default()
    }

    /// What k6 takes for a good answer; everything, when the script told it not to judge.
    pub(super) fn expected(&self) -> bool {
        self.tag(self.columns.expected) != "false"
    }

    /// None when there was no answer, for which k6 writes 0.
    pub(super) fn status(&self) -> Option<u16> {
        self.tag(self.columns.status).parse().ok().filter(|status| *status > 0)
    }

    /// Scenario and name.
    pub(super) fn step(&self) -> (String, String) {
        let group = self.tag(self.columns.group).trim_start_matches("::");
        let request = format!("{} {}", self.tag(self.columns.method), self.tag(self.columns.name));
        let name = if group.is_empty() { request } else { format!("{group}: {request}") };
        (self.tag(self.columns.scenario).to_owned(), name)
    }

    /// By k6's error codes; those that have no kind of ours keep their number.
    pub(super) fn failure_kind(&self) -> String {
        let code = self.tag(self.columns.error_code);
        let kind = match code.parse().unwrap_or(0_u16) {
            1050 => FailureKind::Timeout,
            1200..=1201 | 1220 => FailureKind::Reset,
            1210..=1211 | 1213 => FailureKind::ConnectFailed,
            1212 => FailureKind::ConnectRefused,
            1300..=1399 => FailureKind::Tls,
            1400..=1499 => FailureKind::StatusClientError,
            1500..=1599 => FailureKind::StatusServerError,
            1600..=1699 => FailureKind::StreamReset,
            0 => FailureKind::StatusUnexpected,
            _ => return format!("k6-error-{code}"),
        };
        kind.to_string()
    }

    pub(super) fn failure_cause(&self) -> String {
        let (_, step) = self.step();
        let status = self.tag(self.columns.status);
        let error = self.tag(self.columns.error);
        format!("{}  {step}: status {status} {error}", self.failure_kind())
    }
}

pub(super) fn number<T: std::str::FromStr>(
    record: &StringRecord,
    index: usize,
    column: &'static str,
) -> Result<T, ParseForeignError> {
    let text = record.get(index).unwrap_or_default();
    text.parse().map_err(|_| not_a_number(record, index, column))
}

pub(super) fn not_a_number(record: &StringRecord, index: usize, column: &'static str) -> ParseForeignError {
    let text = record.get(index).unwrap_or_default().chars().take(80).collect();
    ParseForeignError::Number { tool: ForeignTool::K6, output: OUTPUT, column, text }
}

pub(super) fn damaged(source: csv::Error) -> ParseForeignError {
    ParseForeignError::Csv { tool: ForeignTool::K6, output: OUTPUT, source }
}
