//! Which path tells that the service is ready.

/// Paths that services commonly answer, the most telling first.
const PATHS: [&str; 20] = [
    "/api/v1/health/ready",
    "/api/health/ready",
    "/health/ready",
    "/readyz",
    "/ready",
    "/readiness",
    "/healthz",
    "/health",
    "/api/v1/health",
    "/api/health",
    "/api/healthz",
    "/_health",
    "/health/live",
    "/livez",
    "/live",
    "/liveness",
    "/healthcheck",
    "/health-check",
    "/up",
    "/ping",
];

/// What makes the full path of a route uncertain: a router mounted below a prefix.
const MOUNTS: [&str; 12] = [
    ".nest(",
    "scope(",
    ".mount(",
    "prefix=",
    "prefix:",
    "prefix :",
    ".basePath(",
    ".use('/",
    ".use(\"/",
    ".use(`/",
    "setGlobalPrefix(",
    "Blueprint(",
];

/// Any answer that is not the server's own failure.
const ANSWERS: &str = "200-499";

/// A readiness path, the statuses that mean ready, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReadyGuess {
    pub(crate) path: String,
    pub(crate) status: String,
    pub(crate) sentence: String,
}

/// The most telling path that `text` serves; `None` when it serves none of the common ones.
pub(crate) fn served_path(text: &str) -> Option<&'static str> {
    PATHS.into_iter().find(|path| ['"', '\'', '`'].iter().any(|quote| serves(text, path, *quote)))
}

/// Calls before a path that do not serve a GET of it: uploads, sockets, and requests to another service.
const OTHER_CALLS: [&str; 12] = [
    "post(",
    "put(",
    "delete(",
    "patch(",
    "websocket(",
    "fetch(",
    "axios(",
    "axios.get(",
    "client.get(",
    "requests.get(",
    "httpx.get(",
    "+",
];

/// True when `text` holds `path` in quotes, and not only as the path of something else.
fn serves(text: &str, path: &str, quote: char) -> bool {
    let literal = format!("{quote}{path}{quote}");
    text.match_indices(&literal).any(|(at, _)| {
        let before = text[..at].trim_end();
        let after: String = text[at + literal.len()..].chars().take(40).collect();
        let called = OTHER_CALLS.iter().any(|call| before.ends_with(call));
        let written = ["post(", "put(", "delete(", "patch("].iter().any(|call| after.contains(call));
        !called && (!written || after.contains("get("))
    })
}

/// True when routes of `text` may stand below a prefix.
pub(crate) fn mounts(text: &str) -> bool {
    MOUNTS.iter().any(|mount| text.contains(mount)) || routes_to_a_router(text)
}

/// True for `.route('/api', api)`: what follows the path is a name, not a call that makes a handler.
fn routes_to_a_router(text: &str) -> bool {
    text.split(".route(").skip(1).any(|rest| {
        let Some((_, rest)) = rest.split_once(',') else { return false };
        let rest =
            rest.trim_start().trim_start_matches(|letter: char| letter.is_alphanumeric() || letter == '_');
        rest.trim_start().starts_with(')')
    })
}

/// The guess for a service without a document of its own to ask for.
pub(crate) fn guess(text: &str) -> ReadyGuess {
    match served_path(text) {
        Some(path) if mounts(text) => {
            found(path).with_any_answer("the sources mention it but may serve it below a prefix")
        }
        Some(path) => found(path),
        None => any_answer(),
    }
}

/// A path that the sources serve.
pub(crate) fn found(path: &str) -> ReadyGuess {
    ReadyGuess {
        path: path.to_owned(),
        status: "200-299".to_owned(),
        sentence: format!("readiness: GET `{path}`, because the sources serve it"),
    }
}

/// No path is known: whatever answers is ready.
pub(crate) fn any_answer() -> ReadyGuess {
    ReadyGuess {
        path: "/".to_owned(),
        status: ANSWERS.to_owned(),
        sentence: format!(
            "readiness: GET `/` with any status {ANSWERS}, because no health path was found in the sources; a path \
             that checks what the service needs would be better"
        ),
    }
}

// === impl ReadyGuess ===

impl ReadyGuess {
    /// The same path, with every status that is not the server's own failure, because of `reason`.
    pub(crate) fn with_any_answer(self, reason: &str) -> Self {
        let path = self.path;
        Self {
            sentence: format!(
                "readiness: GET `{path}` with any status {ANSWERS}, because {reason}; write the full path and status \
                 200 when you know it"
            ),
            path,
            status: ANSWERS.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_most_telling_path() {
        for (text, path) in [
            ("app.get('/ping'); app.get(\"/health\")", Some("/health")),
            (".route(\"/readyz\", get(ready)).route(\"/health\", get(live))", Some("/readyz")),
            ("if (url === `/up`)", Some("/up")),
            ("/health", None),
            ("\"/healthy\"", None),
            ("app.post('/ping', x)", None),
            (".route(\"/ping\", post(x))", None),
            (".route(\"/ping\", get(y).post(x))", Some("/ping")),
            ("fetch('/ping'); axios.get(base + '/health')", None),
        ] {
            assert_eq!(served_path(text), path, "{text}");
        }
    }

    #[test]
    fn prefix_loosens_the_status() {
        assert_eq!(guess("get('/health')").status, "200-299");
        let below = guess("app.use('/api', router); router.get('/health')");
        assert_eq!((below.path.as_str(), below.status.as_str()), ("/health", "200-499"));
        assert_eq!(guess("app.route('/api', api); api.get('/health')").status, "200-499");
        assert_eq!(guess("app.route('/health', get(health))").status, "200-299");
        assert_eq!(guess("").path, "/");
    }
}
