//! What a server answers with: pages that a browser shows, and headers that it follows.

use ruff_python_ast::Expr;

use super::{
    calls::Call,
    rules,
    run::{Frame, Reached, Run},
    sinks::leads_nowhere_else,
    state::place,
    value::{Key, Object, Value},
};

/// Answers of Django whose first argument is the page.
pub(super) const DJANGO_PAGES: [&str; 6] = [
    "HttpResponse",
    "HttpResponseBadRequest",
    "HttpResponseForbidden",
    "HttpResponseGone",
    "HttpResponseNotFound",
    "HttpResponseServerError",
];

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// An answer is made.
    pub(super) fn answer(&mut self, frame: &mut Frame<'a>, call: &Call<'_, 'a>, method: &str) {
        self.page(frame, call, method);
        if let Some(headers) = call.arguments.named("headers") {
            self.headers(frame, call.node, headers);
        }
    }

    fn page(&mut self, frame: &mut Frame<'a>, call: &Call<'_, 'a>, method: &str) {
        let library = call.name.split('.').next().unwrap_or_default();
        let Some(content) = call
            .arguments
            .positional
            .first()
            .or_else(|| ["content", "response"].iter().find_map(|name| call.arguments.named(name)))
        else {
            return;
        };
        let kind =
            ["mimetype", "content_type", "media_type"].iter().find_map(|name| call.arguments.named(name));
        let other = kind.is_some_and(|kind| kind.only_text().is_none_or(|kind| !kind.contains("html")));
        let page = match (library, method) {
            ("flask" | "werkzeug", "make_response" | "Response") | ("django", "HttpResponse") => !other,
            ("fastapi" | "starlette", "HTMLResponse") => true,
            ("fastapi" | "starlette", "Response") => kind.is_some() && !other,
            _ => false,
        };
        if !page {
            return;
        }
        let list = content.objects().first().and_then(|id| frame.state.object(*id)).cloned();
        match list {
            // A text with a status or headers.
            Some(Object::List(items)) => {
                if let Some(first) = place(0, items.len()).map(|place| &items[place]) {
                    self.reaches(frame, call, &rules::MARKUP, (first, true));
                }
            }
            Some(_) => {}
            None => self.reaches(frame, call, &rules::MARKUP, (content, true)),
        }
    }

    /// An answer gets headers.
    pub(super) fn headers(&mut self, frame: &Frame<'a>, node: &'a Expr, headers: &Value<'a>) {
        for id in headers.objects() {
            let Some(Object::Table { known, .. }) = frame.state.object(*id) else { continue };
            let is_location =
                |key: &Key| matches!(key, Key::Text(name) if name.eq_ignore_ascii_case("location"));
            let leads = known.iter().find(|(key, _)| is_location(key)).map(|(_, value)| value.clone());
            leads.iter().for_each(|value| self.leads(frame, node, value));
        }
    }

    /// A header tells a browser where to go.
    pub(super) fn leads(&mut self, frame: &Frame<'a>, node: &'a Expr, value: &Value<'a>) {
        if !leads_nowhere_else(&rules::REDIRECT, value) {
            let site = frame.site(node);
            let reached = Reached { value, site, subject: "Location", certain: true, deep: true };
            self.hit(frame, &rules::REDIRECT, reached);
        }
    }
}

/// Whether what is put there becomes a header of an answer.
pub(super) fn are_headers(name: &str) -> bool {
    let of_answer = |owner: &str| owner.ends_with("Response()") || owner.ends_with(".make_response()");
    match name.strip_suffix(".headers") {
        Some(owner) => of_answer(owner),
        None => name.starts_with("django.") && of_answer(name),
    }
}
