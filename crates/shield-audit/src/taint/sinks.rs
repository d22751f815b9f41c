//! Where data does harm: calls that take a text for code, a name of a file, an address.

use ruff_python_ast::Expr;

use super::{
    answers::{DJANGO_PAGES, are_headers},
    calls::Call,
    characters::has_host,
    kinds::Kinds,
    objects::{self, IN_MEMORY, follows_entities},
    rules::{self, Danger},
    run::{Frame, Reached, Run},
    shells::{runs_shell, words_of},
    targets::{self, Place, Target},
    value::{Object, Shape, Value},
};
use crate::python::fold::Constant;

/// What the server trusts: sessions.
const SESSIONS: [&str; 4] = [
    "flask.session",
    "django.http.HttpRequest().session",
    "starlette.requests.Request().session",
    "fastapi.Request().session",
];

/// Beginnings of queries.
const VERBS: [&str; 12] = [
    "select ", "insert ", "update ", "delete ", "replace ", "with ", "create ", "drop ", "alter ", "call ",
    "exec ", "merge ",
];

/// Libraries whose cursors and connections run queries.
const DATABASES: [&str; 16] = [
    "sqlite3.",
    "psycopg2.",
    "psycopg.",
    "MySQLdb.",
    "pymysql.",
    "mysql.",
    "sqlalchemy.",
    "asyncpg.",
    "aiosqlite.",
    "cx_Oracle.",
    "oracledb.",
    "pyodbc.",
    "pymssql.",
    "django.db.",
    "databases.",
    "duckdb.",
];

// === impl Run ===

impl<'a> Run<'_, 'a> {
    /// Looks at a call for what it does with data.
    pub(super) fn sinks(&mut self, frame: &mut Frame<'a>, call: &Call<'_, 'a>) {
        for target in targets::of(call.name) {
            self.target(frame, call, target);
        }
        let method = call.name.rsplit('.').next().unwrap_or(call.name);
        match method {
            "execute" | "executemany" | "executescript" | "execute_async" | "fetch" | "fetchrow"
            | "fetchval" | "raw" | "text" | "literal_column" | "exec_driver_sql" | "RawSQL" | "read_sql"
            | "read_sql_query" => {
                self.query(frame, call, method);
            }
            "run" | "call" | "check_call" | "check_output" | "Popen"
                if call.name.starts_with("subprocess.") =>
            {
                self.process(frame, call);
            }
            "load" | "load_all" | "loads" | "full_load" | "unsafe_load" if call.name.starts_with("yaml.") => {
                self.yaml(frame, call, method);
            }
            "parse" | "parseString" | "fromstring" | "XML" => self.xml(frame, call),
            "make_response" | "Response" | "HTMLResponse" => self.answer(frame, call, method),
            // A file that was sent is put where its sender says.
            "save" if call.name == "?.save" && call.receiver.is_some_and(|file| !file.marks.is_empty()) => {
                if let Some(place) = call.arguments.get(0, "dst") {
                    self.reaches(frame, call, &rules::PATH, (place, true));
                }
            }
            "set_data" | "write" => self.body_set(frame, call),
            // Of Django's queries.
            "extra" => ["where", "select"]
                .iter()
                .filter_map(|name| call.arguments.named(name))
                .for_each(|pieces| self.reaches(frame, call, &rules::SQL, (pieces, true))),
            _ if DJANGO_PAGES.contains(&method) => self.answer(frame, call, "HttpResponse"),
            _ => {
                if let Some(program) = targets::program_at(call.name) {
                    self.shell(frame, call, program);
                }
            }
        }
    }

    fn target(&mut self, frame: &Frame<'a>, call: &Call<'_, 'a>, target: &'static Target) {
        let value = match target.place {
            Place::Argument(position, name) => call.arguments.get(position, name),
            Place::Receiver => call.receiver,
            Place::Everything => {
                for value in call.arguments.all() {
                    self.reaches(frame, call, target.danger, (value, true));
                }
                return;
            }
        };
        if let Some(value) =
            value.or_else(|| call.arguments.rest.as_ref().filter(|_| target.place != Place::Receiver))
        {
            self.reaches(frame, call, target.danger, (value, true));
        }
    }

    /// Data reaches a call. What is known of the text's beginning may rule the harm out.
    pub(super) fn reaches(
        &mut self,
        frame: &Frame<'a>,
        call: &Call<'_, 'a>,
        danger: &'static Danger,
        reached: (&Value<'a>, bool),
    ) {
        let (value, certain) = reached;
        let in_memory = danger.kind == Kinds::PATH
            && objects::name_of(frame, value).is_some_and(|name| &*name == IN_MEMORY);
        if in_memory || leads_nowhere_else(danger, value) {
            return;
        }
        let subject = call.name.trim_start_matches("?.").trim_start_matches("builtins.");
        let site = frame.site(call.node);
        self.hit(
            frame,
            danger,
            Reached { value, site, subject, certain, deep: danger.kind != Kinds::MARKUP },
        );
    }

    fn query(&mut self, frame: &mut Frame<'a>, call: &Call<'_, 'a>, method: &str) {
        let Some(query) = call.arguments.positional.first().or_else(|| call.arguments.named("query")) else {
            return;
        };
        let known = DATABASES.iter().any(|library| call.name.starts_with(library));
        let beginning = query.beginning().trim_start().to_ascii_lowercase();
        let looks = VERBS.iter().any(|verb| beginning.starts_with(verb));
        let certain = match method {
            "text" | "literal_column" | "RawSQL" | "raw" | "read_sql" | "read_sql_query" | "fetch"
            | "fetchrow" | "fetchval" => known || looks || call.name.starts_with("pandas."),
            _ => known || looks,
        };
        // Elsewhere `execute` runs tasks, commands, whatever.
        if certain {
            self.reaches(frame, call, &rules::SQL, (query, true));
        } else if method.starts_with("execute")
            && query.marks.iter().any(|mark| mark.sure)
            && !is_object(query)
        {
            self.reaches(frame, call, &rules::SQL, (query, false));
        }
    }

    fn process(&mut self, frame: &mut Frame<'a>, call: &Call<'_, 'a>) {
        let Some(command) = call.arguments.get(0, "args") else { return };
        if let Some(text) = words_of(call.node) {
            let text = self.expr(frame, text);
            let chooses = text.beginning().is_empty();
            self.reaches(frame, call, &rules::COMMAND, (&text, chooses));
            return;
        }
        let shell = call.arguments.named("shell").or(call.arguments.positional.get(8));
        let shell = shell.map(|value| value.truth());
        let list = command.objects().first().and_then(|id| frame.state.object(*id)).cloned();
        match (shell, list) {
            // A shell reads the text, or the first item of a list.
            (Some(Some(true) | None), Some(Object::List(items))) => {
                items
                    .first()
                    .into_iter()
                    .for_each(|item| self.reaches(frame, call, &rules::COMMAND, (item, true)));
            }
            (Some(Some(true)), _) => self.reaches(frame, call, &rules::COMMAND, (command, true)),
            (Some(None), _) => self.reaches(frame, call, &rules::COMMAND, (command, false)),
            (_, Some(Object::List(items))) => {
                let mut dangerous = items.iter().take(1).collect::<Vec<_>>();
                if let Some(at) = runs_shell(&items) {
                    dangerous.extend(items.iter().skip(at));
                }
                for item in dangerous {
                    self.reaches(frame, call, &rules::COMMAND, (item, true));
                }
            }
            // One of several items: which one nobody knows.
            (_, Some(_)) => {}
            // The name of a program, whole.
            (_, None) if command.beginning().is_empty() => {
                self.reaches(frame, call, &rules::COMMAND, (command, true));
            }
            (_, None) => self.reaches(frame, call, &rules::COMMAND, (command, false)),
        }
    }

    /// A program is started that may be a shell: its arguments come in a list, or one by one.
    fn shell(&mut self, frame: &Frame<'a>, call: &Call<'_, 'a>, program: usize) {
        let given = &call.arguments.positional;
        let listed = given.iter().find_map(|value| match frame.state.object(*value.objects().first()?) {
            Some(Object::List(items)) => Some(items.clone()),
            _ => None,
        });
        let items = listed.unwrap_or_else(|| given.iter().skip(program).cloned().collect());
        let code = runs_shell(&items).unwrap_or(items.len());
        items.iter().skip(code).for_each(|item| self.reaches(frame, call, &rules::COMMAND, (item, true)));
    }

    fn yaml(&mut self, frame: &mut Frame<'a>, call: &Call<'_, 'a>, method: &str) {
        let Some(text) = call.arguments.get(0, "stream") else { return };
        let loader = call.arguments.get(1, "Loader").and_then(Value::external_name);
        let loader = loader.and_then(|name| name.rsplit('.').next());
        let certain = match (method, loader) {
            (_, Some("SafeLoader" | "CSafeLoader" | "BaseLoader" | "CBaseLoader")) => return,
            ("full_load", _) | (_, Some("FullLoader")) => false,
            ("load" | "load_all", None) => false,
            _ => true,
        };
        self.reaches(frame, call, &rules::OBJECTS, (text, certain));
    }

    fn xml(&mut self, frame: &mut Frame<'a>, call: &Call<'_, 'a>) {
        let Some(text) = call.arguments.positional.first() else { return };
        let given = || call.arguments.named("parser").or(call.arguments.positional.get(1));
        let follows = match call.name {
            "xml.dom.minidom.parse"
            | "xml.dom.minidom.parseString"
            | "xml.dom.pulldom.parse"
            | "xml.dom.pulldom.parseString"
            | "xml.sax.make_parser().parse" => {
                let parser = if call.name.starts_with("xml.sax.") { call.receiver } else { given() };
                parser.and_then(|parser| follows_entities(frame, parser)).filter(|follows| *follows)
            }
            "lxml.etree.parse" | "lxml.etree.fromstring" | "lxml.etree.XML" => match given() {
                Some(parser) if objects::is(frame, parser, "lxml.etree.XMLParser()") => {
                    follows_entities(frame, parser).or(Some(true)).filter(|follows| *follows)
                }
                // Before version 5 it does by itself.
                Some(_) => None,
                None => Some(false),
            },
            _ => None,
        };
        if let Some(certain) = follows {
            self.reaches(frame, call, &rules::ENTITIES, (text, certain));
        }
    }

    /// Something is put under a key.
    pub(super) fn stored(&mut self, frame: &Frame<'a>, node: &'a Expr, stored: [&Value<'a>; 3]) {
        let [object, key, value] = stored;
        let location = key.only_text().is_some_and(|key| key.eq_ignore_ascii_case("location"));
        if location && object.external_name().is_some_and(are_headers) {
            self.leads(frame, frame.site(node), value);
        }
        let session = object.external_name().filter(|name| SESSIONS.contains(name));
        let Some(session) = session else { return };
        for value in [key, value] {
            let site = frame.site(node);
            let reached = Reached { value, site, subject: session, certain: true, deep: true };
            self.hit(frame, &rules::TRUST, reached);
        }
    }
}

/// Whether an address, or a path, keeps its destination whatever a stranger puts behind its beginning.
pub(super) fn leads_nowhere_else(danger: &Danger, value: &Value<'_>) -> bool {
    let beginning = value.beginning();
    match danger.kind {
        // Where it goes is fixed; the rest is a path there.
        Kinds::FORGERY => has_host(beginning),
        Kinds::REDIRECT => {
            has_host(beginning)
                || beginning.len() > 1 && beginning.starts_with('/') && !beginning.starts_with("//")
                || beginning.starts_with(['?', '#'])
        }
        _ => false,
    }
}

/// Whether a value is known to be no text.
fn is_object(value: &Value<'_>) -> bool {
    match &value.shape {
        Shape::External(name) => name.contains("()"),
        Shape::Objects(_) | Shape::Function(_) | Shape::Class(..) => true,
        Shape::Constants(all) => all.iter().all(|one| !matches!(one, Constant::Text(_))),
        _ => false,
    }
}
