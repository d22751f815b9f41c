//! What the OpenAPI document says of credentials: the kinds there are, and which of them each operation takes.

use http::Method;
use shield_guard::csrf::CSRF_HEADER;
use utoipa::openapi::{
    Components, OpenApi,
    security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
};

use super::openapi::for_each_operation;
use crate::gate::{CredentialKinds, RouteClass, class_of, session_cookie};

const TOKEN: &str = "access-token";
const KEY: &str = "api-key";
const SESSION: &str = "session";
const CSRF: &str = "csrf-token";

/// Completes a document whose paths are those of the gate.
pub(super) fn describe(document: &mut OpenApi) {
    add_schemes(document.components.get_or_insert_default());
    for_each_operation(document, |method, path, operation| {
        let kinds = class_of(method, path).map_or(CredentialKinds::None, RouteClass::credentials);
        operation.security = Some(requirements(kinds, method));
    });
}

fn add_schemes(components: &mut Components) {
    let mut token = Http::new(HttpAuthScheme::Bearer);
    token.description =
        Some("An access token; where an API key is taken, the key may stand here too".to_owned());
    components.add_security_scheme(TOKEN, SecurityScheme::Http(token));
    let key = ApiKeyValue::with_description("x-api-key", "An API key");
    components.add_security_scheme(KEY, SecurityScheme::ApiKey(ApiKey::Header(key)));
    let session = ApiKeyValue::with_description(session_cookie().name(), "The cookie that a log-in sets");
    components.add_security_scheme(SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    let from = "With a cookie, for whatever changes something: a token of `GET /api/csrf/token`";
    let csrf = ApiKeyValue::with_description(CSRF_HEADER, from);
    components.add_security_scheme(CSRF, SecurityScheme::ApiKey(ApiKey::Header(csrf)));
}

/// Any one of these will do.
fn requirements(kinds: CredentialKinds, method: &Method) -> Vec<SecurityRequirement> {
    let one = |name: &str| SecurityRequirement::new(name, [""; 0]);
    let session = match method.is_safe() {
        true => one(SESSION),
        false => one(SESSION).add(CSRF, [""; 0]),
    };
    match kinds {
        CredentialKinds::None => Vec::new(),
        CredentialKinds::Login => vec![one(TOKEN), session],
        CredentialKinds::Any => vec![one(TOKEN), one(KEY), session],
        CredentialKinds::AnyOrNone => vec![SecurityRequirement::default(), one(TOKEN), one(KEY), session],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::api::openapi_text;

    #[test]
    fn operations_say_what_they_take() {
        let document: Value = serde_json::from_str(openapi_text()).unwrap();
        let of = |method: &str, path: &str| document["paths"][path][method]["security"].clone();
        let (token, key) = (json!({ "access-token": [] }), json!({ "api-key": [] }));
        let (session, proven) = (json!({ "session": [] }), json!({ "session": [], "csrf-token": [] }));
        assert_eq!(of("get", "/api/v1/user/profile"), json!([token, session]));
        assert_eq!(of("put", "/api/v1/user/profile"), json!([token, proven]));
        assert_eq!(of("get", "/api/v1/url-check/history"), json!([token, key, session]));
        assert_eq!(of("post", "/api/v1/url-check/check"), json!([{}, token, key, proven]));
        assert_eq!(of("post", "/api/v1/user/login"), json!([]));
        let schemes = &document["components"]["securitySchemes"];
        assert_eq!(schemes["session"]["in"], "cookie");
        assert_eq!(schemes["csrf-token"]["name"], "x-csrf-token");
    }
}
