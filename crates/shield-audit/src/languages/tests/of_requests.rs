//! Handlers in the shapes that frameworks give them, and what looks like one and is none.

/// Each finds what stands behind it, and nothing else.
pub(super) const FOUND: &[(&str, &str, &str)] = &[
    (
        "a.js",
        "app.get('/', ({ query: { to } }, res) => res.redirect(to))",
        "javascript/open-redirect redirect",
    ),
    (
        "a.js",
        "router.get('/', (_q, _s) => { _s.redirect(_q.query.to) })",
        "javascript/open-redirect redirect",
    ),
    (
        "a.ts",
        "const f = ({ params }: Request, s: Response) => s.sendFile(params.a)",
        "javascript/path-traversal sendFile",
    ),
    ("a.ts", "app.get('/', (c) => c.redirect(c.req.query('to')!))", "javascript/open-redirect redirect"),
    ("a.js", "s.route({ handler: (r, h) => h.redirect(r.query.to) })", "javascript/open-redirect redirect"),
    (
        "a.ts",
        "export async function POST(r: Request) { const { a } = await r.json(); return fetch(a) }",
        "javascript/request-forgery fetch",
    ),
    (
        "a.ts",
        "export async function GET({ url }) { return fetch(url.searchParams.get('a')) }",
        "javascript/request-forgery fetch",
    ),
    (
        "a.ts",
        "class C { f(@Query('to') to: string, @Res() s: any) { s.redirect(to) } }",
        "javascript/open-redirect redirect",
    ),
    (
        "a.tsx",
        "import { redirect } from 'next/navigation'; export default function Page({ searchParams }) { redirect(searchParams.to) }",
        "javascript/open-redirect redirect",
    ),
    ("a.js", "const d = require('sqlite3'); d.get('SELECT a FROM b WHERE c = ' + x)", "javascript/sql get"),
    ("a.js", "function f(req, res) { db.query(req.query.q) }", "javascript/sql query"),
    ("a.js", "db.query('SELECT a FROM b WHERE c = NAME'.replace('NAME', x))", "javascript/sql query"),
    ("a.js", "function f(req, res) { const q = { a: req.body.a }; User.find(q) }", "javascript/nosql find"),
    (
        "a.js",
        "function f(req, res) { User.findOne({ $and: [{ a: req.body.a }] }) }",
        "javascript/nosql findOne",
    ),
    (
        "a.js",
        "const jwt = require('jsonwebtoken'); const K = process.env.K || 'abc'; jwt.sign(a, K)",
        "javascript/hard-coded-key jsonwebtoken.sign",
    ),
    ("a.js", "const p = require('cookie-parser'); p('abc')", "javascript/hard-coded-key cookie-parser"),
    ("a.js", "const h = require('md5'); h(x)", "javascript/weak-hash md5"),
    (
        "a.js",
        "const C = require('crypto-js'); C.DES.encrypt(a, k)",
        "javascript/weak-cipher crypto-js.DES.encrypt",
    ),
    (
        "a.go",
        "import \"github.com/labstack/echo/v4\"\nfunc f(x echo.Context) error { return x.Redirect(302, x.QueryParam(\"to\")) }",
        "go/open-redirect Redirect",
    ),
    (
        "a.go",
        "import \"github.com/gofiber/fiber/v2\"\nfunc f(c *fiber.Ctx) error { return c.SendFile(c.Params(\"a\")) }",
        "go/path-traversal SendFile",
    ),
    (
        "a.go",
        "import (\"encoding/json\"; \"net/http\")\nfunc f(r *http.Request) { var in T\n json.NewDecoder(r.Body).Decode(&in)\n http.Get(in.URL) }",
        "go/request-forgery net/http.Get",
    ),
    (
        "a.go",
        "import (\"net/http\"; \"os\")\nfunc f(r *http.Request) { _, h, _ := r.FormFile(\"f\")\n os.Create(h.Filename) }",
        "go/path-traversal os.Create",
    ),
    (
        "a.go",
        "import (\"net/http\"; \"os\")\nfunc f(r *http.Request) { q := r.URL.Query()\n for _, a := range q[\"a\"] { os.Remove(a) } }",
        "go/path-traversal os.Remove",
    ),
];

/// Nothing is found in these.
pub(super) const LEFT_ALONE: &[(&str, &str)] = &[
    // The host is the program's own.
    (
        "a.js",
        "function f(req, res) { fetch(`${config.api}/a/${req.params.id}`); fetch(process.env.API + '/a/' + req.params.id) }",
    ),
    (
        "a.js",
        "function f(req, res) { res.redirect('https://' + req.headers.host + req.originalUrl); res.redirect(req.get('Referrer') || '/') }",
    ),
    (
        "a.go",
        "import (\"fmt\"; \"net/http\")\nfunc f(c *C, r *http.Request) { http.Get(fmt.Sprintf(\"%s/a/%s\", c.Base, r.FormValue(\"a\"))) }",
    ),
    // Statements of literals.
    (
        "a.js",
        "const w = ['1=1']; if (a) { w.push('id = ?') } db.query('SELECT a FROM b WHERE ' + w.join(' AND '), v)",
    ),
    (
        "a.js",
        "const s = ids.map(() => '?').join(','); db.query(`DELETE FROM a WHERE b IN (${s})`, ids); const n = m.escapeId(x); db.query('SELECT a FROM ' + n)",
    ),
    (
        "a.js",
        "function f(req, res) { const n = parseInt(req.query.n, 10); db.query(`SELECT a FROM b LIMIT ${n}`) }",
    ),
    (
        "a.go",
        "import \"strings\"\nfunc f() { w := []string{\"1 = 1\"}\n if a { w = append(w, \"id = ?\") }\n m := make([]string, n)\n for i := range ids { m[i] = \"?\" }\n db.Query(\"SELECT a FROM b WHERE \" + strings.Join(w, \" AND \") + strings.Join(m, \",\"), v) }",
    ),
    // Requests of clients.
    ("a.js", "class C { send(request) { return http.request(request.url) } }"),
    ("a.ts", "export async function load(request: { url: string }) { return fetch(request.url) }"),
    (
        "a.js",
        "i.use(undefined, (e) => { const request = e.config; return axios(request.url, request.body) })",
    ),
    (
        "a.go",
        "import \"net/http\"\nfunc f(u string) { resp, _ := http.Get(u)\n http.Get(resp.Header.Get(\"Location\")) }\nfunc g(c *C) { http.Get(c.Param(\"a\")) }",
    ),
    (
        "a.js",
        "require('mongoose'); function f(req, res) { list.find(req.query.f); /SELECT/.exec(`SELECT a FROM ${x}`) }",
    ),
    ("a.js", "function f(req, res) { User.findOne({ where: { id: req.body.id } }) }"),
    // Waits.
    (
        "a.js",
        "async function refreshToken() { await sleep(1 + Math.random()) } function startSession() { const delay = Math.random() }",
    ),
    (
        "a.go",
        "import (\"net/http\"; \"os\"; \"os/exec\"; \"path\")\nfunc f(r *http.Request) { os.Open(path.Clean(\"/\" + r.URL.Path))\n exec.Command(\"git\", os.Args[1]) }",
    ),
];
