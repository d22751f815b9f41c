//! What calls take away from the data that goes through them, where that depends on how they are called.

use super::{
    calls::Arguments,
    characters::of_characters,
    kinds::Kinds,
    run::Frame,
    tables,
    value::{Key, Object, Value},
};

/// What a call takes away from the data that goes through it.
pub(super) fn sanitised(frame: &Frame<'_>, name: &str, arguments: &Arguments<'_>) -> Kinds {
    match name {
        "urllib.parse.quote" | "urllib.quote" => percent_encoded(arguments, "/"),
        "urllib.parse.quote_plus" | "urllib.quote_plus" => percent_encoded(arguments, ""),
        "html.escape" => match arguments.get(1, "quote").map(Value::truth) {
            None | Some(Some(true)) => Kinds::MARKUP,
            Some(_) => Kinds::MARKUP | Kinds::TEXT_ESCAPED,
        },
        "cgi.escape" | "xml.sax.saxutils.escape" => Kinds::MARKUP | Kinds::TEXT_ESCAPED,
        // Lists are summed up too.
        "builtins.sum" if arguments.get(1, "start").is_some_and(|start| start.only_int().is_none()) => {
            Kinds::NONE
        }
        _ if is_token(name) => {
            if is_verified(frame, name, arguments) {
                Kinds::ALL
            } else {
                Kinds::NONE
            }
        }
        _ => tables::sanitised(name),
    }
}

/// What `quote` takes away: what it keeps beside letters and digits is said by `safe`.
fn percent_encoded(arguments: &Arguments<'_>, usual: &str) -> Kinds {
    let safe = match arguments.get(1, "safe") {
        None => usual,
        Some(safe) => match safe.only_text() {
            Some(safe) => safe,
            None => return Kinds::NONE,
        },
    };
    let kept: Vec<char> = safe.chars().chain(['a']).collect();
    let encoded = Kinds::MARKUP | Kinds::SQL | Kinds::XPATH | Kinds::TEMPLATE | Kinds::REDIRECT;
    // A word alone is still a command.
    (encoded | Kinds::COMMAND_PART) & of_characters(&kept)
}

/// Whether a call reads a token that is signed.
pub(super) fn is_token(name: &str) -> bool {
    let library = name.split('.').next().unwrap_or(name);
    matches!(library, "jwt" | "jose" | "itsdangerous")
}

/// Whether what comes out was signed by somebody who has the key.
fn is_verified(frame: &Frame<'_>, name: &str, arguments: &Arguments<'_>) -> bool {
    if name.contains("unverified") || name.contains("unsafe") {
        return false;
    }
    if arguments.named("verify").is_some_and(|verify| verify.truth() != Some(true)) {
        return false;
    }
    let Some(options) = arguments.named("options").or_else(|| arguments.positional.get(3)) else {
        return true;
    };
    let key = Key::Text("verify_signature".to_owned());
    match options.objects().first().and_then(|id| frame.state.object(*id)) {
        Some(table @ Object::Table { .. }) => {
            table.at(Some(&key)).is_none_or(|value| value.truth() == Some(true))
        }
        // Settings that are not known may switch it off.
        _ => false,
    }
}
