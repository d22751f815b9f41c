//! Calls by name that do harm with one of their arguments.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::{
    library_targets::LIBRARIES,
    rules::{self, Danger},
};

/// Where a call takes the data that does harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// An argument, by position and name.
    Argument(usize, &'static str),
    /// What the method is called on.
    Receiver,
    /// Any argument.
    Everything,
}

/// A call that does harm.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) danger: &'static Danger,
    pub(super) place: Place,
    /// Whole names; `*.name` is a method of anything.
    names: &'static [&'static str],
}

pub(super) const fn target(danger: &'static Danger, place: Place, names: &'static [&'static str]) -> Target {
    Target { danger, place, names }
}

/// Calls that start the program that their first argument names.
const STARTS: &[&str] = &[
    "os.execl",
    "os.execle",
    "os.execlp",
    "os.execlpe",
    "os.execv",
    "os.execve",
    "os.execvp",
    "os.execvpe",
    "os.startfile",
    "os.posix_spawn",
    "os.posix_spawnp",
    "asyncio.create_subprocess_exec",
    "asyncio.subprocess.create_subprocess_exec",
    "pty.spawn",
];

/// Those that are told first how to wait for it.
const SPAWNS: &[&str] = &[
    "os.spawnl",
    "os.spawnle",
    "os.spawnlp",
    "os.spawnlpe",
    "os.spawnv",
    "os.spawnve",
    "os.spawnvp",
    "os.spawnvpe",
];

static TARGETS: &[Target] = &[
    target(
        &rules::COMMAND,
        Place::Argument(0, "command"),
        &[
            "os.system",
            "os.popen",
            "os.popen2",
            "os.popen3",
            "os.popen4",
            "popen2.popen2",
            "commands.getoutput",
            "commands.getstatusoutput",
            "asyncio.create_subprocess_shell",
            "*.exec_command",
        ],
    ),
    target(
        &rules::COMMAND,
        Place::Argument(0, "cmd"),
        &["subprocess.getoutput", "subprocess.getstatusoutput"],
    ),
    target(&rules::COMMAND, Place::Argument(0, "path"), STARTS),
    target(&rules::COMMAND, Place::Argument(1, "file"), SPAWNS),
    target(
        &rules::CODE,
        Place::Argument(0, "source"),
        &[
            "builtins.eval",
            "builtins.exec",
            "builtins.compile",
            "code.InteractiveConsole().push",
            "code.InteractiveConsole().runcode",
            "code.InteractiveConsole().runsource",
            "code.InteractiveInterpreter().runcode",
            "code.InteractiveInterpreter().runsource",
            "cProfile.run",
            "profile.run",
            "pdb.run",
            "pdb.runeval",
            "timeit.repeat",
            "timeit.timeit",
            "timeit.Timer",
            "_testcapi.run_in_subinterp",
            "test.support.run_in_subinterp",
        ],
    ),
    target(
        &rules::CODE,
        Place::Argument(1, "script"),
        &["_xxsubinterpreters.run_string", "_interpreters.run_string", "_interpreters.exec"],
    ),
    target(&rules::CODE, Place::Argument(0, "name"), &["builtins.__import__", "importlib.import_module"]),
    target(
        &rules::LDAP,
        Place::Argument(0, "search_base"),
        &["ldap3.Connection().search", "ldap.initialize().search_s", "ldap.initialize().search_ext_s"],
    ),
    target(&rules::LDAP, Place::Argument(1, "search_filter"), &["ldap3.Connection().search"]),
    target(
        &rules::LDAP,
        Place::Argument(2, "filterstr"),
        &[
            "ldap.initialize().search_s",
            "ldap.initialize().search_ext_s",
            "*.search_s",
            "*.search_ext_s",
            "*.search_st",
        ],
    ),
    target(
        &rules::XPATH,
        Place::Argument(0, "path"),
        &[
            "*.xpath",
            "lxml.etree.XPath",
            "lxml.etree.ETXPath",
            "elementpath.Selector",
            "xml.etree.ElementTree.parse().find",
            "xml.etree.ElementTree.parse().findall",
            "xml.etree.ElementTree.parse().findtext",
            "xml.etree.ElementTree.parse().iterfind",
            "xml.etree.ElementTree.parse().getroot().find",
            "xml.etree.ElementTree.parse().getroot().findall",
            "xml.etree.ElementTree.fromstring().find",
            "xml.etree.ElementTree.fromstring().findall",
        ],
    ),
    target(&rules::XPATH, Place::Argument(1, "path"), &["elementpath.select", "elementpath.iter_select"]),
    target(
        &rules::TEMPLATE,
        Place::Argument(0, "source"),
        &[
            "jinja2.Template",
            "jinja2.Environment().from_string",
            "flask.render_template_string",
            "jinja2.sandbox.SandboxedEnvironment().from_string",
            "mako.template.Template",
            "django.template.Template",
            "tornado.template.Template",
            "chameleon.PageTemplate",
            "Cheetah.Template.Template",
        ],
    ),
    target(
        &rules::PATH,
        Place::Argument(0, "file"),
        &[
            "builtins.open",
            "io.open",
            "codecs.open",
            "os.open",
            "os.fdopen",
            "aiofiles.open",
            "os.remove",
            "os.unlink",
            "os.rename",
            "os.replace",
            "os.rmdir",
            "os.removedirs",
            "os.mkdir",
            "os.makedirs",
            "os.listdir",
            "os.scandir",
            "os.walk",
            "os.stat",
            "os.chmod",
            "os.chown",
            "os.access",
            "os.readlink",
            "os.path.exists",
            "os.path.isfile",
            "os.path.isdir",
            "os.path.getsize",
            "os.path.getmtime",
            "shutil.rmtree",
            "shutil.copy",
            "shutil.copy2",
            "shutil.copyfile",
            "shutil.copytree",
            "shutil.move",
            "flask.send_file",
            "werkzeug.utils.send_file",
            "fastapi.responses.FileResponse",
            "starlette.responses.FileResponse",
            "django.http.FileResponse",
            "gzip.open",
            "bz2.open",
            "lzma.open",
            "zipfile.ZipFile",
            "tarfile.open",
            "glob.glob",
            "glob.iglob",
            "linecache.getline",
            "fileinput.input",
            "numpy.loadtxt",
            "pandas.read_csv",
        ],
    ),
    target(
        &rules::PATH,
        Place::Argument(1, "dst"),
        &[
            "os.rename",
            "os.replace",
            "shutil.copy",
            "shutil.copy2",
            "shutil.copyfile",
            "shutil.move",
            "os.symlink",
        ],
    ),
    target(
        &rules::PATH,
        Place::Receiver,
        &[
            "pathlib.Path().open",
            "pathlib.Path().read_text",
            "pathlib.Path().read_bytes",
            "pathlib.Path().write_text",
            "pathlib.Path().write_bytes",
            "pathlib.Path().exists",
            "pathlib.Path().is_file",
            "pathlib.Path().is_dir",
            "pathlib.Path().unlink",
            "pathlib.Path().mkdir",
            "pathlib.Path().rmdir",
            "pathlib.Path().iterdir",
            "pathlib.Path().glob",
            "pathlib.Path().rename",
            "pathlib.Path().replace",
            "pathlib.Path().stat",
            "pathlib.Path().touch",
            "pathlib.Path().symlink_to",
        ],
    ),
    target(
        &rules::OBJECTS,
        Place::Argument(0, "data"),
        &[
            "pickle.load",
            "pickle.loads",
            "pickle.Unpickler",
            "_pickle.loads",
            "cPickle.load",
            "cPickle.loads",
            "dill.load",
            "dill.loads",
            "cloudpickle.load",
            "cloudpickle.loads",
            "marshal.load",
            "marshal.loads",
            "shelve.open",
            "jsonpickle.decode",
            "jsonpickle.loads",
            "joblib.load",
            "torch.load",
            "pandas.read_pickle",
            "rq.job.loads",
        ],
    ),
    target(
        &rules::FORGERY,
        Place::Argument(0, "url"),
        &[
            "requests.get",
            "requests.post",
            "requests.put",
            "requests.delete",
            "requests.patch",
            "requests.head",
            "requests.options",
            "requests.Session().get",
            "requests.Session().post",
            "requests.Session().put",
            "requests.Session().delete",
            "requests.Session().patch",
            "requests.Session().head",
            "requests.Session().options",
            "requests.session().get",
            "requests.session().post",
            "httpx.get",
            "httpx.post",
            "httpx.put",
            "httpx.delete",
            "httpx.patch",
            "httpx.head",
            "httpx.options",
            "httpx.Client().get",
            "httpx.Client().post",
            "httpx.Client().put",
            "httpx.Client().patch",
            "httpx.Client().delete",
            "httpx.Client().head",
            "httpx.AsyncClient().get",
            "httpx.AsyncClient().post",
            "httpx.AsyncClient().put",
            "httpx.AsyncClient().patch",
            "httpx.AsyncClient().head",
            "httpx.AsyncClient().delete",
            "aiohttp.ClientSession().get",
            "aiohttp.ClientSession().post",
            "aiohttp.ClientSession().put",
            "aiohttp.ClientSession().patch",
            "aiohttp.ClientSession().head",
            "aiohttp.ClientSession().delete",
            "urllib.request.urlopen",
            "urllib.request.Request",
            "urllib.request.urlretrieve",
            "urllib.urlopen",
            "urllib2.urlopen",
            "http.client.HTTPConnection",
            "http.client.HTTPSConnection",
            "wget.download",
        ],
    ),
    target(
        &rules::FORGERY,
        Place::Argument(1, "url"),
        &[
            "requests.request",
            "requests.Session().request",
            "httpx.request",
            "httpx.stream",
            "httpx.Client().request",
            "httpx.Client().stream",
            "httpx.AsyncClient().request",
            "httpx.AsyncClient().stream",
            "aiohttp.ClientSession().request",
            "urllib3.PoolManager().request",
            "urllib3.request",
        ],
    ),
    target(
        &rules::REDIRECT,
        Place::Argument(0, "location"),
        &["flask.redirect", "werkzeug.utils.redirect", "flask.app.redirect"],
    ),
    target(
        &rules::REDIRECT,
        Place::Argument(0, "url"),
        &[
            "fastapi.responses.RedirectResponse",
            "starlette.responses.RedirectResponse",
            "fastapi.RedirectResponse",
        ],
    ),
    target(
        &rules::REDIRECT,
        Place::Argument(0, "to"),
        &[
            "django.shortcuts.redirect",
            "django.http.HttpResponseRedirect",
            "django.http.HttpResponsePermanentRedirect",
        ],
    ),
    target(
        &rules::MARKUP,
        Place::Argument(0, "s"),
        &[
            "markupsafe.Markup",
            "flask.Markup",
            "django.utils.safestring.mark_safe",
            "django.utils.safestring.SafeString",
        ],
    ),
    target(&rules::MARKUP, Place::Argument(0, "format_string"), &["django.utils.html.format_html"]),
    target(
        &rules::REDIRECT,
        Place::Argument(0, "url"),
        &[
            "bottle.redirect",
            "sanic.response.redirect",
            "sanic.redirect",
            "tornado.web.RequestHandler().redirect",
            "cherrypy.HTTPRedirect",
        ],
    ),
    target(
        &rules::REDIRECT,
        Place::Argument(0, "location"),
        &[
            "aiohttp.web.HTTPFound",
            "aiohttp.web.HTTPSeeOther",
            "aiohttp.web.HTTPTemporaryRedirect",
            "aiohttp.web.HTTPMovedPermanently",
            "aiohttp.web.HTTPPermanentRedirect",
            "falcon.HTTPFound",
            "falcon.HTTPSeeOther",
            "pyramid.httpexceptions.HTTPFound",
            "pyramid.httpexceptions.HTTPSeeOther",
            "pyramid.httpexceptions.HTTPMovedPermanently",
        ],
    ),
    target(&rules::TEMPLATE, Place::Argument(0, "source"), &["bottle.template", "bottle.SimpleTemplate"]),
    target(
        &rules::MARKUP,
        Place::Argument(0, "chunk"),
        &[
            "tornado.web.RequestHandler().write",
            "tornado.web.RequestHandler().finish",
            "http.server.BaseHTTPRequestHandler().wfile.write",
            "http.server.SimpleHTTPRequestHandler().wfile.write",
            "sanic.response.html",
            "sanic.html",
        ],
    ),
    target(&rules::TRUST, Place::Everything, &["flask.session.update", "flask.session.setdefault"]),
];

/// The targets by name.
static BY_NAME: LazyLock<FxHashMap<&'static str, Vec<&'static Target>>> = LazyLock::new(|| {
    let mut all: FxHashMap<_, Vec<_>> = FxHashMap::default();
    for target in TARGETS.iter().chain(LIBRARIES) {
        for name in target.names {
            all.entry(*name).or_default().push(target);
        }
    }
    all
});

/// The first argument that names the program which a call starts.
pub(super) fn program_at(name: &str) -> Option<usize> {
    let in_list = |list: &[&str], at| list.contains(&name).then_some(at);
    in_list(STARTS, 0).or_else(|| in_list(SPAWNS, 1))
}

/// The targets that a call is one of.
pub(super) fn of(name: &str) -> impl Iterator<Item = &'static Target> {
    let method = name.rsplit_once('.').map(|(_, method)| format!("*.{method}"));
    let whole = BY_NAME.get(name).into_iter().flatten();
    let any = method.and_then(|method| BY_NAME.get(method.as_str())).into_iter().flatten();
    whole.chain(any).copied()
}
