//! How the rules look.

use super::catalogue::{BIND, CERTIFICATE, CIPHER, COMMAND, HASH, JWT, PERMISSIONS, RANDOM, SQL, TEMPORARY};
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Severity},
    languages::{
        Language,
        call::{Call, Scene},
        check::{Check, Test},
        fold::children,
        names::Meaning,
        secret,
    },
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        language: Language::Rust,
        words: &["danger_accept_invalid", "SslVerifyMode", "use_preconfigured_tls", "danger_accept"],
        test: Test::Call(certificate),
    },
    Check { language: Language::Rust, words: &["Command"], test: Test::Call(command) },
    Check { language: Language::Rust, words: &["query", "execute", "sql", "prepare"], test: Test::Call(sql) },
    Check {
        language: Language::Rust,
        words: &["md5", "Md5", "sha1", "Sha1", "des", "rc4", "Rc4", "ecb"],
        test: Test::Call(cryptography),
    },
    Check {
        language: Language::Rust,
        words: &["fastrand", "oorandom", "SmallRng", "StdRng"],
        test: Test::Call(random),
    },
    Check { language: Language::Rust, words: &["/tmp/"], test: Test::Call(temporary) },
    Check { language: Language::Rust, words: &["0.0.0.0", "[::]"], test: Test::Call(bind) },
    Check { language: Language::Rust, words: &["mode"], test: Test::Call(permissions) },
    Check {
        language: Language::Rust,
        words: &["insecure_disable_signature_validation", "insecure_decode", "dangerous_insecure_decode"],
        test: Test::Call(token),
    },
];

fn is_true<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> bool {
    scene.argument(call, 0).and_then(|text| text.literal()).as_deref() == Some("true")
}

fn certificate<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let off = match call.method {
        "danger_accept_invalid_certs" | "danger_accept_invalid_hostnames" => is_true(scene, call),
        "set_verify" | "set_verify_callback" => {
            let mode = scene.name(*call.arguments.first()?)?;
            mode.ends_with("SslVerifyMode::NONE") && call.method == "set_verify"
        }
        _ => false,
    };
    off.then(|| Hit::of(&CERTIFICATE, call.node.byte_range(), call.method))
}

/// What a chain of methods begins with, and its last link before the call: `Command::new("sh").arg("-c")`.
fn chain<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<(Call<'t>, Option<Call<'t>>)> {
    let mut previous = None;
    let mut node = call.object?;
    for _ in 0..30 {
        if node.kind() == "identifier" {
            match scene.names.meaning(scene.scope, scene.written(node))? {
                Meaning::Value(value, _) => node = *value,
                _ => return None,
            }
        }
        let link = Call::of(scene.names, scene.scope, node, "function")?;
        if link.name.ends_with("Command::new") {
            return Some((link, previous));
        }
        node = link.object?;
        previous.get_or_insert(link);
    }
    None
}

fn command<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    if !matches!(call.method, "arg" | "args") {
        return None;
    }
    let (new, previous) = chain(scene, call)?;
    let shell = scene.argument(&new, 0)?.literal()?;
    let base = shell.rsplit('/').next().unwrap_or(&shell).to_owned();
    let shells = ["sh", "bash", "zsh", "dash", "cmd", "powershell", "pwsh"];
    shells.contains(&base.trim_end_matches(".exe")).then_some(())?;
    let is_flag = |text: Option<String>| {
        matches!(text.as_deref(), Some("-c" | "/C" | "/c" | "-lc" | "-ec" | "-Command"))
    };
    let script = match call.method {
        "arg" => {
            let flag = previous.filter(|link| link.method == "arg")?;
            is_flag(scene.argument(&flag, 0)?.literal()).then(|| call.arguments.first().copied())?
        }
        _ => {
            let first = *call.arguments.first()?;
            let list = if first.kind() == "reference_expression" {
                first.child_by_field_name("value")?
            } else {
                first
            };
            let parts = children(list, 30);
            let at = parts.iter().position(|part| is_flag(scene.text(*part).literal()))?;
            parts.get(at + 1).copied()
        }
    }?;
    let text = scene.text(script);
    let hit = Hit::of(&COMMAND, call.node.byte_range(), format!("Command::new({base})"));
    let hit = hit.message(format!("`{base}` runs a text that is not written here"));
    // Who runs a command that somebody else configured does what it is for.
    let sure = if text.is_composed() {
        hit.severity(Severity::Medium).confidence(Confidence::Medium)
    } else {
        hit.severity(Severity::Low).confidence(Confidence::Low)
    };
    (!text.is_known()).then_some(sure)
}

fn sql<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let functions = [
        "sqlx::query",
        "sqlx::query_as",
        "sqlx::query_scalar",
        "sqlx::raw_sql",
        "diesel::sql_query",
        "diesel::dsl::sql",
    ];
    let methods = [
        "execute",
        "query",
        "query_row",
        "prepare",
        "query_one",
        "query_opt",
        "batch_execute",
        "execute_batch",
        "simple_query",
    ];
    let asks =
        functions.contains(&call.name.as_str()) || call.object.is_some() && methods.contains(&call.method);
    let text = scene.argument(call, 0).filter(|_| asks)?;
    let harmless = secret::is_harmless(scene, &text);
    let found = text.is_composed() && secret::is_sql(text.beginning()) && !harmless;
    let hit = Hit::of(&SQL, call.node.byte_range(), call.method).confidence(Confidence::Medium);
    found.then(|| hit.message("the database takes what is put in for a part of the statement"))
}

fn cryptography<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let name = call.name.as_str();
    let hash = matches!(name, "md5::compute" | "md5::Context::new")
        || ["md5::Md5::", "md_5::Md5::", "sha1::Sha1::", "sha1_smol::Sha1::", "md4::Md4::"]
            .iter()
            .any(|of| name.starts_with(of));
    if hash {
        let prescribed = name.contains("sha1") && secret::is_prescribed(scene.names.text);
        return (!prescribed).then(|| call.hit(&HASH).confidence(Confidence::Medium));
    }
    let made = matches!(call.method, "new" | "new_from_slice" | "new_from_slices");
    let cipher = ["des::Des::", "des::TdesEde3::", "rc4::Rc4::", "ecb::Encryptor", "ecb::Decryptor"]
        .iter()
        .any(|of| name.starts_with(of));
    (made && cipher).then(|| call.hit(&CIPHER))
}

fn random<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let weak = ["fastrand::", "oorandom::", "rand::rngs::SmallRng::", "rand::rngs::StdRng::seed_from_u64()"];
    // A generator that is made draws nothing yet.
    let made = matches!(call.method, "new" | "with_seed" | "seed_from_u64" | "from_seed" | "from_entropy");
    let found = !made && weak.iter().any(|of| call.name.starts_with(of)) && secret::is_guarded(scene.around);
    found.then(|| call.hit(&RANDOM).confidence(Confidence::Medium))
}

fn temporary<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let makes = ["fs::write", "File::create", "fs::create_dir", "fs::create_dir_all", "File::create_new"];
    let made = makes.iter().any(|of| call.name == *of || call.name.ends_with(&format!("::{of}")));
    let text = scene.argument(call, 0).filter(|_| made)?.literal()?;
    // What must not be there yet is not somebody else's.
    let found = text.starts_with("/tmp/") && !call.name.ends_with("create_new");
    found.then(|| call.hit(&TEMPORARY).confidence(Confidence::Medium))
}

fn bind<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let binds = call.name.ends_with("TcpListener::bind")
        || call.name.ends_with("UdpSocket::bind") && awaits_strangers(scene, call);
    let text = scene.argument(call, 0).filter(|_| binds)?;
    let all = ["0.0.0.0:", "[::]:"].iter().any(|all| text.beginning().starts_with(all));
    all.then(|| call.hit(&BIND).confidence(Confidence::Medium))
}

/// Whether a socket waits for strangers: port 0 is for what one asks oneself.
fn awaits_strangers<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> bool {
    scene.argument(call, 0).and_then(|text| text.literal()).is_some_and(|address| !address.ends_with(":0"))
}

fn permissions<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let sets = matches!(call.method, "mode" | "set_mode" | "from_mode") && !call.arguments.is_empty();
    let written = scene.argument(call, 0).filter(|_| sets)?.literal()?;
    let mode = u32::from_str_radix(written.strip_prefix("0o")?, 8).ok()?;
    // What every program makes its files with is left to the user's mask.
    let loose = mode & 0o002 != 0 && mode & 0o1000 == 0 && mode != 0o666;
    loose.then(|| {
        Hit::of(&PERMISSIONS, call.node.byte_range(), format!("{} {written}", call.method))
            .confidence(Confidence::Medium)
    })
}

fn token<'t>(_: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let names = ["insecure_disable_signature_validation", "insecure_decode", "dangerous_insecure_decode"];
    names.contains(&call.method).then(|| Hit::of(&JWT, call.node.byte_range(), call.method))
}
