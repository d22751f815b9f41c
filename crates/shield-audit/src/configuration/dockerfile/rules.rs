//! How the rules look.

use std::collections::HashMap;

use super::{
    catalogue::{
        HEALTHCHECK, OVERRIDDEN, RECOMMENDS, REMOTE_ADD, ROOT, SECRET, SSH, SUDO, UNPINNED, UNVERIFIED,
    },
    image::{Pinning, pinning},
    parse::{Instruction, instructions},
};
use crate::{
    configuration::{commands, hits::Hit, names, shell},
    finding::{Confidence, Severity},
};

/// Variables that turn a check off, with the values that do.
const SWITCHES: [(&str, &[&str]); 5] = [
    ("NODE_TLS_REJECT_UNAUTHORIZED", &["0"]),
    ("PYTHONHTTPSVERIFY", &["0"]),
    ("GIT_SSL_NO_VERIFY", &["1", "true", "yes", "on"]),
    ("NPM_CONFIG_STRICT_SSL", &["false"]),
    ("GOINSECURE", &["*"]),
];

/// One stage of a build.
struct Stage<'a> {
    from: &'a Instruction<'a>,
    image: String,
    /// The last user, and where it is set.
    user: Option<(String, &'a Instruction<'a>)>,
}

/// The hits of a text.
pub(in crate::configuration) fn look(text: &str) -> Vec<Hit> {
    let instructions = instructions(text);
    let mut hits = Vec::new();
    let mut stages: Vec<Stage<'_>> = Vec::new();
    let mut named: HashMap<String, usize> = HashMap::new();
    for instruction in &instructions {
        match instruction.name.as_str() {
            "FROM" => {
                let (stage, name) = stage(instruction, &stages, &named);
                hits.extend(unpinned(instruction, &stage.image, &named));
                if let Some(name) = name {
                    named.insert(name, stages.len());
                }
                stages.push(stage);
            }
            "USER" => {
                if let (Some(stage), Some(user)) = (stages.last_mut(), instruction.words().into_iter().next())
                {
                    stage.user = Some((user, instruction));
                }
            }
            "ADD" => hits.extend(remote_add(instruction)),
            "ENV" | "ARG" => hits.extend(settings(instruction)),
            "RUN" => hits.extend(run(instruction)),
            "EXPOSE" if instruction.words().iter().any(|port| matches!(port.as_str(), "22" | "22/tcp")) => {
                hits.push(Hit::of(&SSH, instruction.range.clone(), "EXPOSE 22"));
            }
            _ => {}
        }
    }
    hits.extend(stages.last().and_then(root));
    hits.extend(overridden(&instructions));
    let checked = instructions.iter().any(|one| one.name == "HEALTHCHECK");
    let serves = instructions.iter().any(|one| one.name == "EXPOSE");
    if let (Some(stage), true) = (stages.last(), serves && !checked) {
        hits.push(Hit::of(&HEALTHCHECK, stage.from.range.clone(), "HEALTHCHECK"));
    }
    hits
}

/// A stage, and the name that later ones know it by. It begins as the user that the stage it is made of ended as.
fn stage<'a>(
    from: &'a Instruction<'a>,
    stages: &[Stage<'a>],
    named: &HashMap<String, usize>,
) -> (Stage<'a>, Option<String>) {
    let words = from.words();
    let image = words.first().cloned().unwrap_or_default();
    let name = words
        .windows(2)
        .find(|pair| pair[0].eq_ignore_ascii_case("as"))
        .map(|pair| pair[1].to_ascii_lowercase());
    let base = named.get(&image.to_ascii_lowercase()).and_then(|at| stages.get(*at));
    let user = base.and_then(|base| base.user.clone());
    let image = base.map_or(image, |base| base.image.clone());
    (Stage { from, image, user }, name)
}

fn unpinned(from: &Instruction<'_>, image: &str, named: &HashMap<String, usize>) -> Option<Hit> {
    let written = from.words().into_iter().next()?;
    if written == "scratch" || named.contains_key(&written.to_ascii_lowercase()) {
        return None;
    }
    let message = match pinning(image) {
        Pinning::Nothing => format!("`{image}` has no version: `latest` is taken, whatever that is by then"),
        Pinning::Latest => format!("`{image}` is whatever is the latest when it is built"),
        Pinning::Digest | Pinning::Tag | Pinning::Unknown => return None,
    };
    Some(Hit::of(&UNPINNED, from.range.clone(), image).message(message))
}

fn root(last: &Stage<'_>) -> Option<Hit> {
    let Some((user, instruction)) = &last.user else {
        let harmless =
            ["nonroot", "rootless", "unprivileged", "non-root"].iter().any(|word| last.image.contains(word));
        let hit = Hit::of(&ROOT, last.from.range.clone(), "no USER");
        let hit =
            hit.message("no `USER` is set: the container runs as root, unless its base image says otherwise");
        return (!harmless).then(|| hit.confidence(Confidence::Medium));
    };
    let name = user.split(':').next().unwrap_or(user);
    let hit = Hit::of(&ROOT, instruction.range.clone(), format!("USER {user}"));
    matches!(name, "root" | "0").then(|| hit.message("the last `USER` is root: so is the container"))
}

fn remote_add(add: &Instruction<'_>) -> Option<Hit> {
    let (flags, _) = add.flags();
    let words = add.words();
    let (_, sources) = words.split_last()?;
    let plain = |word: &&String| word.starts_with("http://") || word.starts_with("https://");
    let address = sources.iter().find(plain)?;
    // Repositories are addresses too: what is behind `#` may name a commit.
    let held = flags.iter().any(|flag| flag.starts_with("--checksum")) || address.contains(".git#");
    let hit = Hit::of(&REMOTE_ADD, add.range.clone(), format!("ADD {address}"));
    (!held).then(|| hit.message(format!("whoever controls `{address}` decides what is in the image")))
}

/// Names and values of `ENV a=b c="d e"`, `ENV a b`, `ARG a`.
fn pairs(instruction: &Instruction<'_>) -> Vec<(String, Option<String>)> {
    let (_, rest) = instruction.flags();
    let words = shell::commands(rest, 0).into_iter().flat_map(|command| command.words).collect::<Vec<_>>();
    let old = instruction.name == "ENV" && words.first().is_some_and(|word| !word.contains('='));
    if old {
        let value = words.get(1..).unwrap_or_default().join(" ");
        return words.first().map(|name| (name.clone(), Some(value))).into_iter().collect();
    }
    let pair = |word: String| match word.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (word, None),
    };
    words.into_iter().map(pair).collect()
}

fn settings(instruction: &Instruction<'_>) -> Vec<Hit> {
    let argument = instruction.name == "ARG";
    let mut hits = Vec::new();
    for (name, value) in pairs(instruction) {
        let upper = name.to_ascii_uppercase();
        let switched = SWITCHES.iter().any(|(switch, values)| {
            *switch == upper
                && value.as_deref().is_some_and(|value| values.contains(&value.to_ascii_lowercase().as_str()))
        });
        if switched {
            hits.push(Hit::of(&UNVERIFIED, instruction.range.clone(), name.clone()));
        }
        let written = value.as_deref().is_some_and(names::is_written_out);
        let handed_on = value.as_deref().is_some_and(|value| value.contains('$'));
        if !names::is_secret(&name) || !(written || handed_on || argument && value.is_none()) {
            continue;
        }
        let subject = format!("{} {name}", instruction.name);
        let hit = Hit::of(&SECRET, instruction.range.clone(), subject).confidence(Confidence::Medium);
        hits.push(match (written, argument) {
            (true, _) => hit.message(format!("`{name}` is written into the image: whoever has it reads it")),
            (false, false) => {
                hit.message(format!("`{name}` becomes part of the image: whoever has it reads it"))
            }
            (false, true) => {
                let hit = hit
                    .message(format!("`{name}` stays in the history of the image: whoever has it reads it"));
                hit.severity(Severity::Medium)
            }
        });
    }
    hits
}

fn run(instruction: &Instruction<'_>) -> Vec<Hit> {
    let (_, script) = instruction.flags();
    let offset = instruction.range.end - script.len();
    let commands = match serde_json::from_str::<Vec<String>>(script) {
        Ok(words) => {
            // `["sh", "-c", "…"]` holds a script.
            let script = words.last().map_or("", String::as_str);
            let inner = if words.get(1).is_some_and(|word| word == "-c") { script } else { "" };
            let mut commands = shell::commands(inner, 0);
            commands.push(shell::Command {
                words: words.clone(),
                range: 0..0,
                then: shell::Then::Next,
                redirected: false,
            });
            commands.iter_mut().for_each(|command| command.range = instruction.range.clone());
            commands
        }
        Err(_) => shell::commands(script, offset),
    };
    let mut hits = commands::look(&commands);
    for command in &commands {
        if command.is_sudo() {
            hits.push(Hit::of(&SUDO, command.range.clone(), format!("sudo {}", command.program())));
        }
        let installs = matches!(command.program(), "apt-get" | "apt") && command.has(&["install"]);
        let alone = command.has(&["--no-install-recommends"])
            || command.arguments().iter().any(|word| {
                word.to_ascii_lowercase().contains("install-recommends=")
                    || word.to_ascii_lowercase().contains("install-recommends \"0\"")
            });
        if installs && !alone {
            hits.push(Hit::of(&RECOMMENDS, command.range.clone(), format!("{} install", command.program())));
        }
    }
    hits
}

/// `CMD`, `ENTRYPOINT` and `HEALTHCHECK` before the last one of their stage.
fn overridden(instructions: &[Instruction<'_>]) -> Vec<Hit> {
    let mut last: HashMap<&str, &Instruction<'_>> = HashMap::new();
    let mut hits = Vec::new();
    for one in instructions {
        match one.name.as_str() {
            "FROM" => last.clear(),
            name @ ("CMD" | "ENTRYPOINT" | "HEALTHCHECK") => {
                if let Some(before) = last.insert(name, one) {
                    hits.push(Hit::of(&OVERRIDDEN, before.range.clone(), name));
                }
            }
            _ => {}
        }
    }
    hits
}
