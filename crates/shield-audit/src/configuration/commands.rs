//! What is wrong with a command wherever it is run: in an image's build or in a workflow.

use super::{
    hits::Hit,
    shell::{Command, Then},
};
use crate::finding::{Confidence, Cwe, Rule, Severity};

static PIPED_TO_SHELL: Rule = Rule {
    id: "shell/download-run",
    title: "runs a script from the network unseen",
    cwe: Cwe(494),
    severity: Severity::Medium,
    aliases: &["DL4006", "adhoc-packages", "SC2312"],
    advice: "Download a fixed version, compare its SHA-256 with the one you reviewed, then run it.",
};

static UNVERIFIED: Rule = Rule {
    id: "shell/unverified-download",
    title: "takes what anybody on the way sent",
    cwe: Cwe(295),
    severity: Severity::High,
    aliases: &["AVD-DS-0027", "AVD-DS-0030"],
    advice: "Leave the check of certificates and signatures on; add the missing authority or key instead.",
};

static WORLD_WRITABLE: Rule = Rule {
    id: "shell/world-writable",
    title: "everybody may write to it",
    cwe: Cwe(732),
    severity: Severity::Medium,
    aliases: &["S103", "G302"],
    advice: "Give the file to the user who needs it, and write permission to nobody else.",
};

/// Shells and interpreters that run what they read.
const RUNNERS: [&str; 12] =
    ["sh", "bash", "zsh", "dash", "ash", "ksh", "python", "python3", "perl", "ruby", "node", "php"];

/// Commands before one that are asked what they gave to a name.
const KEPT_MAX: usize = 200;

/// The hits in a list of commands.
pub(super) fn look(commands: &[Command]) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (at, command) in commands.iter().enumerate() {
        hits.extend(piped(commands, at));
        hits.extend(unverified(command));
        hits.extend(world_writable(command));
        hits.extend(inner(command));
        hits.extend(kept(commands, at));
    }
    hits
}

/// `curl … | sh`, also with something like `gunzip` or `tee` in between.
fn piped(commands: &[Command], at: usize) -> Option<Hit> {
    let from = &commands[at];
    let address = downloaded(from)?;
    let line = commands[at..].iter().take(6);
    let mut previous = Then::Pipe;
    let to = line.skip(1).take_while(|next| std::mem::replace(&mut previous, next.then) == Then::Pipe);
    let piped = from.then == Then::Pipe;
    let to = to.into_iter().find(|next| piped && runs_input(next))?;
    let range = from.range.start..to.range.end;
    let hit = Hit::of(&PIPED_TO_SHELL, range, format!("{} | {}", from.program(), to.program()));
    Some(hit.message(format!("whoever controls `{address}` runs commands here")))
}

/// Whether a command runs what comes in: an interpreter without a script of its own.
fn runs_input(command: &Command) -> bool {
    let program = command.program();
    let options = |word: &&String| word.starts_with('-') && word.as_str() != "-";
    let mut rest = command.arguments().iter().skip_while(options);
    let reads = match rest.next().map(String::as_str) {
        None | Some("-") => true,
        Some(_) => command.has_letter('s'),
    };
    RUNNERS.contains(&program)
        && reads
        && !(command.has_letter('c') || command.has_letter('e') && program != "bash" && program != "sh")
        && !command.has_letter('m')
}

/// The address that a command downloads.
fn downloaded(command: &Command) -> Option<&str> {
    let fetches = matches!(command.program(), "curl" | "wget" | "fetch");
    let address = command.arguments().iter().find(|word| word.contains("://") || word.starts_with('$'));
    fetches.then(|| address.map_or("the address", String::as_str))
}

/// `sh -c "$(curl …)"`, `bash <(curl …)`.
fn inner(command: &Command) -> Option<Hit> {
    let runner = RUNNERS.contains(&command.program()) || matches!(command.program(), "eval" | "source" | ".");
    let made = |word: &&String| {
        ["$(curl ", "$(wget ", "`curl ", "`wget "].iter().any(|start| word.trim_start().starts_with(start))
    };
    let word = command.arguments().iter().find(made).filter(|_| runner)?;
    let hit = Hit::of(&PIPED_TO_SHELL, command.range.clone(), format!("{} $(…)", command.program()));
    let address = word.split_whitespace().find(|part| part.contains("://")).unwrap_or("the address");
    Some(hit.message(format!("whoever controls `{}` runs commands here", address.trim_end_matches(')'))))
}

/// `X=$(curl …)`, and `eval "$X"` or `sh -c "$X"` behind it.
fn kept(commands: &[Command], at: usize) -> Option<Hit> {
    let runner = &commands[at];
    let runs = runner.program() == "eval" || RUNNERS.contains(&runner.program()) && runner.has_letter('c');
    let named = |name: &str| {
        let forms = [format!("${name}"), format!("${{{name}}}")];
        runner.arguments().iter().any(|word| forms.contains(word))
    };
    let given = commands[..at].iter().enumerate().filter(|_| runs).rev().take(KEPT_MAX).find_map(
        |(from, command)| {
            let (name, value) = command.words.last()?.split_once('=').filter(|(name, _)| named(name))?;
            // Unquoted, what is in the parentheses is a command of its own.
            let apart = (value == "$").then(|| downloaded(commands.get(from + 1)?)).flatten();
            let quoted = ["$(curl ", "$(wget "].iter().any(|start| value.starts_with(start));
            (apart.is_some() || quoted).then_some(name)
        },
    )?;
    let hit = Hit::of(&PIPED_TO_SHELL, runner.range.clone(), format!("{} ${given}", runner.program()));
    Some(hit.message(format!("whoever controls what `{given}` was downloaded from runs commands here")))
}

fn unverified(command: &Command) -> Option<Hit> {
    let program = command.program();
    let option = |names: &[&'static str]| names.iter().copied().find(|name| command.has(&[name]));
    let found = match program {
        // The letter may be the value of an option before it, but no value of these begins with a dash.
        "curl" if command.has_letter('k') => Some("-k"),
        "curl" => option(&["--insecure", "--proxy-insecure"]),
        "wget" => option(&["--no-check-certificate"]),
        "apt-get" | "apt" => {
            option(&["--allow-unauthenticated", "--force-yes", "--allow-insecure-repositories"])
        }
        "apk" => option(&["--allow-untrusted"]),
        "yum" | "dnf" | "microdnf" | "zypper" => {
            option(&["--nogpgcheck", "--no-gpg-checks", "--no-gpg-check", "--allow-unsigned-rpm"])
        }
        "pip" | "pip3" => command.option("--trusted-host").map(|_| "--trusted-host"),
        "npm" | "yarn" | "pnpm" => {
            let words: Vec<_> = command.arguments().iter().map(String::as_str).collect();
            let off = words.windows(2).any(|pair| pair == ["strict-ssl", "false"]);
            (off || command.has(&["strict-ssl=false", "--strict-ssl=false"])).then_some("strict-ssl false")
        }
        "git" => {
            let off = |word: &String| word.eq_ignore_ascii_case("http.sslVerify=false");
            let words: Vec<_> = command.arguments().iter().map(|word| word.to_ascii_lowercase()).collect();
            let set = words.windows(2).any(|pair| pair == ["http.sslverify", "false"]);
            (set || command.arguments().iter().any(off)).then_some("http.sslVerify false")
        }
        _ => None,
    }?;
    let hit = Hit::of(&UNVERIFIED, command.range.clone(), format!("{program} {found}"));
    Some(hit.message(format!("`{found}` turns the check of what is downloaded off")))
}

fn world_writable(command: &Command) -> Option<Hit> {
    let mode = (command.program() == "chmod")
        .then(|| command.arguments().iter().find(|word| !word.starts_with('-')))??;
    let octal = mode.len() >= 3 && mode.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    // With the sticky bit, as /tmp has it, nobody removes another's files.
    let sticky = octal && mode.len() == 4 && mode.starts_with('1');
    let wide = octal && !sticky && matches!(mode.as_bytes().last(), Some(b'2' | b'3' | b'6' | b'7'));
    let symbolic = ["a+rwx", "a+w", "o+w", "o+rwx", "ugo+rwx", "+rwx", "a=rwx", "a+rw", "ugo+rw"];
    (wide || symbolic.contains(&mode.as_str())).then(|| {
        let hit = Hit::of(&WORLD_WRITABLE, command.range.clone(), format!("chmod {mode}"));
        hit.confidence(Confidence::Medium)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::shell::commands;

    fn said(script: &str) -> Vec<String> {
        look(&commands(script, 0)).iter().map(|hit| format!("{} {}", hit.rule.id, hit.subject)).collect()
    }

    #[test]
    fn bad_commands_are_found() {
        for (script, expected) in [
            ("curl -sSL https://x.y/z | bash", "shell/download-run curl | bash"),
            ("wget -qO- https://x | sudo -E bash -s -- -y", "shell/download-run wget | bash"),
            ("curl https://x | gunzip | sh", "shell/download-run curl | sh"),
            ("sh -c \"$(curl -fsSL https://x)\"", "shell/download-run sh $(…)"),
            ("X=$(curl https://x)\ny\neval $X", "shell/download-run eval $X"),
            ("X=\"$(wget -qO- https://x)\"; bash -c \"${X}\"", "shell/download-run bash $X"),
            ("curl -fsSLk https://x -o y", "shell/unverified-download curl -k"),
            (
                "wget --no-check-certificate https://x",
                "shell/unverified-download wget --no-check-certificate",
            ),
            ("apt-get install -y --force-yes x", "shell/unverified-download apt-get --force-yes"),
            ("pip install --trusted-host=x y", "shell/unverified-download pip --trusted-host"),
            ("npm config set strict-ssl false", "shell/unverified-download npm strict-ssl false"),
            (
                "git config --global http.sslVerify false",
                "shell/unverified-download git http.sslVerify false",
            ),
            ("chmod -R 777 /app", "shell/world-writable chmod 777"),
            ("chmod a+w x", "shell/world-writable chmod a+w"),
        ] {
            assert_eq!(said(script), [expected], "{script}");
        }
    }

    #[test]
    fn good_commands_are_left_alone() {
        for script in [
            "curl -fsSL https://x -o y && sha256sum -c y.sha && sh y",
            "curl https://x | tar xz",
            "curl https://x | python3 -m json.tool",
            "curl https://x | python3 -c 'import sys'",
            "curl https://x | jq . ; echo a | sh",
            "cat x | sh",
            "chmod 755 x && chmod 1777 /tmp && chmod +x y",
            "curl --retry 3 -o k https://x",
            "echo curl -k",
            "X=$(curl https://x); Y=$(z); eval $Y; echo $X",
        ] {
            assert_eq!(said(script), Vec::<String>::new(), "{script}");
        }
    }
}
