//! Texts with placeholders: arguments and environment variables that name an instance's port, address and directories.
//!
//! `{artifact}`, `{address}`, `{port}` and `{data}` are placeholders; any other word of small letters in braces is a
//! mistake, so that a typing error never reaches a process. All other braces are plain text, and `{{word}}` stands for
//! the text `{word}`. Values are put in after the command was split into words, so that a space in a path splits nothing.

use std::{collections::BTreeMap, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

/// What the placeholders stand for in one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholders {
    /// Path of the artifact in the store.
    pub artifact: String,
    /// Address the instance listens on.
    pub address: IpAddr,
    /// Port the instance listens on.
    pub port: u16,
    /// Directory of the environment's data.
    pub data: String,
}

/// A text whose placeholders are all known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    text: String,
}

/// A start command: program and arguments, as templates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Template>", into = "Vec<Template>")]
pub struct StartCommand {
    words: Vec<Template>,
}

/// Environment variables, as templates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Variables(pub BTreeMap<String, Template>);

/// A text that is not a template, or a command that is not one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParseTemplateError {
    /// A placeholder that does not exist.
    #[error("resolve placeholder `{{{word}}}`: expected one of {PLACEHOLDERS}")]
    Placeholder {
        /// The word in the braces.
        word: String,
    },
    /// A quote without its partner.
    #[error("split `{text}` into words: a quote is not closed")]
    Quote {
        /// The command, cut at 80 characters.
        text: String,
    },
    /// Nothing to run.
    #[error("find a program in an empty command")]
    Empty,
}

/// Every placeholder, for messages.
pub(crate) const PLACEHOLDERS: &str = "`{artifact}`, `{address}`, `{port}`, `{data}`";

/// A stretch of a template.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Text(&'t str),
    Placeholder(&'t str),
}

// === impl Template ===

impl Template {
    /// The text with its placeholders replaced.
    pub fn expand(&self, values: &Placeholders) -> String {
        let mut expanded = String::new();
        for piece in pieces(&self.text) {
            match piece {
                Piece::Text(text) => expanded.push_str(text),
                Piece::Placeholder(word) => expanded.push_str(&values.value(word).unwrap_or_default()),
            }
        }
        expanded
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn mentions(&self, placeholder: &str) -> bool {
        pieces(&self.text).contains(&Piece::Placeholder(placeholder))
    }
}

impl FromStr for Template {
    type Err = ParseTemplateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        for piece in pieces(text) {
            if let Piece::Placeholder(word) = piece
                && !matches!(word, "artifact" | "address" | "port" | "data")
            {
                return Err(ParseTemplateError::Placeholder { word: word.chars().take(80).collect() });
            }
        }
        Ok(Self { text: text.to_owned() })
    }
}

impl TryFrom<String> for Template {
    type Error = ParseTemplateError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.text
    }
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, from_brace) = rest.split_at(open);
        pieces.push(Piece::Text(before));
        rest = if let Some(word) = braced(from_brace, "{{", "}}") {
            pieces.push(Piece::Text(&from_brace[1..word.len() + 3]));
            &from_brace[word.len() + 4..]
        } else if let Some(word) = braced(from_brace, "{", "}") {
            pieces.push(Piece::Placeholder(word));
            &from_brace[word.len() + 2..]
        } else {
            pieces.push(Piece::Text("{"));
            &from_brace[1..]
        };
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// The word of small letters that `text` starts with, between `open` and `close`.
fn braced<'t>(text: &'t str, open: &str, close: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(open)?;
    let letters = rest.bytes().take_while(|byte| byte.is_ascii_lowercase() || *byte == b'_').count();
    (letters > 0 && rest[letters..].starts_with(close)).then(|| &rest[..letters])
}

// === impl Placeholders ===

impl Placeholders {
    fn value(&self, word: &str) -> Option<String> {
        match word {
            "artifact" => Some(self.artifact.clone()),
            "address" => Some(self.address.to_string()),
            "port" => Some(self.port.to_string()),
            "data" => Some(self.data.clone()),
            _ => None,
        }
    }
}

// === impl StartCommand ===

impl StartCommand {
    /// Program and arguments for one instance; never empty.
    pub fn expand(&self, values: &Placeholders) -> Vec<String> {
        self.words.iter().map(|word| word.expand(values)).collect()
    }

    pub(crate) fn mentions(&self, placeholder: &str) -> bool {
        self.words.iter().any(|word| word.mentions(placeholder))
    }
}

impl FromStr for StartCommand {
    type Err = ParseTemplateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = shell_words::split(text)
            .map_err(|_| ParseTemplateError::Quote { text: text.chars().take(80).collect() })?;
        words.iter().map(|word| word.parse()).collect::<Result<Vec<Template>, _>>()?.try_into()
    }
}

impl TryFrom<Vec<Template>> for StartCommand {
    type Error = ParseTemplateError;

    fn try_from(words: Vec<Template>) -> Result<Self, Self::Error> {
        match words.first() {
            Some(program) if !program.text.is_empty() => Ok(Self { words }),
            _ => Err(ParseTemplateError::Empty),
        }
    }
}

impl From<StartCommand> for Vec<Template> {
    fn from(command: StartCommand) -> Self {
        command.words
    }
}

// === impl Variables ===

impl Variables {
    /// Names and values for one instance.
    pub fn expand(&self, values: &Placeholders) -> BTreeMap<String, String> {
        self.0.iter().map(|(name, template)| (name.clone(), template.expand(values))).collect()
    }

    /// These variables, with those of `other` instead or besides.
    #[must_use]
    pub fn overridden_by(&self, other: &Self) -> Self {
        let mut variables = self.0.clone();
        variables.extend(other.0.clone());
        Self(variables)
    }

    pub(crate) fn mention(&self, placeholder: &str) -> bool {
        self.0.values().any(|template| template.mentions(placeholder))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn values() -> Placeholders {
        Placeholders {
            artifact: "/store/a b".to_owned(),
            address: Ipv4Addr::LOCALHOST.into(),
            port: 20_001,
            data: "/data/{port}".to_owned(),
        }
    }

    #[test]
    fn expands_after_splitting() {
        let command: StartCommand =
            "{artifact}/bin serve '--at={address}:{port}' --data {data}".parse().unwrap();
        assert_eq!(
            command.expand(&values()),
            ["/store/a b/bin", "serve", "--at=127.0.0.1:20001", "--data", "/data/{port}"]
        );
    }

    #[test]
    fn leaves_other_braces_alone() {
        for (text, expanded) in [
            ("{\"a\": {}}", "{\"a\": {}}"),
            ("{{port}} {port}", "{port} 20001"),
            ("${HOME} {", "${HOME} {"),
            ("{{{port}}}", "{{port}}"),
            ("", ""),
        ] {
            let template: Template = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(template.expand(&values()), expanded, "{text}");
        }
    }

    #[test]
    fn refuses_mistyped_placeholders() {
        assert_eq!(
            "{prot}".parse::<Template>(),
            Err(ParseTemplateError::Placeholder { word: "prot".to_owned() })
        );
        assert!(matches!("run 'it".parse::<StartCommand>(), Err(ParseTemplateError::Quote { .. })));
        assert_eq!(" ".parse::<StartCommand>(), Err(ParseTemplateError::Empty));
        assert_eq!("''".parse::<StartCommand>(), Err(ParseTemplateError::Empty));
    }

    #[test]
    fn stays_valid_over_the_wire() {
        let command: StartCommand = "a {port}".parse().unwrap();
        let json = serde_json::to_string(&command).unwrap();
        assert_eq!(json, r#"["a","{port}"]"#);
        assert_eq!(serde_json::from_str::<StartCommand>(&json).unwrap(), command);
        assert!(serde_json::from_str::<StartCommand>("[]").is_err());
        assert!(serde_json::from_str::<Template>("\"{nope}\"").is_err());
    }
}
