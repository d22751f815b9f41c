//! A JSON body with places: it is written once, when the file is read, and only its places are filled in per request.

use serde_json::Value;
use shield_types::settings::Refusal;

use crate::scenario::read::names::{Goal, Scope, append_text};
use crate::scenario::read::places::{Form, Piece, pieces};
use crate::scenario::template::{Escape, Template};

/// The body for a value. A string that is nothing but `{{raw name}}` becomes the bare value: a number, a list, whatever was
/// extracted.
pub(crate) fn template(value: &Value, scope: &Scope<'_>) -> Result<Template, Refusal> {
    let mut body = Template::default();
    append(&mut body, value, scope)?;
    Ok(body)
}

fn append(body: &mut Template, value: &Value, scope: &Scope<'_>) -> Result<(), Refusal> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => syntax(body, &value.to_string()),
        Value::String(text) => match pieces(text).as_deref() {
            Ok([Piece::Place { name, form: Form::Raw }]) => {
                scope.append_place(body, name, Form::Raw, Goal::Json)?;
            }
            _ => string(body, text, scope)?,
        },
        Value::Array(elements) => {
            syntax(body, "[");
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    syntax(body, ",");
                }
                append(body, element, scope)?;
            }
            syntax(body, "]");
        }
        Value::Object(entries) => {
            syntax(body, "{");
            for (index, (name, element)) in entries.iter().enumerate() {
                if index > 0 {
                    syntax(body, ",");
                }
                string(body, name, scope)?;
                syntax(body, ":");
                append(body, element, scope)?;
            }
            syntax(body, "}");
        }
    }
    Ok(())
}

fn string(body: &mut Template, text: &str, scope: &Scope<'_>) -> Result<(), Refusal> {
    syntax(body, "\"");
    scope.append(body, text, Goal::Json)?;
    syntax(body, "\"");
    Ok(())
}

fn syntax(body: &mut Template, text: &str) {
    append_text(body, text, Escape::None);
}
