//! Which path tells that a FastAPI service is ready.

use super::{
    super::ready::{self, ReadyGuess},
    application::Application,
};

/// Middleware that answers some requests before any route does.
const GATES: [&str; 2] = ["HTTPSRedirectMiddleware", "TrustedHostMiddleware"];

/// A path that the application itself serves to everyone; one on a router may stand below a prefix, so the schema is safer
/// there.
pub(super) fn ready_guess(text: &str, application: &Application) -> ReadyGuess {
    let arguments = constructor_arguments(text);
    let guarded = arguments.contains("dependencies");
    let route = ready::served_path(text).filter(|path| !guarded && is_route(text, path, application));
    let guess = match (route, schema_path(&arguments)) {
        (Some(path), _) => ready::found(path),
        (None, Some(path)) => ReadyGuess {
            sentence: format!(
                "readiness: GET `{path}`, which FastAPI answers when the application is up; a path that checks what \
                 the service needs would be better"
            ),
            path,
            status: "200".to_owned(),
        },
        (None, None) => return ready::any_answer(),
    };
    match GATES.into_iter().find(|gate| text.contains(gate)) {
        Some(gate) => guess.with_any_answer(&format!("{gate} may answer instead")),
        None => guess,
    }
}

/// True when `path` is a GET of the application, or of a router that nothing mounts below a prefix.
fn is_route(text: &str, path: &str, application: &Application) -> bool {
    let calls = ["get(", "api_route(", "add_api_route("];
    let quoted = ['"', '\''].map(|quote| format!("{quote}{path}{quote}"));
    let places = quoted.iter().flat_map(|literal| text.match_indices(literal).map(|(at, _)| at));
    let mut receivers = places.filter_map(|at| {
        let before = text[..at].trim_end();
        let call = calls.iter().find_map(|call| before.strip_suffix(call)?.strip_suffix('.'))?;
        Some(
            call.rsplit(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default(),
        )
    });
    match ready::mounts(text) {
        true => receivers.any(|receiver| receiver == application.object),
        false => receivers.next().is_some(),
    }
}

/// What stands in the parentheses of the first `FastAPI(`.
fn constructor_arguments(text: &str) -> String {
    let Some((_, rest)) = text.split_once("FastAPI(") else { return String::new() };
    let mut depth = 0;
    let inside = rest.chars().take_while(|letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        depth >= 0
    });
    inside.collect()
}

/// Where the schema is served; `None` when it is not, or when that is computed.
fn schema_path(arguments: &str) -> Option<String> {
    let Some((_, value)) = arguments.split_once("openapi_url") else {
        return Some("/openapi.json".to_owned());
    };
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let path = value[1..].split(quote).next()?;
    path.starts_with('/').then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn ready(text: &str) -> (String, String) {
        let application = Application {
            directory: PathBuf::new(),
            module: "main".to_owned(),
            object: "app".to_owned(),
            factory: false,
            file: PathBuf::new(),
            reason: String::new(),
        };
        let guess = ready_guess(text, &application);
        (guess.path, guess.status)
    }

    #[test]
    fn asks_a_route_that_answers_everyone() {
        for (text, path, status) in [
            ("app = FastAPI()\n@app.get('/health')\n", "/health", "200-299"),
            ("app = FastAPI()\n@app.get('/health')\nx = APIRouter(prefix='/a')", "/health", "200-299"),
            ("app = FastAPI()\n@router.get('/health')\nx = APIRouter(prefix='/a')", "/openapi.json", "200"),
            ("app = FastAPI()\nhttpx.post(URL + '/health')", "/openapi.json", "200"),
            ("app = FastAPI(dependencies=[Depends(f(1))])\n@app.get('/health')\n", "/openapi.json", "200"),
            ("app = FastAPI(\n  openapi_url = \"/v1/openapi.json\",\n)", "/v1/openapi.json", "200"),
            ("app = FastAPI(openapi_url=f\"{V}/openapi.json\")", "/", "200-499"),
            ("app = FastAPI(openapi_url=None)", "/", "200-499"),
            (
                "app = FastAPI()\n@app.get('/up')\napp.add_middleware(HTTPSRedirectMiddleware)",
                "/up",
                "200-499",
            ),
        ] {
            assert_eq!(ready(text), (path.to_owned(), status.to_owned()), "{text}");
        }
    }
}
