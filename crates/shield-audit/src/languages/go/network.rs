//! What goes over the network, and who may connect.

use tree_sitter::Node;

use super::request;
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Cwe, Rule, Severity},
    languages::{
        Language,
        address::leading,
        call::{Call, Scene},
        check::{Check, Test},
        fold::children,
        guard,
    },
};

static BIND: Rule = Rule {
    id: "go/bind-all",
    title: "answers on every network of its host",
    cwe: Cwe(605),
    severity: Severity::Low,
    aliases: &["G102"],
    advice: "Name the one address that is meant: `127.0.0.1` behind a proxy.",
};

static HOST_KEY: Rule = Rule {
    id: "go/ssh-any-host",
    title: "trusts any host that answers",
    cwe: Cwe(322),
    severity: Severity::High,
    aliases: &["G106"],
    advice: "Use `knownhosts.New`, or `ssh.FixedHostKey`.",
};

static PROFILE: Rule = Rule {
    id: "go/profile-served",
    title: "shows the inside of the program to whoever asks",
    cwe: Cwe(200),
    severity: Severity::Medium,
    aliases: &["G108"],
    advice: "Register the handlers of pprof on a server of their own, on `127.0.0.1`.",
};

static TIMEOUT: Rule = Rule {
    id: "go/no-timeout",
    title: "slow clients keep their connections for ever",
    cwe: Cwe(400),
    severity: Severity::Low,
    aliases: &["G112", "G114"],
    advice: "Make an `http.Server` with `ReadHeaderTimeout`.",
};

static CERTIFICATE: Rule = Rule {
    id: "go/no-certificate-check",
    title: "certificates are not checked",
    cwe: Cwe(295),
    severity: Severity::High,
    aliases: &["G402"],
    advice: "Leave it out; put the missing authority into `RootCAs` instead.",
};

static OLD_TLS: Rule = Rule {
    id: "go/old-tls",
    title: "speaks versions of TLS that are broken",
    cwe: Cwe(326),
    severity: Severity::Medium,
    aliases: &["G402"],
    advice: "Leave it out: TLS 1.2 is the oldest that is spoken then.",
};

static COOKIE: Rule = Rule {
    id: "go/cookie-flags",
    title: "scripts or listeners can take the cookie",
    cwe: Cwe(614),
    severity: Severity::Low,
    aliases: &["G124"],
    advice: "Set `Secure` and `HttpOnly`.",
};

static JWT: Rule = Rule {
    id: "go/unverified-token",
    title: "anybody can write the token",
    cwe: Cwe(347),
    severity: Severity::High,
    aliases: &["jwt-go-none-algorithm", "jwt-go-parse-unverified"],
    advice: "Parse it with the key, and with `jwt.WithValidMethods`.",
};

static FORGERY: Rule = Rule {
    id: "go/request-forgery",
    title: "a stranger says what the server asks for",
    cwe: Cwe(918),
    severity: Severity::High,
    aliases: &["G107", "G704"],
    advice: "Keep a table of the hosts that may be asked, and refuse addresses of your own networks.",
};

static REDIRECT: Rule = Rule {
    id: "go/open-redirect",
    title: "a stranger says where the visitor goes",
    cwe: Cwe(601),
    severity: Severity::Medium,
    aliases: &["G710", "open-redirect"],
    advice: "Redirect to paths of this site, or to a table of addresses.",
};

pub(super) const CHECKS: &[Check] = &[
    Check { language: Language::Go, words: &["Listen"], test: Test::Call(bind) },
    Check {
        language: Language::Go,
        words: &["InsecureIgnoreHostKey"],
        test: Test::Node(&["selector_expression"], host_key),
    },
    Check { language: Language::Go, words: &["net/http/pprof"], test: Test::Node(&["import_spec"], profile) },
    Check { language: Language::Go, words: &["http"], test: Test::Call(no_timeout) },
    Check { language: Language::Go, words: &["Server"], test: Test::Node(&["composite_literal"], server) },
    Check {
        language: Language::Go,
        words: &["InsecureSkipVerify", "MinVersion", "MaxVersion"],
        test: Test::Node(&["keyed_element", "assignment_statement"], tls),
    },
    Check {
        language: Language::Go,
        words: &["Cookie", "gorilla/sessions"],
        test: Test::Node(&["composite_literal"], cookie),
    },
    Check {
        language: Language::Go,
        words: &["UnsafeAllowNoneSignatureType", "SigningMethodNone", "ParseUnverified"],
        test: Test::Node(&["selector_expression"], token),
    },
    Check { language: Language::Go, words: &["net/http"], test: Test::Call(forgery) },
    Check { language: Language::Go, words: &["Redirect", "Location"], test: Test::Call(redirect) },
];

fn bind<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let listens = matches!(call.name.as_str(), "net.Listen" | "crypto/tls.Listen" | "net.ListenPacket");
    let network = scene.argument(call, 0).filter(|_| listens)?.literal()?;
    let address = scene.argument(call, 1)?;
    let start = address.beginning();
    let all =
        ["0.0.0.0:", "[::]:", ":"].iter().any(|all| start.starts_with(all)) && !network.starts_with("unix");
    all.then(|| call.hit(&BIND))
}

fn host_key<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let found = scene.name(node)? == "golang.org/x/crypto/ssh.InsecureIgnoreHostKey";
    found.then(|| Hit::of(&HOST_KEY, node.byte_range(), "ssh.InsecureIgnoreHostKey"))
}

fn profile<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let path = scene.written(node.child_by_field_name("path")?).trim_matches(['"', '`']);
    let hidden = node.child_by_field_name("name").is_some_and(|name| scene.written(name) == "_");
    // Registered with the default handlers: a server that has its own does not show them.
    let served = scene.names.text.contains("http.ListenAndServe") || scene.names.text.contains("http.Serve");
    (path == "net/http/pprof" && hidden && served).then(|| Hit::of(&PROFILE, node.byte_range(), path))
}

fn no_timeout<'t>(_: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let serves = matches!(
        call.name.as_str(),
        "net/http.ListenAndServe" | "net/http.ListenAndServeTLS" | "net/http.Serve" | "net/http.ServeTLS"
    );
    serves.then(|| call.hit(&TIMEOUT))
}

/// The value of a field of a literal.
pub(super) fn field<'t>(scene: &Scene<'_, 't>, literal: Node<'t>, name: &str) -> Option<Node<'t>> {
    let elements = children(literal.child_by_field_name("body")?, 200);
    elements.into_iter().filter(|element| element.kind() == "keyed_element").find_map(|element| {
        let key = element.named_child(0)?;
        let last = u32::try_from(element.named_child_count()).ok()?.checked_sub(1)?;
        (scene.written(key) == name).then(|| element.named_child(last)).flatten()
    })
}

fn server<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let named = scene.name(node.child_by_field_name("type")?)? == "net/http.Server";
    let limited = ["ReadHeaderTimeout", "ReadTimeout"].iter().any(|name| field(scene, node, name).is_some());
    // Set behind the literal is set, too.
    let later =
        scene.names.text.contains(".ReadHeaderTimeout =") || scene.names.text.contains(".ReadTimeout =");
    (named && !limited && !later).then(|| Hit::of(&TIMEOUT, node.byte_range(), "http.Server"))
}

fn tls<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let parts = children(node, 4);
    let (key, value) = (*parts.first()?, *parts.last()?);
    let value = match value.kind() {
        "literal_element" | "expression_list" => value.named_child(0)?,
        _ => value,
    };
    let written = scene.written(key);
    match written.rsplit('.').next().unwrap_or(written) {
        "InsecureSkipVerify" => {
            // With a check of its own, it is another check.
            let own = ["VerifyPeerCertificate", "VerifyConnection"]
                .iter()
                .any(|check| scene.names.text.contains(check));
            let hit = Hit::of(&CERTIFICATE, node.byte_range(), "InsecureSkipVerify");
            let on = scene.text(value).literal()? == "true";
            on.then(|| if own { hit.severity(Severity::Low).confidence(Confidence::Low) } else { hit })
        }
        name @ ("MinVersion" | "MaxVersion") => {
            let version = scene.name(value).unwrap_or_default();
            let old = ["VersionSSL30", "VersionTLS10", "VersionTLS11"]
                .iter()
                .any(|old| version == format!("crypto/tls.{old}"));
            let version = version.rsplit('.').next().unwrap_or_default().to_owned();
            old.then(|| Hit::of(&OLD_TLS, node.byte_range(), format!("{name} {version}")))
        }
        _ => None,
    }
}

fn cookie<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let kind = scene.name(node.child_by_field_name("type")?)?;
    let options = kind == "github.com/gorilla/sessions.Options";
    let set = |name: &str| field(scene, node, name).is_some_and(|value| scene.written(value) != "false");
    // A cookie that is taken away, or that is set later field by field, has nothing to keep.
    let kept = (options || kind == "net/http.Cookie" && field(scene, node, "Value").is_some())
        && field(scene, node, "MaxAge").is_none_or(|age| !scene.written(age).starts_with('-'));
    let missing = ["Secure", "HttpOnly"]
        .into_iter()
        .find(|flag| !set(flag) && !scene.names.text.contains(&format!(".{flag} =")))?;
    let hit = Hit::of(
        &COOKIE,
        node.byte_range(),
        format!("{} {missing}", if options { "sessions.Options" } else { "http.Cookie" }),
    )
    .confidence(Confidence::Medium);
    kept.then(|| hit.message(format!("the cookie is set without `{missing}`")))
}

fn token<'t>(scene: &Scene<'_, 't>, node: Node<'t>) -> Option<Hit> {
    let field = scene.written(node.child_by_field_name("field")?);
    let none = matches!(field, "UnsafeAllowNoneSignatureType" | "SigningMethodNone");
    let unverified = field == "ParseUnverified";
    let hit = Hit::of(&JWT, node.byte_range(), field);
    if none {
        return Some(hit);
    }
    unverified.then(|| hit.severity(Severity::Medium).confidence(Confidence::Medium))
}

fn forgery<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let client = ["net/http.Client{}.", "net/http.DefaultClient.", "net/http."]
        .iter()
        .find_map(|of| call.name.strip_prefix(of))?;
    let at = match client {
        "Get" | "Head" | "Post" | "PostForm" => 0,
        "NewRequest" => 1,
        "NewRequestWithContext" => 2,
        _ => return None,
    };
    let target = *call.arguments.get(at)?;
    let part = leading(&scene.text(target), |node| request::by_stranger(scene, node))?;
    let hit = call.hit(&FORGERY).message(format!("the server asks for what `{part}` says"));
    Some(guard::judged(scene, hit, &request::trail(scene, target)))
}

fn redirect<'t>(scene: &Scene<'_, 't>, call: &Call<'t>) -> Option<Hit> {
    let at = match (call.name.as_str(), call.method) {
        ("net/http.Redirect", _) => 2,
        (_, "Set" | "Add")
            if call.object.is_some_and(|object| scene.written(object).ends_with(".Header()")) =>
        {
            let name = scene.argument(call, 0)?.literal()?;
            name.eq_ignore_ascii_case("location").then_some(1)?
        }
        // Gin and Echo have the status first, Fiber the address.
        (_, "Redirect") if call.object.is_some_and(|object| request::is_context(scene, object)) => {
            usize::from(call.arguments.len() > 1 && request::by_stranger(scene, call.arguments[0]).is_none())
        }
        _ => return None,
    };
    let target = *call.arguments.get(at)?;
    let part = leading(&scene.text(target), |node| request::by_stranger(scene, node))?;
    // The same path, on this site.
    let own = [".URL.Path", ".URL.String()", ".RequestURI", ".Referer()"].iter().any(|of| part.ends_with(of));
    let hit = Hit::of(&REDIRECT, call.node.byte_range(), call.method)
        .message(format!("a stranger writes `{part}`, and the visitor is sent there"));
    (!own).then(|| guard::judged(scene, hit, &request::trail(scene, target)))
}
