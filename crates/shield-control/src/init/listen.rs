//! How a program learns where to listen, and where to keep its files: variables and options that its sources read.

use std::collections::BTreeSet;

/// What a variable or option holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Port,
    Address,
    /// Address and port, joined by a colon.
    Both,
    /// Where files go that must outlive a release.
    Data,
}

/// First words of variables that speak of the server itself; `REDIS_PORT` is not about us.
const PREFIXES: [&str; 8] = ["", "APP_", "BIND_", "HTTP_", "LISTEN_", "SERVER_", "SERVICE_", "WEB_"];

/// The variables that tell the program where to listen, and where its files go. `PORT` and `HOST` are always among them.
pub(crate) fn variables(text: &str, package: &str) -> Vec<(String, String)> {
    let own = format!("{}_", package.to_ascii_uppercase().replace('-', "_"));
    let words: BTreeSet<&str> = text
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| word.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_')))
        .collect();
    let mut known: Vec<(&str, Holds)> =
        words.into_iter().filter_map(|word| holds(word, &own).map(|holds| (word, holds))).collect();
    for (word, holds) in [("HOST", Holds::Address), ("PORT", Holds::Port)] {
        if !known.iter().any(|(name, _)| *name == word) {
            known.push((word, holds));
        }
    }
    let port_elsewhere = |name: &str| {
        let port = name.replace("ADDRESS", "PORT");
        known.iter().any(|(other, _)| *other == port)
    };
    known
        .iter()
        .map(|(name, holds)| {
            let alone = *holds == Holds::Both
                && name.ends_with("ADDRESS")
                && text.contains("PORT")
                && port_elsewhere(name);
            ((*name).to_owned(), value(if alone { Holds::Address } else { *holds }).to_owned())
        })
        .collect()
}

fn holds(word: &str, own: &str) -> Option<Holds> {
    let rest = PREFIXES
        .into_iter()
        .chain([own])
        .filter_map(|prefix| word.strip_prefix(prefix))
        .min_by_key(|rest| rest.len())?;
    match rest {
        "PORT" => Some(Holds::Port),
        "HOST" | "IP" => Some(Holds::Address),
        "ADDR" | "ADDRESS" | "LISTEN" | "BIND" | "SOCKET_ADDR" => Some(Holds::Both),
        "DATA_DIR" | "DATA_DIRECTORY" | "DATA_PATH" => Some(Holds::Data),
        _ => None,
    }
}

fn value(holds: Holds) -> &'static str {
    match holds {
        Holds::Port => "{port}",
        Holds::Address => "{address}",
        Holds::Both => "{address}:{port}",
        Holds::Data => "{data}",
    }
}

/// The options after the program's name: a `serve` subcommand and the options that say where to listen.
pub(crate) fn options(text: &str) -> String {
    let mut options = String::new();
    if text.contains("Subcommand") && text.lines().any(|line| is_variant(line.trim(), "Serve")) {
        options.push_str(" serve");
    }
    let port = has_option(text, "port");
    if port {
        options.push_str(" --port {port}");
    }
    if let Some(name) =
        ["address", "addr", "host", "bind", "listen"].into_iter().find(|name| has_option(text, name))
    {
        let value = value(if port { Holds::Address } else { Holds::Both });
        options.push_str(&format!(" --{name} {value}"));
    }
    options
}

fn is_variant(line: &str, name: &str) -> bool {
    line.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with([',', '(', ' ', '{']))
}

/// True when the sources are seen to read the variable `name`.
pub(crate) fn reads(text: &str, name: &str) -> bool {
    let literals =
        [format!("env.{name}"), format!("\"{name}\""), format!("'{name}'"), format!("env = {name}")];
    literals.iter().any(|literal| {
        let ends = |at: usize| {
            !text[at + literal.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '_')
        };
        text.match_indices(literal.as_str()).any(|(at, _)| ends(at))
    }) || destructured(text, name)
}

/// `const { PORT = 3000 } = process.env`.
fn destructured(text: &str, name: &str) -> bool {
    let names =
        text.split("} = process.env").filter_map(|before| before.rsplit_once('{')).map(|(_, names)| names);
    text.contains("} = process.env")
        && names.flat_map(|names| names.split(',')).any(|one| {
            one.split([' ', ':', '=']).find(|word| !word.trim().is_empty()).map(str::trim) == Some(name)
        })
}

/// The port of `listen(3000`, when a number stands there.
pub(crate) fn fixed_port(text: &str) -> Option<u16> {
    let named = |name: &str| {
        let assigned = text.split(name).skip(1).find_map(|rest| rest.trim_start().strip_prefix('='))?;
        number(assigned.trim_start())
    };
    let mut arguments = text.split("listen(").skip(1).map(str::trim_start);
    arguments.find_map(|argument| {
        let end = argument
            .find(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .unwrap_or(argument.len());
        number(argument).or_else(|| named(argument.get(..end).filter(|name| !name.is_empty())?))
    })
}

/// The number that `text` starts with.
fn number(text: &str) -> Option<u16> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text[..digits].parse().ok()
}

/// True when the sources read `--name`: spelt out, or as the field of a clap structure.
pub(crate) fn has_option(text: &str, name: &str) -> bool {
    let spelt = [
        format!("\"--{name}\""),
        format!("'--{name}'"),
        format!("long = \"{name}\""),
        format!("long(\"{name}\")"),
    ];
    spelt.iter().any(|literal| text.contains(literal)) || has_clap_field(text, name)
}

fn has_clap_field(text: &str, name: &str) -> bool {
    let field = format!("{name}:");
    let mut option = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[arg(") || line.starts_with("#[clap(") {
            let bare = line.split(['(', ',', ')']).any(|part| part.trim() == "long");
            option = bare;
        } else if option && !line.starts_with("//") && !line.starts_with("#[") {
            if line.trim_start_matches("pub ").starts_with(&field) {
                return true;
            }
            option = false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<(String, String)> {
        variables(text, "link-shop")
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn sets_what_the_sources_read() {
        let common = [pair("HOST", "{address}"), pair("PORT", "{port}")];
        assert_eq!(named(""), common);
        assert_eq!(named("REDIS_PORT DATABASE_HOST SUPPORT"), common);
        assert!(named("process.env.DATA_DIR ?? './data'").contains(&pair("DATA_DIR", "{data}")));
        assert!(named("env::var(\"LISTEN_ADDR\")").contains(&pair("LISTEN_ADDR", "{address}:{port}")));
        assert!(named("process.env.LINK_SHOP_PORT").contains(&pair("LINK_SHOP_PORT", "{port}")));
        assert!(named("BIND_ADDRESS BIND_PORT").contains(&pair("BIND_ADDRESS", "{address}")));
        assert!(named("BIND_ADDRESS").contains(&pair("BIND_ADDRESS", "{address}:{port}")));
    }

    #[test]
    fn passes_the_options_there_are() {
        assert_eq!(options("fn main() {}"), "");
        assert_eq!(options("if arg == \"--port\""), " --port {port}");
        let clap = "#[arg(long, default_value = \"8080\")]\n    /// Port.\n    pub port: u16,\n#[arg(long)]\nhost: String,";
        assert_eq!(options(clap), " --port {port} --host {address}");
        assert_eq!(options("#[arg(long)]\nbind: SocketAddr,"), " --bind {address}:{port}");
        assert_eq!(options("#[arg(short)]\nport: u16,"), "");
        assert_eq!(options("#[derive(Subcommand)]\nenum C {\n    Serve(A),\n}"), " serve");
    }

    #[test]
    fn tells_reading_from_mentioning() {
        for text in [
            "process.env.PORT || 3000",
            "process.env['PORT']",
            "env::var(\"PORT\")",
            "const { HOST, PORT = 3000 } = process.env;",
            "const {\n  PORT,\n} = process.env",
        ] {
            assert!(reads(text, "PORT"), "{text}");
        }
        for text in
            ["const PORT = 3000;", "process.env.PORTAL", "const { NODE_ENV } = process.env; const PORT = 1"]
        {
            assert!(!reads(text, "PORT"), "{text}");
        }
    }

    #[test]
    fn finds_a_fixed_port() {
        for (text, port) in [
            ("app.listen(3000, () => {})", Some(3000)),
            ("const PORT = 8081;\nserver.listen(PORT)", Some(8081)),
            ("const port = process.env.X || 3000;\nserver.listen(port)", None),
            ("server.listen({ port: 1 })", None),
            ("nothing", None),
        ] {
            assert_eq!(fixed_port(text), port, "{text}");
        }
    }
}
