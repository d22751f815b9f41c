//! The examples that gitleaks' rules are tested with, read out of its Go sources.
//!
//! Only what stands there literally can be used: many are drawn by chance in Go. A literal that is handed to its helper for
//! samples is spelled as the helper would, in each of many languages.

/// A text that a rule must find something in, or nothing.
#[derive(Clone, Debug)]
pub(super) struct Example {
    /// The path that its file would have; empty if none is said.
    pub(super) path: String,
    /// The text, or several that say the same in different languages.
    pub(super) texts: Vec<String>,
    pub(super) expected: Expected,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Secret,
    Nothing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Text(String),
    Word(String),
    Sign(char),
}

/// Spellings of an assignment: `I` stands for the name of the provider, `S` for the secret.
const SPELLINGS: [&str; 21] = [
    "{I}Token=\"{S}\"",
    "{I}Token = \"{S}\"",
    "{I}Token={S}",
    "{I}Token = {S}",
    "{\n    \"{I}_token\": \"{S}\"\n}",
    "{\"config.ini\": \"{I}_TOKEN={S}\\nBACKUP_ENABLED=true\"}",
    "<{I}Token>\n    {S}\n</{I}Token>",
    "{I}_token: {S}",
    "{I}_token: '{S}'",
    "{I}_token: \"{S}\"",
    "string {I}Token = \"{S}\";",
    "var {I}Token string = \"{S}\"",
    "{I}Token := \"{S}\"",
    "{I}Token := `{S}`",
    "var {I}Token = \"{S}\"",
    "${I}Token .= \"{S}\"",
    "{I}Token = '{S}'",
    "System.setProperty(\"{I}_TOKEN\", \"{S}\")",
    "  \"{I}Token\" => \"{S}\"",
    "{I}_TOKEN ::= \"{S}\"",
    "{I}_TOKEN ?= \"{S}\"",
];

/// The examples in the source of one file of rules.
pub(super) fn examples(source: &str) -> Vec<Example> {
    let tokens = tokens(source);
    let mut examples = Vec::new();
    let mut at = 0;
    while at + 2 < tokens.len() {
        let expected = match &tokens[at] {
            Token::Word(word) if word == "tps" => Some(Expected::Secret),
            Token::Word(word) if word == "fps" => Some(Expected::Nothing),
            _ => None,
        };
        let assigned = tokens[at + 1] == Token::Sign('=')
            || tokens[at + 1] == Token::Sign(':') && tokens[at + 2] == Token::Sign('=');
        at += 1;
        if let (Some(expected), true) = (expected, assigned) {
            at += usize::from(tokens[at] == Token::Sign(':')) + 1;
            let end = at + statement(&tokens[at..]);
            read(&tokens[at..end], expected, &mut examples);
            at = end;
        }
    }
    examples
}

/// How many tokens belong to the statement that begins here: to the next line end outside of all brackets.
fn statement(tokens: &[Token]) -> usize {
    let mut depth = 0_i32;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign('(' | '{' | '[') => depth += 1,
            Token::Sign(')' | '}' | ']') => depth -= 1,
            Token::Sign('\n') if depth <= 0 => return at,
            _ => {}
        }
    }
    tokens.len()
}

fn read(tokens: &[Token], expected: Expected, examples: &mut Vec<Example>) {
    let tokens: Vec<&Token> = tokens.iter().filter(|token| **token != Token::Sign('\n')).collect();
    // What encloses the current token: the word before each open bracket.
    let mut enclosing: Vec<&str> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| tokens[before]);
        match token {
            Token::Sign('(' | '{' | '[') => enclosing.push(match before {
                Some(Token::Word(word)) => word,
                _ => "",
            }),
            Token::Sign(')' | '}' | ']') => drop(enclosing.pop()),
            Token::Text(text) => {
                let whole = matches!(before, Some(Token::Sign('{' | ',' | '(' | ':')))
                    && matches!(tokens.get(at + 1), Some(Token::Sign(',' | '}' | ')')));
                let parts = tokens.get(at.saturating_sub(2)..at).unwrap_or_default();
                let (path, texts) = match (enclosing.last(), parts) {
                    _ if !whole => continue,
                    (
                        Some(&"GenerateSampleSecrets" | &"GenerateSampleSecret"),
                        [Token::Text(name), Token::Sign(',')],
                    ) => {
                        let spell = |spelling: &str| spelling.replace("{I}", name).replace("{S}", text);
                        (String::new(), SPELLINGS.map(spell).to_vec())
                    }
                    (Some(&"string"), [Token::Text(path), Token::Sign(':')]) => {
                        (path.clone(), vec![text.clone()])
                    }
                    (Some(&"string" | &"append"), _) => (String::new(), vec![text.clone()]),
                    _ => continue,
                };
                examples.push(Example { path, texts, expected });
            }
            _ => {}
        }
    }
}

fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if first == '`' {
            let end = rest[1..].find('`').map_or(rest.len(), |end| end + 1);
            tokens.push(Token::Text(rest[1..end].to_owned()));
            (end + 1).min(rest.len())
        } else if first == '"' {
            let (text, length) = interpreted(rest);
            tokens.push(Token::Text(text));
            length
        } else if first.is_alphanumeric() || first == '_' {
            let length =
                rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..length].to_owned()));
            length
        } else {
            if first == '\n' || !first.is_whitespace() {
                tokens.push(Token::Sign(first));
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// A text in double quotes, and how long it is in the source.
fn interpreted(source: &str) -> (String, usize) {
    let mut text = String::new();
    let mut letters = source.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (text, at + 1),
            '\\' => text.extend(letters.next().map(|(_, escaped)| match escaped {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            })),
            other => text.push(other),
        }
    }
    (text, source.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"
    tps := utils.GenerateSampleSecrets("bot", "one")
    tps = append(tps, "two", // "no"
        "thr\"ee"+secrets.NewSecret("no"), secrets.NewSecret(`no`),
        `four`,
    )
    fps := map[string]string{"a/b": "five"}
    x := []string{"no"}
    "#;

    #[test]
    fn literals_are_read() {
        let examples = examples(SOURCE);
        let texts: Vec<&str> =
            examples.iter().map(|example| example.texts[example.texts.len() - 1].as_str()).collect();
        assert_eq!(texts, ["bot_TOKEN ?= \"one\"", "two", "four", "five"]);
        assert_eq!(
            (examples.last().map(|last| (last.path.as_str(), last.expected))),
            Some(("a/b", Expected::Nothing))
        );
    }
}
