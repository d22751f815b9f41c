//! What a target says about itself, in Prometheus' text format.
//!
//! Reads version 0.0.4 and what OpenMetrics adds to a line of it (exemplars, timestamps with decimals), since targets send
//! either. A histogram's lines are samples like any other. Comments say nothing that a look-up needs; timestamps are
//! read and dropped, because what is scraped is taken as of the scrape. A line that is neither is an error: half of an
//! exposition proves nothing. The text comes from the network, so that its length and the number of its samples are bounded.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::CharIndices;

use thiserror::Error;

/// Longest text that is read.
pub const EXPOSITION_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most samples of one text.
const SAMPLES_MAX: usize = 200_000;
/// Most labels of one sample.
const LABELS_MAX: usize = 64;

/// Every sample of one scrape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition {
    /// In the order of the text.
    pub samples: Vec<Sample>,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Of the metric; that of a histogram's line has its suffix.
    pub name: String,
    /// Names and values.
    pub labels: BTreeMap<String, String>,
    /// May be NaN or infinite.
    pub value: f64,
}

/// The text is no exposition.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadExpositionError {
    /// More than is read.
    #[error("read metrics of `{bytes}` bytes: at most {EXPOSITION_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// More samples than are kept.
    #[error("read metrics of more than `{SAMPLES_MAX}` samples")]
    TooMany,
    /// A line that is no sample.
    #[error("read line `{line}` of the metrics: {problem}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// The rest of one line.
struct Cursor<'t> {
    text: &'t str,
}

// === impl Exposition ===

impl Exposition {
    /// Reads one scrape.
    pub fn parse(text: &str) -> Result<Self, ReadExpositionError> {
        if text.len() > EXPOSITION_BYTES_MAX {
            return Err(ReadExpositionError::TooLong { bytes: text.len() });
        }
        let mut samples = Vec::new();
        for (index, line) in text.split('\n').enumerate() {
            let line = line.trim_matches([' ', '\t', '\r']);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if samples.len() == SAMPLES_MAX {
                return Err(ReadExpositionError::TooMany);
            }
            let sample = Sample::parse(line);
            samples.push(sample.map_err(|problem| ReadExpositionError::Line { line: index + 1, problem })?);
        }
        Ok(Self { samples })
    }

    /// The sum of the samples of this name that have all of these labels, whatever others they have; none if there is no
    /// such sample.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &BTreeMap<String, String>) -> Option<f64> {
        let wanted = |sample: &&Sample| {
            sample.name == name && labels.iter().all(|(label, value)| sample.labels.get(label) == Some(value))
        };
        self.samples.iter().filter(wanted).map(|sample| sample.value).reduce(|sum, value| sum + value)
    }
}

// === impl Sample ===

impl Sample {
    fn parse(line: &str) -> Result<Self, &'static str> {
        let mut rest = Cursor { text: line };
        let name = rest.name(":").ok_or("it does not begin with a metric's name")?.to_owned();
        rest.skip_blanks();
        let labels = if rest.take('{') { rest.labels()? } else { BTreeMap::new() };
        // An exemplar follows the value after a blank and `#`.
        let mut words = rest.text.split([' ', '\t']).filter(|word| !word.is_empty());
        let value = words.next().and_then(number).ok_or("there is no value")?;
        match words.next() {
            None | Some("#") => {}
            Some(timestamp) => {
                number(timestamp).ok_or("what follows the value is no timestamp")?;
                if words.next().is_some_and(|word| word != "#") {
                    return Err("something follows the timestamp");
                }
            }
        }
        Ok(Self { name, labels, value })
    }
}

/// `NaN`, `+Inf` and the like are numbers too.
fn number(word: &str) -> Option<f64> {
    word.parse().ok()
}

// === impl Cursor ===

impl<'t> Cursor<'t> {
    fn skip_blanks(&mut self) {
        self.text = self.text.trim_start_matches([' ', '\t']);
    }

    fn take(&mut self, wanted: char) -> bool {
        let stripped = self.text.strip_prefix(wanted);
        self.text = stripped.unwrap_or(self.text);
        stripped.is_some()
    }

    /// A name of letters, digits, `_` and `besides`, that does not begin with a digit.
    fn name(&mut self, besides: &str) -> Option<&'t str> {
        let part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || besides.contains(letter);
        let end = self.text.find(|letter| !part(letter)).unwrap_or(self.text.len());
        let (name, rest) = self.text.split_at(end);
        let named = !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit());
        self.text = rest;
        named.then_some(name)
    }

    /// What follows `{`, to the `}` and with it. A comma may stand before that.
    fn labels(&mut self) -> Result<BTreeMap<String, String>, &'static str> {
        let mut labels = BTreeMap::new();
        loop {
            self.skip_blanks();
            if self.take('}') {
                return Ok(labels);
            }
            let name = self.name("").ok_or("a label has no name")?;
            self.skip_blanks();
            if !self.take('=') {
                return Err("a label has no `=`");
            }
            self.skip_blanks();
            if !self.take('"') {
                return Err("a label's value has no quote");
            }
            if labels.insert(name.to_owned(), self.quoted()?).is_some() {
                return Err("a label is given twice");
            }
            if labels.len() > LABELS_MAX {
                return Err("there are too many labels");
            }
            self.skip_blanks();
            if !self.take(',') && !self.text.starts_with('}') {
                return Err("labels are not separated by commas");
            }
        }
    }

    /// What follows a quote, to the next one and with it.
    fn quoted(&mut self) -> Result<String, &'static str> {
        let mut value = String::new();
        let mut letters = self.text.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.text = &self.text[at + 1..];
                    return Ok(value);
                }
                '\\' => value.push_str(escaped(&mut letters)),
                _ => value.push(letter),
            }
        }
        Err("a label's value has no end")
    }
}

/// What a backslash and the letter after it mean. Before any other letter it is only itself.
fn escaped(letters: &mut Peekable<CharIndices<'_>>) -> &'static str {
    let meaning = match letters.peek() {
        Some((_, '\\')) => "\\",
        Some((_, '"')) => "\"",
        Some((_, 'n')) => "\n",
        _ => return "\\",
    };
    letters.next();
    meaning
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{Exposition, LABELS_MAX, ReadExpositionError, SAMPLES_MAX};

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn problem(text: &str) -> String {
        Exposition::parse(text).unwrap_err().to_string()
    }

    /// The example of the format's own documentation, with its oddities.
    const DOCUMENTED: &str = r#"# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9

# Minimalistic line:
metric_without_timestamp_and_labels 12.47

# A weird metric from before the epoch:
something_weird{problem="division by zero"} +Inf -3982045

http_request_duration_seconds_bucket{le="0.05"} 24054
http_request_duration_seconds_bucket{le="+Inf"} 144320
http_request_duration_seconds_sum 53423
http_request_duration_seconds_count 144320
"#;

    #[test]
    fn reads_what_the_format_documents() {
        let read = Exposition::parse(DOCUMENTED).unwrap();
        assert_eq!(read.samples.len(), 9);
        assert_eq!(read.sum("http_requests_total", &labels(&[("code", "400")])), Some(3.0));
        assert_eq!(read.sum("http_requests_total", &labels(&[])), Some(1030.0));
        assert_eq!(read.sum("http_requests_total", &labels(&[("code", "500")])), None);
        assert_eq!(read.sum("http_requests", &labels(&[])), None);
        let path = labels(&[("path", r"C:\DIR\FILE.TXT"), ("error", "Cannot find file:\n\"FILE.TXT\"")]);
        assert_eq!(read.sum("msdos_file_access_time_seconds", &path), Some(1.458255915e9));
        assert_eq!(read.sum("something_weird", &labels(&[])), Some(f64::INFINITY));
        let bucket = read.sum("http_request_duration_seconds_bucket", &labels(&[("le", "+Inf")]));
        assert_eq!(bucket, Some(144_320.0));
    }

    #[test]
    fn reads_what_openmetrics_adds() {
        let text = "a_total{x=\"1\",} 3.0 1520879607.789 # {trace=\"b\"} 0.5\r\nb NaN # {} 1\n# EOF\n";
        let read = Exposition::parse(text).unwrap();
        assert_eq!(read.sum("a_total", &labels(&[("x", "1")])), Some(3.0));
        assert!(read.samples[1].value.is_nan());
    }

    #[test]
    fn names_the_line_that_is_no_sample() {
        for (line, why) in [
            ("1a 2", "does not begin with a metric's name"),
            ("{a=\"b\"} 2", "does not begin with a metric's name"),
            ("a", "there is no value"),
            ("a b", "there is no value"),
            ("a{b=\"c\"}", "there is no value"),
            ("a 1 b", "no timestamp"),
            ("a 1 2 3", "follows the timestamp"),
            ("a{=\"c\"} 1", "has no name"),
            ("a{b\"c\"} 1", "has no `=`"),
            ("a{b=c} 1", "has no quote"),
            ("a{b=\"c} 1", "has no end"),
            ("a{b=\"c\\\"} 1", "has no end"),
            ("a{b=\"c\" d=\"e\"} 1", "not separated"),
            ("a{b=\"c\",b=\"d\"} 1", "given twice"),
            ("a{b=\"c\"", "not separated"),
        ] {
            let problem = problem(&format!("ok 1\n{line}\n"));
            assert!(problem.contains("line `2`") && problem.contains(why), "{line}: {problem}");
        }
    }

    #[test]
    fn hostile_lengths_are_refused() {
        assert_eq!(Exposition::parse(&"a 1\n".repeat(SAMPLES_MAX)).unwrap().samples.len(), SAMPLES_MAX);
        let too_many = Exposition::parse(&"a 1\n".repeat(SAMPLES_MAX + 1));
        assert_eq!(too_many, Err(ReadExpositionError::TooMany));
        let pairs: String = (0..=LABELS_MAX).map(|number| format!("l{number}=\"\",")).collect();
        assert!(problem(&format!("a{{{pairs}}} 1")).contains("too many labels"));
        assert!(problem(&"#".repeat(super::EXPOSITION_BYTES_MAX + 1)).contains("16777217"));
    }

    fn written(name: &str, labels: &BTreeMap<String, String>, value: f64) -> String {
        let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let pairs: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
        format!("{name}{{{}}} {value:?}\n", pairs.join(","))
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in "\\PC*") {
            let _ = Exposition::parse(&text);
        }

        #[test]
        fn any_tokens_are_judged(
            tokens in prop::collection::vec(
                prop::sample::select(vec![
                    "{", "}", "\"", "\\", ",", "=", "#", " ", "\t", "\n", "\r", "a", "1", "NaN", "+Inf", "-", "é", "\u{0}",
                ]),
                0..60,
            ),
        ) {
            let _ = Exposition::parse(&tokens.concat());
        }

        #[test]
        fn what_was_written_is_read(
            name in "[a-zA-Z_:][a-zA-Z0-9_:]{0,8}",
            pairs in prop::collection::btree_map("[a-zA-Z_][a-zA-Z0-9_]{0,8}", "[^\r]{0,12}", 0..4),
            value in prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::INFINITE,
        ) {
            let read = Exposition::parse(&written(&name, &pairs, value)).unwrap();
            prop_assert_eq!(read.samples.len(), 1);
            prop_assert_eq!(&read.samples[0].labels, &pairs);
            prop_assert_eq!(read.sum(&name, &pairs), Some(value));
        }
    }
}
