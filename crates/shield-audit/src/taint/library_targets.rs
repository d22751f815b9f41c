//! Calls of libraries that fewer applications use.
//!
//! What takes either a path or an opened file is not among them: uploads that are handed to `Image.open` or `numpy.load` as they are name
//! nothing.

use super::{
    rules,
    targets::{Place, Target, target},
};

pub(super) static LIBRARIES: &[Target] = &[
    target(
        &rules::COMMAND,
        Place::Argument(0, "command"),
        &[
            "asyncio.subprocess.create_subprocess_shell",
            "fabric.Connection().local",
            "fabric.Connection().run",
            "fabric.Connection().sudo",
            "fabric.api.local",
            "fabric.api.run",
            "fabric.api.sudo",
            "invoke.Context().run",
            "invoke.Context().sudo",
            "invoke.run",
            "pexpect.run",
            "pexpect.runu",
            "pexpect.spawn",
            "pexpect.spawnu",
        ],
    ),
    // Of a container of Docker.
    target(&rules::COMMAND, Place::Argument(0, "cmd"), &["*.exec_run"]),
    // Of an event loop, and programs that run what follows `-c`.
    target(
        &rules::COMMAND,
        Place::Argument(1, "cmd"),
        &["*.subprocess_shell", "sh.bash", "sh.dash", "sh.sh", "sh.zsh"],
    ),
    target(
        &rules::COMMAND,
        Place::Argument(2, "executable"),
        &[
            "subprocess.Popen",
            "subprocess.call",
            "subprocess.check_call",
            "subprocess.check_output",
            "subprocess.run",
        ],
    ),
    target(
        &rules::CODE,
        Place::Argument(0, "expr"),
        &[
            "PIL.ImageMath.eval",
            "PIL.ImageMath.unsafe_eval",
            "numexpr.evaluate",
            "pandas.DataFrame().eval",
            "pandas.DataFrame().query",
            "pandas.eval",
            "pandas.read_csv().eval",
            "pandas.read_csv().query",
            "runpy.run_module",
            "runpy.run_path",
            "sympy.parse_expr",
            "sympy.parsing.sympy_parser.parse_expr",
            "sympy.sympify",
        ],
    ),
    target(&rules::CODE, Place::Argument(1, "location"), &["importlib.util.spec_from_file_location"]),
    target(
        &rules::SQL,
        Place::Argument(0, "query"),
        &[
            "*.execute_sql",
            "*.from_statement",
            "duckdb.connect().query",
            "duckdb.connect().sql",
            "duckdb.query",
            "duckdb.sql",
            "google.cloud.bigquery.Client().query",
            "neo4j.GraphDatabase.driver().execute_query",
            "neo4j.GraphDatabase.driver().session().run",
            "peewee.RawQuery",
            "peewee.SQL",
            "pg8000.native.Connection().run",
            "records.Database().query",
        ],
    ),
    target(
        &rules::TEMPLATE,
        Place::Argument(0, "source"),
        &[
            "fastapi.templating.Jinja2Templates().env.from_string",
            "flask.Flask().jinja_env.from_string",
            "flask.current_app.jinja_env.from_string",
            "flask.stream_template_string",
            "flask.templating.render_template_string",
            "flask.templating.stream_template_string",
            "starlette.templating.Jinja2Templates().env.from_string",
        ],
    ),
    target(
        &rules::PATH,
        Place::Argument(0, "directory"),
        &[
            "PIL.Image.open().save",
            "cv2.VideoCapture",
            "cv2.imread",
            "cv2.imwrite",
            "flask.send_from_directory",
            "mako.lookup.TemplateLookup().get_template",
            "pandas.DataFrame().to_csv",
            "pandas.DataFrame().to_excel",
            "pandas.DataFrame().to_pickle",
            "shutil.unpack_archive",
            "sqlite3.connect",
            "werkzeug.utils.send_from_directory",
        ],
    ),
    target(
        &rules::FORGERY,
        Place::Argument(0, "url"),
        &[
            "feedparser.parse",
            "ftplib.FTP",
            "httplib2.Http().request",
            "pdfkit.from_url",
            "selenium.webdriver.Chrome().get",
            "selenium.webdriver.Edge().get",
            "selenium.webdriver.Firefox().get",
            "selenium.webdriver.Remote().get",
            "socket.create_connection",
            "urllib.request.OpenerDirector().open",
            "urllib.request.build_opener().open",
            "weasyprint.HTML",
            "websocket.create_connection",
            "websockets.connect",
        ],
    ),
    target(&rules::FORGERY, Place::Argument(1, "url"), &["httpx.Request", "requests.Request"]),
];

#[cfg(test)]
mod tests {
    use crate::taint::{SourceFile, follow};

    /// The rules that find something in a line of a handler.
    fn found(imports: &str, line: &str) -> Vec<&'static str> {
        let text = format!(
            "{imports}\nfrom flask import Flask, request\napp = Flask('a')\n@app.route('/')\ndef f():\n    x = request.args['x']\n    {line}\n"
        );
        let flows = follow(&[SourceFile { path: "a.py", text: &text }]);
        flows.findings.iter().map(|one| one.rule.id).collect()
    }

    #[test]
    fn libraries_do_harm_with_what_they_are_given() {
        for (imports, line, id) in [
            (
                "import asyncio",
                "asyncio.subprocess.create_subprocess_shell('ls ' + x)",
                "python/command-injection",
            ),
            ("import pty", "pty.spawn(x)", "python/command-injection"),
            ("import fabric", "fabric.Connection('h').run('ls ' + x)", "python/command-injection"),
            ("import subprocess", "subprocess.Popen(['ls'], executable=x)", "python/command-injection"),
            ("from PIL import ImageMath", "ImageMath.eval(x)", "python/code-injection"),
            ("import pandas as pd", "pd.DataFrame().query(x)", "python/code-injection"),
            ("import records", "records.Database('x').query('select ' + x)", "python/sql-injection"),
            (
                "from flask import stream_template_string",
                "stream_template_string(x)",
                "python/template-injection",
            ),
            ("import sqlite3", "sqlite3.connect('dbs/' + x)", "python/path-traversal"),
            (
                "from flask import send_from_directory",
                "send_from_directory(x, 'a.txt')",
                "python/path-traversal",
            ),
            ("import pdfkit", "pdfkit.from_url(x, 'a.pdf')", "python/request-forgery"),
            ("import socket", "socket.create_connection((x, 80))", "python/request-forgery"),
        ] {
            assert_eq!(found(imports, line), [id], "{line}");
        }
        for (imports, line) in [
            ("import subprocess", "subprocess.run(['ls', x], executable='/bin/ls')"),
            ("from flask import send_from_directory", "send_from_directory('files', x)"),
            ("import requests", "requests.Request('GET', 'https://example.org/' + x)"),
        ] {
            assert_eq!(found(imports, line), Vec::<&str>::new(), "{line}");
        }
    }
}
