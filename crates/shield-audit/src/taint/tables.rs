//! What calls of libraries do with the data that goes through them.

use super::{kinds::Kinds, sources::is_request};

/// Libraries whose names a folder of the project does not take over.
pub(super) const LIBRARIES: [&str; 35] = [
    "aiohttp",
    "celery",
    "django",
    "elementpath",
    "fastapi",
    "flask",
    "httpx",
    "jinja2",
    "ldap",
    "ldap3",
    "lxml",
    "mako",
    "markupsafe",
    "numpy",
    "pandas",
    "psycopg2",
    "pydantic",
    "pymongo",
    "pymysql",
    "redis",
    "requests",
    "sqlalchemy",
    "starlette",
    "torch",
    "tornado",
    "urllib3",
    "werkzeug",
    "yaml",
    "aiofiles",
    "bleach",
    "bottle",
    "falcon",
    "pyramid",
    "quart",
    "sanic",
];

/// What a call takes away from the data that goes through it.
pub(super) fn sanitised(name: &str) -> Kinds {
    match name {
        "markupsafe.escape"
        | "markupsafe.escape_silent"
        | "flask.escape"
        | "jinja2.escape"
        | "bleach.clean"
        | "bleach.linkify"
        | "nh3.clean"
        | "xml.sax.saxutils.quoteattr"
        | "werkzeug.utils.escape"
        | "django.utils.html.escape"
        | "django.utils.html.conditional_escape"
        | "django.utils.html.strip_tags"
        | "django.utils.html.format_html"
        | "django.template.loader.render_to_string"
        | "flask.render_template" => Kinds::MARKUP,
        "urllib.parse.urlencode" => {
            Kinds::MARKUP | Kinds::SQL | Kinds::XPATH | Kinds::COMMAND | Kinds::TEMPLATE | Kinds::REDIRECT
        }
        // They escape what they are given.
        "markupsafe.Markup().format" | "flask.Markup().format" | "markupsafe.Markup().join" => Kinds::MARKUP,
        _ if names_own_page(name) => Kinds::REDIRECT | Kinds::FORGERY,
        "shlex.quote" | "pipes.quote" => Kinds::COMMAND | Kinds::SHELL_QUOTED,
        "ldap3.utils.conv.escape_filter_chars"
        | "ldap.filter.escape_filter_chars"
        | "ldap.filter.filter_format"
        | "ldap3.utils.dn.escape_rdn"
        | "ldap.dn.escape_dn_chars" => Kinds::LDAP,
        "werkzeug.utils.secure_filename"
        | "django.utils.text.get_valid_filename"
        | "os.path.basename"
        | "ntpath.basename"
        | "posixpath.basename" => Kinds::PATH,
        "werkzeug.utils.safe_join" | "flask.safe_join" | "django.utils._os.safe_join" => Kinds::PATH,
        "ast.literal_eval" => Kinds::CODE,
        // Drivers put quotation marks around them.
        "psycopg2.sql.Identifier"
        | "psycopg2.sql.Literal"
        | "psycopg.sql.Identifier"
        | "psycopg.sql.Literal" => Kinds::SQL,
        "base64.b64encode"
        | "base64.urlsafe_b64encode"
        | "base64.b32encode"
        | "base64.b16encode"
        | "binascii.hexlify" => Kinds::CHARACTERS - Kinds::PATH,
        "django.utils.text.slugify" | "slugify.slugify" => Kinds::OF_WORDS,
        _ if is_no_text(name) => Kinds::ALL,
        _ => by_library(name),
    }
}

/// Calls that give the address of one of the server's own pages.
pub(super) fn names_own_page(name: &str) -> bool {
    matches!(
        name,
        "flask.url_for"
            | "flask.helpers.url_for"
            | "django.urls.reverse"
            | "django.urls.base.reverse"
            | "starlette.requests.Request().url_for"
            | "fastapi.Request().url_for"
    )
}

/// Texts that escape what is put into them.
pub(super) fn is_markup(name: &str) -> bool {
    matches!(name, "markupsafe.Markup()" | "flask.Markup()")
}

/// Calls that give numbers, dates, answers, what a file holds: nothing that the text they were given is in.
fn is_no_text(name: &str) -> bool {
    matches!(
        name,
        "uuid.UUID"
            | "ipaddress.ip_address"
            | "ipaddress.ip_network"
            | "decimal.Decimal"
            | "datetime.datetime.fromisoformat"
            | "datetime.datetime.strptime"
            | "datetime.date.fromisoformat"
            | "builtins.int"
            | "builtins.float"
            | "builtins.bool"
            | "builtins.len"
            | "builtins.ord"
            | "builtins.hash"
            | "builtins.id"
            | "builtins.isinstance"
            | "builtins.issubclass"
            | "builtins.hasattr"
            | "builtins.callable"
            | "builtins.any"
            | "builtins.all"
            | "builtins.sum"
            | "builtins.abs"
            | "builtins.round"
            | "builtins.range"
            | "builtins.type"
            | "builtins.hex"
            | "builtins.oct"
            | "builtins.bin"
            | "builtins.complex"
            | "builtins.print"
            | "builtins.divmod"
            | "pathlib.Path().read_text"
            | "pathlib.Path().read_bytes"
            | "builtins.pow"
            | "builtins.open"
            | "io.open"
            | "codecs.open"
            | "aiofiles.open"
            | "gzip.open"
            | "bz2.open"
            | "lzma.open"
    )
}

/// What a whole library takes away.
fn by_library(name: &str) -> Kinds {
    let within = |library: &str| name.strip_prefix(library).is_some_and(|rest| rest.starts_with('.'));
    // Digests, checksums, numbers.
    if ["hashlib", "hmac", "zlib", "secrets", "random", "time", "logging", "bcrypt"]
        .iter()
        .any(|one| within(one))
        && !gives_back(name)
    {
        return Kinds::ALL;
    }
    // Expressions keep values apart from the text of the query; what `text` gets is told there, once.
    let written = ["TextClause", "DDL", "FunctionElement"];
    if within("sqlalchemy") && !name.rsplit('.').next().is_some_and(|last| written.contains(&last)) {
        return Kinds::SQL;
    }
    Kinds::NONE
}

/// Calls of these libraries that give back what they were given, or a part of it.
fn gives_back(name: &str) -> bool {
    matches!(
        name,
        "zlib.decompress"
            | "zlib.compress"
            | "random.choice"
            | "random.choices"
            | "random.sample"
            | "secrets.choice"
            | "time.strftime"
    )
}

/// Calls that hand on what they get, perhaps in another form: nothing is lost on the way.
pub(super) fn hands_on(name: &str) -> bool {
    const MODULES: [&str; 19] = [
        "base64",
        "binascii",
        "codecs",
        "configparser",
        "copy",
        "html",
        "io",
        "itertools",
        "json",
        "markupsafe",
        "os.path",
        "pathlib",
        "posixpath",
        "re",
        "shlex",
        "string",
        "textwrap",
        "urllib",
        "unicodedata",
    ];
    let within = |library: &&str| name.strip_prefix(*library).is_some_and(|rest| rest.starts_with('.'));
    name.starts_with("builtins.")
        || MODULES.iter().any(within)
        || gives_back(name)
        || name == "yaml.safe_load"
        || name.match_indices('.').any(|(dot, _)| is_request(&name[..dot]))
}

/// Calls that look something up: what they give is not what they were given.
pub(super) fn looks_up(name: &str) -> bool {
    // The interpreter's own `filter` looks nothing up.
    if name.starts_with("builtins.") && name != "builtins.getattr" {
        return false;
    }
    let method = name.rsplit('.').next().unwrap_or(name);
    let known = matches!(
        method,
        "get"
            | "getattr"
            | "get_object_or_404"
            | "get_list_or_404"
            | "get_or_404"
            | "get_or_none"
            | "first_or_404"
            | "filter"
            | "filter_by"
            | "exclude"
            | "query"
            | "scalar"
            | "scalars"
            | "execute"
            | "fetchone"
            | "fetchall"
            | "fetchrow"
            | "exists"
            | "count"
    );
    known
        || ["get_by", "get_one", "find_one", "find_by", "fetch_by"]
            .iter()
            .any(|start| method.starts_with(start))
}

/// Calls that bring back what an encoding took away.
pub(super) fn decodes(name: &str) -> bool {
    matches!(
        name,
        "base64.b64decode"
            | "base64.urlsafe_b64decode"
            | "base64.standard_b64decode"
            | "base64.b32decode"
            | "base64.b16decode"
            | "binascii.unhexlify"
            | "urllib.parse.unquote"
            | "urllib.parse.unquote_plus"
            | "urllib.parse.parse_qs"
            | "urllib.parse.parse_qsl"
            | "html.unescape"
            | "xml.sax.saxutils.unescape"
            | "codecs.decode"
            | "zlib.decompress"
    )
}

/// What a call gives, where another name says it better.
pub(super) fn result(name: &str) -> Option<&'static str> {
    Some(match name {
        "pathlib.PurePath"
        | "pathlib.PosixPath"
        | "pathlib.WindowsPath"
        | "pathlib.Path"
        | "pathlib.Path.home"
        | "pathlib.Path.cwd"
        | "pathlib.Path().resolve"
        | "pathlib.Path().absolute"
        | "pathlib.Path().expanduser"
        | "pathlib.Path().joinpath"
        | "pathlib.Path().with_name"
        | "pathlib.Path().with_suffix"
        | "pathlib.Path().relative_to" => "pathlib.Path()",
        "urllib.parse.urlparse" | "urllib.parse.urlsplit" => "urllib.parse.urlparse()",
        "markupsafe.Markup" | "markupsafe.Markup().format" | "markupsafe.Markup().join" => {
            "markupsafe.Markup()"
        }
        "flask.Markup" | "flask.Markup().format" => "flask.Markup()",
        _ => return None,
    })
}

/// Calls that follow `..` and links: what comes out can be compared with a folder.
pub(super) fn resolves(name: &str) -> bool {
    matches!(
        name,
        "os.path.abspath"
            | "os.path.realpath"
            | "os.path.normpath"
            | "pathlib.Path().resolve"
            | "pathlib.Path().absolute"
    )
}
