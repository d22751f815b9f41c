//! Outputs of text, one finding a line.

use std::path::Path;

use regex::Regex;

use super::{ReadOutputError, path::relative, span};
use crate::{
    finding::{Place, Severity},
    foreign::{About, Observation, Output},
    imports::Unread,
};

/// What lines of one form say.
#[derive(Debug)]
pub(crate) struct Lines {
    /// Finds such a line: groups `file`, and if it has them `line`, `column`, `rule`, `message`.
    pub(crate) line: &'static str,
    /// What it says.
    pub(crate) says: Says,
}

/// What a line says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Says {
    /// A finding; with a rule and a message where the line has none.
    Found {
        /// What the tool is about.
        rule: &'static str,
        /// In words.
        message: &'static str,
    },
    /// That a file was not looked at; `message` says why.
    NotLookedAt,
    /// Nothing.
    Chatter,
}

/// Reads a text.
pub(super) fn read(tool: &str, forms: &[Lines], text: &str, root: &Path) -> Result<Output, ReadOutputError> {
    let compiled: Vec<(Regex, Says)> = forms
        .iter()
        .map(|form| (Regex::new(form.line).expect("a constant that a test uses"), form.says))
        .collect();
    let mut output = Output::default();
    let mut strange = Vec::new();
    let mut understood = false;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let found = compiled.iter().find_map(|(regex, says)| Some((regex.captures(line)?, *says)));
        let Some((groups, says)) = found else {
            strange.push(line);
            continue;
        };
        understood |= !matches!(says, Says::Chatter);
        let group = |name: &str| groups.name(name).map(|found| found.as_str());
        let number = |name: &str| group(name)?.parse().ok();
        let file = relative(group("file").unwrap_or_default(), root);
        match says {
            Says::Chatter => {}
            Says::NotLookedAt => {
                output.unread.push(Unread { path: file, reason: short(group("message").unwrap_or(line)) });
            }
            Says::Found { rule, message } => output.observations.push(
                Observation {
                    place: Place { file, span: span(number("line"), number("column"), None, None) },
                    tool: tool.to_owned(),
                    rule: group("rule").unwrap_or(rule).to_owned(),
                    severity: Severity::Info,
                    cwes: Vec::new(),
                    message: group("message").unwrap_or(message).to_owned(),
                    about: About::Code,
                }
                .tidy(),
            ),
        }
    }
    match (strange.first(), understood) {
        (Some(line), false) => Err(ReadOutputError::Text { tool: tool.to_owned(), line: short(line) }),
        (Some(line), true) => {
            let reason =
                format!("{} lines are not understood, the first is `{}`", strange.len(), short(line));
            output.unread.push(Unread { path: format!("output of {tool}"), reason });
            Ok(output)
        }
        (None, _) => Ok(output),
    }
}

fn short(line: &str) -> String {
    line.trim().chars().take(120).collect()
}
