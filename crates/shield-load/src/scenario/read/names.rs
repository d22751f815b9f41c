//! What a place may name where it stands, and the templates that come of it.
//!
//! A name is looked up when the file is read: what is not defined by then is a mistake that lists what is. The environment's
//! variables become text here, and are named in mistakes, never shown.

use std::collections::{BTreeMap, BTreeSet};

use http::HeaderName;
use shield_types::settings::Refusal;

use crate::scenario::read::places::{Form, Piece, pieces};
use crate::scenario::template::{Escape, Part, Template, Value};

/// Looks up a variable of the environment.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What every part of the file may name.
#[derive(Clone, Copy)]
pub(crate) struct World<'a> {
    pub(crate) feeds: &'a [FeedNames],
    /// Whether there is no other feed.
    pub(crate) certainty: Certainty,
    pub(crate) environment: Environment<'a>,
}

/// The names of one feed.
#[derive(Clone, Debug)]
pub(crate) struct FeedNames {
    pub(crate) name: String,
    /// None when its rows have a mistake: then nothing is said about its columns.
    pub(crate) columns: Option<Vec<String>>,
}

/// The names of one scenario, as far as it was read.
pub(crate) struct Scope<'a> {
    world: World<'a>,
    /// Variables that hold a value when the next step is sent.
    visible: BTreeSet<String>,
    /// Indices of all variables of the scenario.
    indices: BTreeMap<String, usize>,
    /// Names of the variables before this scenario's and with them.
    variables: Vec<String>,
    /// Of the scenario.
    name: String,
    /// Whether there is no other variable.
    certainty: Certainty,
}

/// Whether what is not visible is not defined.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// Yes.
    Complete,
    /// Something that would have defined it has a mistake, which is told.
    Guessed,
}

/// Where a template goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// A path with its query: the text is written as in a URL, values are not.
    Path,
    /// The inside of a JSON string.
    Json,
    /// A name or value of a form.
    Form,
    /// A header, a text body or a message.
    Plain,
}

/// Names that variables and feeds cannot have.
const RESERVED: [&str; 7] = ["id", "user", "iteration", "random", "cookie", "env", "raw"];
/// Most names that a mistake lists.
const LISTED_MAX: usize = 40;

// === impl Goal ===

impl Goal {
    fn of_text(self) -> Escape {
        match self {
            Self::Path | Self::Plain => Escape::None,
            Self::Json => Escape::Json,
            Self::Form => Escape::Url,
        }
    }

    fn of_values(self) -> Escape {
        match self {
            Self::Path | Self::Form => Escape::Url,
            Self::Json => Escape::Json,
            Self::Plain => Escape::None,
        }
    }
}

// === impl Scope ===

impl<'a> Scope<'a> {
    /// A scope without variables of its own; `variables` are those of the scenarios before.
    pub(crate) fn new(world: World<'a>, name: &str, variables: Vec<String>) -> Self {
        Self {
            world,
            visible: BTreeSet::new(),
            indices: BTreeMap::new(),
            variables,
            name: name.to_owned(),
            certainty: Certainty::Complete,
        }
    }

    /// The names of the variables of all scenarios so far.
    pub(crate) fn into_variables(self) -> Vec<String> {
        self.variables
    }

    /// Of the scenario.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The index of a variable, which has a value from now on.
    pub(crate) fn define(&mut self, variable: &str) -> usize {
        self.visible.insert(variable.to_owned());
        let (variables, name) = (&mut self.variables, &self.name);
        *self.indices.entry(variable.to_owned()).or_insert_with(|| {
            variables.push(format!("{name}.{variable}"));
            variables.len() - 1
        })
    }

    /// Variables may be missing because of a mistake that is told already.
    pub(crate) fn doubt(&mut self) {
        self.certainty = Certainty::Guessed;
    }

    /// What is visible now, to come back to.
    pub(crate) fn visible(&self) -> BTreeSet<String> {
        self.visible.clone()
    }

    /// Goes back to what was visible then.
    pub(crate) fn show_only(&mut self, visible: BTreeSet<String>) {
        self.visible = visible;
    }

    /// The template of a text.
    pub(crate) fn template(&self, text: &str, goal: Goal) -> Result<Template, Refusal> {
        let mut template = Template::default();
        self.append(&mut template, text, goal)?;
        Ok(template)
    }

    /// Appends the template of a text to another one.
    pub(crate) fn append(&self, template: &mut Template, text: &str, goal: Goal) -> Result<(), Refusal> {
        for piece in pieces(text).map_err(|error| Refusal::new(error.to_string(), PLACES))? {
            match piece {
                Piece::Text(text) => append_text(template, text, goal.of_text()),
                Piece::Place { name, form } => self.append_place(template, name, form, goal)?,
            }
        }
        Ok(())
    }

    pub(crate) fn append_place(
        &self,
        template: &mut Template,
        name: &str,
        form: Form,
        goal: Goal,
    ) -> Result<(), Refusal> {
        let escape = match form {
            Form::Escaped => goal.of_values(),
            Form::Raw => Escape::None,
        };
        if let Some(variable) = name.strip_prefix("env.") {
            let set = (self.world.environment)(variable);
            let text = set.ok_or_else(|| {
                let problem = format!("the environment has no text under `{variable}`");
                Refusal::new(problem, "the name of a variable that is set")
            })?;
            append_text(template, &text, escape);
        } else {
            template.parts.push(Part::Value { value: self.resolve(name)?, escape });
        }
        Ok(())
    }

    fn resolve(&self, name: &str) -> Result<Value, Refusal> {
        match name {
            "id" => return Ok(Value::Id),
            "user" => return Ok(Value::User),
            "iteration" => return Ok(Value::Iteration),
            "random" => return Ok(Value::Random),
            _ => {}
        }
        if let Some(cookie) = name.strip_prefix("cookie.") {
            let token = HeaderName::try_from(cookie).is_ok();
            let refused =
                || Refusal::new(format!("`{cookie}` is not a cookie's name"), "a name without blanks");
            return token.then(|| Value::Cookie(cookie.to_owned())).ok_or_else(refused);
        }
        if let Some((feed, column)) = name.split_once('.')
            && let Some(at) = self.world.feeds.iter().position(|names| names.name == feed)
        {
            return self.column(at, column);
        }
        match self.indices.get(name).filter(|_| self.visible.contains(name)) {
            Some(index) => Ok(Value::Variable(*index)),
            None if self.doubted(name) => Ok(Value::Variable(0)),
            None => Err(Refusal::new(format!("`{{{{{name}}}}}` is not defined here"), self.defined())),
        }
    }

    /// Whether a mistake that is told may have hidden the name: only a feed's column has a dot.
    fn doubted(&self, name: &str) -> bool {
        let certainty = if name.contains('.') { self.world.certainty } else { self.certainty };
        certainty == Certainty::Guessed
    }

    fn column(&self, feed: usize, name: &str) -> Result<Value, Refusal> {
        let names = &self.world.feeds[feed];
        let Some(columns) = &names.columns else { return Ok(Value::Feed { feed, column: 0 }) };
        match columns.iter().position(|column| column == name) {
            Some(column) => Ok(Value::Feed { feed, column }),
            None => {
                let problem = format!("the feed `{}` has no column `{name}`", names.name);
                Err(Refusal::new(problem, listed(columns.iter().cloned())))
            }
        }
    }

    /// Everything that a place may name here, what is the file's own first.
    fn defined(&self) -> String {
        let columns = self.world.feeds.iter().flat_map(|feed| {
            let columns = feed.columns.iter().flatten();
            columns.map(|column| format!("{}.{column}", feed.name))
        });
        let always = ["cookie.NAME", "env.NAME", "id", "iteration", "random", "user"].map(str::to_owned);
        listed(self.visible.iter().cloned().chain(columns).chain(always))
    }
}

/// What a place is, for mistakes.
const PLACES: &str = "places such as `{{id}}` or `{{raw id}}`";

fn listed(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.take(LISTED_MAX + 1).collect();
    if names.len() > LISTED_MAX {
        names[LISTED_MAX] = "…".to_owned();
    }
    format!("one of {}", names.join(", "))
}

/// Appends a text as it may stand in its place; no two texts stand in a row.
pub(crate) fn append_text(template: &mut Template, text: &str, escape: Escape) {
    let mut escaped = Vec::new();
    escape.write(text, &mut escaped);
    let escaped = String::from_utf8(escaped).expect("escaping leaves whole characters");
    match template.parts.last_mut() {
        Some(Part::Text(before)) => before.push_str(&escaped),
        _ if escaped.is_empty() => {}
        _ => template.parts.push(Part::Text(escaped)),
    }
}

/// The name of a variable or feed.
pub(crate) fn own_name(name: &str) -> Result<(), Refusal> {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if !starts || !name.bytes().all(part) || name.len() > super::limits::NAME_BYTES_MAX {
        return Err(Refusal::new(
            format!("`{name}` is not a name"),
            "letters, digits, `_` and `-`, starting with a letter",
        ));
    }
    if RESERVED.contains(&name) {
        return Err(Refusal::new(format!("`{name}` means something else in a place"), "another name"));
    }
    Ok(())
}
