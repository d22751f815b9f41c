//! What a server answers with: pages that a browser shows, and headers that it follows.

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use super::{
    calls::Call,
    marks::Site,
    rules,
    run::{Frame, Reached, Run},
    sinks::leads_nowhere_else,
    state::place,
    typed_answers::{TYPES, TypedAnswers},
    value::{Key, Object, Value},
};
use crate::python::names::ScopeKind;

/// Answers of Django whose first argument is the page.
pub(super) const DJANGO_PAGES: [&str; 7] = [
    "HttpResponse",
    "HttpResponseBadRequest",
    "HttpResponseForbidden",
    "HttpResponseGone",
    "HttpResponseNotFound",
    "HttpResponseServerError",
    "StreamingHttpResponse",
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
        let Some(content) = call.arguments.positional.first().or_else(|| {
            ["content", "response", "text", "body"].iter().find_map(|name| call.arguments.named(name))
        }) else {
            return;
        };
        let kind = self.kind_of_answer(frame, call, library);
        let other = kind.as_ref().is_some_and(is_other);
        let page = match (library, method) {
            ("flask" | "werkzeug", "make_response" | "Response") | ("django", "HttpResponse") => !other,
            ("fastapi" | "starlette", "HTMLResponse") => true,
            ("fastapi" | "starlette" | "aiohttp", "Response") => kind.is_some() && !other,
            ("pyramid", "Response") => !other,
            _ => false,
        };
        let made = content.external_name().is_some_and(is_response);
        if !page || made || self.typed_answers(frame.file).is_typed(call.node) {
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

    /// What a call says about the type of the answer that it makes.
    fn kind_of_answer(&self, frame: &Frame<'a>, call: &Call<'_, 'a>, library: &str) -> Option<Value<'a>> {
        let arguments = call.arguments;
        let named = TYPES.iter().find_map(|name| arguments.named(name));
        let placed = || match library {
            "django" => arguments.positional.get(1),
            _ => arguments.positional.get(3),
        };
        let headers = || arguments.get(2, "headers").and_then(|headers| Self::kind_in(frame, headers));
        named.or_else(placed).cloned().or_else(headers)
    }

    /// What headers say about the type of an answer.
    pub(super) fn kind_in(frame: &Frame<'a>, headers: &Value<'a>) -> Option<Value<'a>> {
        let tables = headers.objects().iter().filter_map(|id| frame.state.object(*id));
        let mut known = tables.filter_map(|object| match object {
            Object::Table { known, .. } => Some(known),
            _ => None,
        });
        let is_type = |key: &Key| matches!(key, Key::Text(name) if name.eq_ignore_ascii_case("content-type"));
        known.find_map(|known| known.iter().find(|(key, _)| is_type(key)).map(|(_, value)| value.clone()))
    }

    /// The answers of a file whose type is said where they are used.
    fn typed_answers(&mut self, file: u32) -> &TypedAnswers<'a> {
        let syntax = self.project.file(file).module.syntax;
        self.typed.entry(file).or_insert_with(|| TypedAnswers::of(&syntax.body))
    }

    /// Something of an answer is set after it was made.
    pub(super) fn answer_gets(
        &mut self,
        frame: &Frame<'a>,
        target: &'a ast::ExprAttribute,
        owner: &Value<'a>,
        value: &Value<'a>,
    ) {
        if !owner.external_name().is_some_and(is_page) {
            return;
        }
        let site = frame.site(target);
        let subject = target.attr.as_str();
        match subject {
            "location" => self.leads(frame, site, value),
            "data" | "content" | "response" if !self.is_other_answer(frame, &target.value) => {
                self.hit(frame, &rules::MARKUP, Reached { value, site, subject, certain: true, deep: false });
            }
            _ => {}
        }
    }

    /// The body of an answer is set, or a part of it.
    pub(super) fn body_set(&mut self, frame: &Frame<'a>, call: &Call<'_, 'a>) {
        let Some((owner, _)) = call.name.rsplit_once('.').filter(|(owner, _)| is_page(owner)) else { return };
        let Expr::Call(node) = call.node else { return };
        let Expr::Attribute(method) = node.func.as_ref() else { return };
        let of_django = owner.starts_with("django.") == (method.attr.as_str() == "write");
        if let Some(text) = call.arguments.positional.first()
            && of_django
            && !self.is_other_answer(frame, &method.value)
        {
            self.reaches(frame, call, &rules::MARKUP, (text, true));
        }
    }

    /// Whether the answer in a variable says somewhere that it is no page.
    fn is_other_answer(&mut self, frame: &Frame<'a>, owner: &Expr) -> bool {
        let function = match self.project.file(frame.file).module.names.scope(frame.scope).kind {
            ScopeKind::Function(function) => function.start().to_u32(),
            _ => 0,
        };
        let name = owner.as_name_expr().map(|name| name.id.as_str());
        name.is_some_and(|name| self.typed_answers(frame.file).is_other(function, name))
    }

    /// An answer gets headers.
    pub(super) fn headers(&mut self, frame: &Frame<'a>, node: &'a Expr, headers: &Value<'a>) {
        for id in headers.objects() {
            let Some(Object::Table { known, .. }) = frame.state.object(*id) else { continue };
            let is_location =
                |key: &Key| matches!(key, Key::Text(name) if name.eq_ignore_ascii_case("location"));
            let leads = known.iter().find(|(key, _)| is_location(key)).map(|(_, value)| value.clone());
            leads.iter().for_each(|value| self.leads(frame, frame.site(node), value));
        }
    }

    /// A header tells a browser where to go.
    pub(super) fn leads(&mut self, frame: &Frame<'a>, site: Site, value: &Value<'a>) {
        if !leads_nowhere_else(&rules::REDIRECT, value) {
            let reached = Reached { value, site, subject: "Location", certain: true, deep: true };
            self.hit(frame, &rules::REDIRECT, reached);
        }
    }
}

/// Whether a call makes an answer that is a page unless somebody says otherwise.
fn is_page(name: &str) -> bool {
    let call = name.strip_suffix("()").and_then(|name| name.rsplit('.').next());
    call.is_some_and(|call| matches!(call, "make_response" | "Response") || DJANGO_PAGES.contains(&call))
        && ["flask.", "werkzeug.", "django."].iter().any(|library| name.starts_with(library))
}

/// Whether a type is not that of a page.
pub(super) fn is_other(kind: &Value<'_>) -> bool {
    kind.only_text().is_none_or(|kind| !kind.contains("html"))
}

/// Whether what a library gives is an answer that is no page of a stranger's.
pub(super) fn is_response(name: &str) -> bool {
    [
        "jsonify",
        "render_template",
        "redirect",
        "Response",
        "response",
        "send_file",
        "send_from_directory",
        "abort",
    ]
    .iter()
    .any(|word| name.contains(word))
}

/// Whether what is put there becomes a header of an answer.
pub(super) fn are_headers(name: &str) -> bool {
    let of_answer = |owner: &str| owner.ends_with("Response()") || owner.ends_with(".make_response()");
    match name.strip_suffix(".headers") {
        Some(owner) => of_answer(owner),
        None => name.starts_with("django.") && of_answer(name),
    }
}
