//! What names mean and texts are in Go.

use tree_sitter::Node;

use crate::languages::{
    fold::{Part, Question, Text, children, unescaped},
    names::{Meaning, Names, Scope, Sent},
};

/// Declares what a node declares.
pub(in crate::languages) fn bind<'t>(names: &mut Names<'t>, node: Node<'t>, scope: Scope) {
    match node.kind() {
        "import_spec" => import(names, node, scope),
        "short_var_declaration" => {
            let (Some(left), right) = (node.child_by_field_name("left"), node.child_by_field_name("right"))
            else {
                return;
            };
            declare(
                names,
                &children(left, 50),
                &right.map(|right| children(right, 50)).unwrap_or_default(),
                scope,
            );
        }
        "var_spec" | "const_spec" => {
            let mut cursor = node.walk();
            let targets: Vec<_> = node.children_by_field_name("name", &mut cursor).take(50).collect();
            match node.child_by_field_name("value") {
                Some(value) => declare(names, &targets, &children(value, 50), scope),
                None => {
                    for target in targets {
                        names.declare(scope, names.text(target), Meaning::Nothing);
                    }
                }
            }
        }
        "assignment_statement" => assign(names, node, scope),
        "parameter_declaration" | "variadic_parameter_declaration" => {
            let mut cursor = node.walk();
            let sent = node.child_by_field_name("type").and_then(|of| sent(names.text(of)));
            let meaning = sent.map_or(Meaning::Unknown, Meaning::Sent);
            for name in node.children_by_field_name("name", &mut cursor) {
                names.declare(scope, names.text(name), meaning.clone());
            }
        }
        "range_clause" => {
            if let Some(left) = node.child_by_field_name("left") {
                let right = node.child_by_field_name("right");
                for (at, target) in children(left, 8).into_iter().enumerate() {
                    // The first is a number or a key, the second what is gone through.
                    let element = right.filter(|_| at == 1).map(|right| Meaning::Value(right, scope));
                    names.declare(scope, names.text(target), element.unwrap_or(Meaning::Unknown));
                }
            }
        }
        "call_expression" => read(names, node, scope),
        _ => {}
    }
}

/// What a parameter of a type is to a function that answers requests.
fn sent(of: &str) -> Option<Sent> {
    let of = of.trim_start_matches('*');
    match of.rsplit('.').next()? {
        "Request" if of == "http.Request" => Some(Sent::Request),
        last if of != "context.Context" && (last.ends_with("Context") || last == "Ctx") => {
            Some(Sent::Context)
        }
        _ => None,
    }
}

/// Methods that read a request into what they are given.
const READS: [&str; 9] = [
    "Bind",
    "BindJSON",
    "BindQuery",
    "BodyParser",
    "QueryParser",
    "ShouldBind",
    "ShouldBindJSON",
    "ShouldBindQuery",
    "ShouldBindUri",
];

/// `json.NewDecoder(r.Body).Decode(&in)`, `c.BindJSON(&in)`.
fn read<'t>(names: &mut Names<'t>, node: Node<'t>, scope: Scope) {
    let Some(callee) = node.child_by_field_name("function") else { return };
    let (object, method) = (callee.child_by_field_name("operand"), callee.child_by_field_name("field"));
    let (Some(object), Some(method)) = (object, method.map(|method| names.text(method))) else { return };
    let decodes = method == "Decode" && names.text(object).ends_with(".Body)");
    let target = node.child_by_field_name("arguments").and_then(|list| list.named_child(0));
    let target = target.filter(|_| decodes || READS.contains(&method));
    if let Some(name) = target.and_then(|target| target.child_by_field_name("operand")) {
        names.assign(scope, names.text(name), Meaning::Sent(Sent::Part));
    }
}

fn import<'t>(names: &mut Names<'t>, node: Node<'t>, scope: Scope) {
    let Some(path) = node.child_by_field_name("path") else { return };
    let path = names.text(path).trim_matches(['"', '`']);
    let local = match node.child_by_field_name("name") {
        Some(name) => names.text(name),
        None => package(path),
    };
    if !matches!(local, "." | "_") {
        names.declare(scope, local, Meaning::Path(path.to_owned()));
    }
}

/// The name that a package has by itself: `gopkg.in/yaml.v3` is `yaml`, `x/jwt/v5` is `jwt`.
fn package(path: &str) -> &str {
    let is_version = |part: &str| {
        part.strip_prefix('v').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut parts = path.rsplit('/');
    let last = parts.next().unwrap_or(path);
    let last = if is_version(last) { parts.next().unwrap_or(last) } else { last };
    last.split_once(".v").map_or(last, |(name, _)| name)
}

/// `a, b := x, y`, or `a, err := f()`: what is given first is what matters.
fn declare<'t>(names: &mut Names<'t>, targets: &[Node<'t>], values: &[Node<'t>], scope: Scope) {
    for (at, target) in targets.iter().enumerate() {
        let value = match values.len() {
            1 if at == 0 => values.first(),
            count if count == targets.len() => values.get(at),
            _ => None,
        };
        let name = names.text(*target);
        if name != "_" {
            names.declare(scope, name, value.map_or(Meaning::Unknown, |value| Meaning::Value(*value, scope)));
        }
    }
}

fn assign<'t>(names: &mut Names<'t>, node: Node<'t>, scope: Scope) {
    let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right"))
    else {
        return;
    };
    let operator = node.child_by_field_name("operator").map_or("", |operator| operator.kind());
    let (targets, values) = (children(left, 50), children(right, 50));
    if let ("+=", [target], [value]) = (operator, targets.as_slice(), values.as_slice()) {
        names.grow(scope, names.text(*target), *value);
        return;
    }
    let plain = operator == "=";
    for (target, value) in
        targets.iter().zip(&values).filter(|(target, _)| target.kind() == "index_expression")
    {
        if let Some(list) = target.child_by_field_name("operand") {
            names.put(scope, names.text(list), *value);
        }
    }
    for (at, target) in targets.iter().enumerate().filter(|(_, target)| target.kind() == "identifier") {
        let value = values.get(at).filter(|_| plain && (values.len() == targets.len() || at == 0));
        // What no scope of this file declares, another file of the package may.
        names.assign_or_declare(
            scope,
            names.text(*target),
            value.map_or(Meaning::Unknown, |value| Meaning::Value(*value, scope)),
        );
    }
}

/// The name that an expression goes by.
pub(in crate::languages) fn name<'t>(
    question: &mut Question<'_, 't>,
    node: Node<'t>,
    scope: Scope,
) -> Option<String> {
    let names = question.names;
    match node.kind() {
        "identifier" | "package_identifier" => question.identifier(names.text(node), scope),
        "type_identifier" => Some(names.text(node).to_owned()),
        "selector_expression" => {
            let operand = question.name(node.child_by_field_name("operand")?, scope)?;
            Some(format!("{operand}.{}", names.text(node.child_by_field_name("field")?)))
        }
        "qualified_type" => {
            let package = question.name(node.child_by_field_name("package")?, scope)?;
            Some(format!("{package}.{}", names.text(node.child_by_field_name("name")?)))
        }
        "call_expression" => {
            Some(format!("{}()", question.name(node.child_by_field_name("function")?, scope)?))
        }
        "composite_literal" => {
            Some(format!("{}{{}}", question.name(node.child_by_field_name("type")?, scope)?))
        }
        "parenthesized_expression" => question.name(node.named_child(0)?, scope),
        "unary_expression" => question.name(node.child_by_field_name("operand")?, scope),
        _ => None,
    }
}

/// The text that an expression is.
pub(in crate::languages) fn text<'t>(
    question: &mut Question<'_, 't>,
    node: Node<'t>,
    scope: Scope,
) -> Text<'t> {
    let names = question.names;
    match node.kind() {
        "interpreted_string_literal" => {
            let mut text = String::new();
            for part in children(node, 10_000) {
                match part.kind() {
                    "escape_sequence" => text.push(unescaped(names.text(part))),
                    _ => text.push_str(names.text(part)),
                }
            }
            Text::known(text)
        }
        "raw_string_literal" => Text::known(names.text(node).trim_matches('`')),
        "int_literal" | "float_literal" | "rune_literal" | "true" | "false" | "nil" => {
            Text::known(names.text(node))
        }
        "binary_expression" => question.sum(node, scope),
        "unary_expression" => {
            let inner =
                node.child_by_field_name("operand").map(|operand| question.text(operand, scope).literal());
            match (names.text(node).starts_with('!'), inner.flatten().as_deref()) {
                (true, Some("false")) => Text::known("true"),
                (true, Some("true")) => Text::known("false"),
                _ => Text::unknown(node),
            }
        }
        "identifier" => question.text_of_name(names.text(node), node, scope),
        "parenthesized_expression" => match node.named_child(0) {
            Some(inner) => question.text(inner, scope),
            None => Text::unknown(node),
        },
        "type_conversion_expression" => match node.child_by_field_name("operand") {
            Some(operand) => question.text(operand, scope),
            None => Text::unknown(node),
        },
        "call_expression" => called(question, node, scope).unwrap_or_else(|| Text::unknown(node)),
        _ => Text::unknown(node),
    }
}

/// What calls make of texts.
fn called<'t>(question: &mut Question<'_, 't>, node: Node<'t>, scope: Scope) -> Option<Text<'t>> {
    let function = question.name(node.child_by_field_name("function")?, scope)?;
    let arguments = children(node.child_by_field_name("arguments")?, 50);
    match function.as_str() {
        "string" => Some(question.text(*arguments.first()?, scope)),
        "fmt.Sprint" | "fmt.Sprintln" => {
            let mut text = Text::default();
            for argument in arguments {
                text.then(question.text(argument, scope));
            }
            Some(text)
        }
        "fmt.Sprintf" => {
            let format = question.text(*arguments.first()?, scope).literal()?;
            Some(formatted(question, &format, &arguments[1..], scope))
        }
        "strings.Join" => question.joined(*arguments.first()?, scope),
        // A piece of what is written here is written here.
        "strings.Repeat" | "strings.TrimSuffix" | "strings.TrimPrefix" | "strings.TrimRight"
        | "strings.TrimLeft" | "strings.Trim" | "strings.TrimSpace" | "strings.ToUpper"
        | "strings.ToLower" => Some(question.text(*arguments.first()?, scope)).filter(Text::is_known),
        // Numbers cannot be anything but numbers.
        "strconv.Itoa" | "strconv.FormatInt" | "strconv.Quote" | "len" => Some(Text::known("0")),
        _ => None,
    }
}

fn formatted<'t>(
    question: &mut Question<'_, 't>,
    format: &str,
    arguments: &[Node<'t>],
    scope: Scope,
) -> Text<'t> {
    let mut text = Text::default();
    let mut arguments = arguments.iter();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        text.then(Text::known(&rest[..at]));
        let after = rest[at + 1..]
            .trim_start_matches(|flag: char| flag.is_ascii_digit() || "+-# .[]*".contains(flag));
        let verb = after.chars().next();
        rest = &after[verb.map_or(0, char::len_utf8)..];
        match verb {
            Some('%') => text.then(Text::known("%")),
            Some('d' | 'b' | 'o' | 'x' | 'X' | 't' | 'c' | 'f' | 'e' | 'g' | 'p') => {
                arguments.next();
                text.then(Text::known("0"));
            }
            _ => match arguments.next() {
                Some(argument) => text.then(question.text(*argument, scope)),
                None => text.then(Text(vec![Part::Unknown(None)])),
            },
        }
    }
    text.then(Text::known(rest));
    text
}

#[cfg(test)]
mod tests {
    use super::package;

    #[test]
    fn packages_have_names() {
        for (path, expected) in
            [("os/exec", "exec"), ("gopkg.in/yaml.v3", "yaml"), ("a/jwt/v5", "jwt"), ("fmt", "fmt")]
        {
            assert_eq!(package(path), expected);
        }
    }
}
