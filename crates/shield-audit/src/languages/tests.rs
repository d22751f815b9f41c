//! What the rules say of small files, and what no file may do.

use proptest::prelude::*;

use super::{Audit, go, javascript, rust};
use crate::{finding::Severity, python::FileReport};

fn said(path: &str, text: &str) -> Vec<String> {
    let report = Audit::default().file(path, text.as_bytes());
    assert_eq!(report.skipped, [], "{text}");
    report.findings.iter().map(|finding| format!("{} {}", finding.rule.id, finding.subject)).collect()
}

/// Each finds what stands before it, and nothing else.
const FOUND: &[(&str, &str, &str)] = &[
    (
        "a.go",
        "import \"net/http\"\nfunc f() { http.ListenAndServe(a, nil) }",
        "go/no-timeout net/http.ListenAndServe",
    ),
    ("a.js", "eval(x)", "javascript/eval eval"),
    ("a.js", "new Function('a', x)", "javascript/eval Function"),
    ("a.js", "setTimeout(`f(${x})`, 1)", "javascript/eval setTimeout"),
    ("a.js", "const vm = require('node:vm'); vm.runInNewContext(x)", "javascript/eval vm.runInNewContext"),
    (
        "a.js",
        "const { exec: run } = require('child_process'); run(`ls ${x}`)",
        "javascript/command child_process.exec",
    ),
    (
        "a.ts",
        "import * as cp from 'node:child_process'; cp.execSync('ls ' + (x as string))",
        "javascript/command child_process.execSync",
    ),
    (
        "a.js",
        "import { promisify } from 'util'; import cp from 'child_process'; const run = promisify(cp.exec); run('a ' + x)",
        "javascript/command child_process.exec",
    ),
    (
        "a.js",
        "require('child_process').spawn(x, [], { shell: true })",
        "javascript/command child_process.spawn",
    ),
    ("a.js", "db.query(`SELECT a FROM b WHERE c = '${x}'`)", "javascript/sql query"),
    ("a.js", "let q = 'SELECT a FROM b WHERE c = '; q += req.query.x; db.query(q)", "javascript/sql query"),
    ("a.js", "db.query('SELECT a FROM b WHERE c = ' + req.query.quoteId)", "javascript/sql query"),
    ("a.js", "db.query(`SELECT a FROM b WHERE c = ${quoteId}`)", "javascript/sql query"),
    (
        "a.js",
        "const columns = req.body.columns; db.query(`SELECT a, ${columns} FROM b`)",
        "javascript/sql query",
    ),
    ("a.js", "require(x)", "javascript/dynamic-require require"),
    (
        "a.js",
        "import fs from 'fs'; import path from 'path'; fs.readFile(path.join(d, req.params.name))",
        "javascript/path-traversal fs.readFile",
    ),
    (
        "a.js",
        "import fs from 'fs'; fs.writeFileSync('/tmp/x', y)",
        "javascript/fixed-temporary-path fs.writeFileSync",
    ),
    ("a.js", "new RegExp(req.query.x)", "javascript/regular-expression RegExp"),
    ("a.js", "require('node-serialize').unserialize(x)", "javascript/deserialise node-serialize.unserialize"),
    ("a.js", "import crypto from 'crypto'; crypto.createHash('MD5')", "javascript/weak-hash createHash md5"),
    (
        "a.js",
        "import { createCipheriv as c } from 'crypto'; c('aes-128-ecb', k, null)",
        "javascript/weak-cipher createCipheriv aes-128-ecb",
    ),
    ("a.js", "const token = Math.random().toString(36)", "javascript/weak-random Math.random"),
    ("a.js", "f({ rejectUnauthorized: false })", "javascript/no-certificate-check rejectUnauthorized"),
    (
        "a.js",
        "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'",
        "javascript/no-certificate-check NODE_TLS_REJECT_UNAUTHORIZED",
    ),
    (
        "a.js",
        "process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = 0",
        "javascript/no-certificate-check NODE_TLS_REJECT_UNAUTHORIZED",
    ),
    ("a.js", "s.listen(80, '0.0.0.0')", "javascript/bind-all listen"),
    ("a.js", "new Buffer(x)", "javascript/new-buffer Buffer"),
    ("a.js", "a.innerHTML = `<b>${x}</b>`", "javascript/markup innerHTML"),
    (
        "a.jsx",
        "f(<p dangerouslySetInnerHTML={{ __html: x }} />)",
        "javascript/markup dangerouslySetInnerHTML",
    ),
    ("a.js", "document.write(x)", "javascript/markup write"),
    ("a.js", "m.escapeMarkup = false", "javascript/no-escape escapeMarkup"),
    ("a.js", "res.cookie('a', b, { httpOnly: false })", "javascript/cookie-flags httpOnly: false"),
    (
        "a.js",
        "import jwt from 'jsonwebtoken'; jwt.verify(t, k, { algorithms: ['HS256', 'none'] })",
        "javascript/unverified-token jsonwebtoken.verify",
    ),
    ("a.js", "res.redirect(req.query.next)", "javascript/open-redirect redirect"),
    (
        "a.js",
        "import axios from 'axios'; const u = req.body.url; axios.get(u)",
        "javascript/request-forgery axios.get",
    ),
    (
        "a.js",
        "app.get('/', (req, res) => { const { name } = req.query; res.send(`<b>${name}</b>`) })",
        "javascript/markup send",
    ),
    (
        "a.js",
        "function f(req, res) { let m = 'a'; m += req.params.id; res.status(200).write(m.trim()) }",
        "javascript/markup write",
    ),
    (
        "a.js",
        "const h = decodeURIComponent(location.hash.slice(1)); b.innerHTML = h",
        "javascript/markup innerHTML",
    ),
    ("a.js", "$('#a').html(x)", "javascript/markup html"),
    ("a.js", "jQuery(`<p>${x}</p>`)", "javascript/markup jQuery"),
    ("a.ts", "this.sanitizer.bypassSecurityTrustHtml(x)", "javascript/markup bypassSecurityTrustHtml"),
    (
        "a.js",
        "location.href = new URLSearchParams(location.search).get('next')",
        "javascript/open-redirect location",
    ),
    (
        "a.js",
        "function f(req, res) { res.setHeader('Location', req.query.to) }",
        "javascript/open-redirect setHeader",
    ),
    (
        "a.js",
        "const fs = require('fs'), path = require('path'); fs.readFile(path.join(__dirname, req.params.a), b)",
        "javascript/path-traversal fs.readFile",
    ),
    (
        "a.js",
        "function f(req, res) { res.sendFile(req.query.name) }",
        "javascript/path-traversal sendFile",
    ),
    ("a.js", "c.find({ $where: `this.a == '${x}'` })", "javascript/nosql $where"),
    ("a.js", "require('mongoose'); User.findOne({ name: req.body.name })", "javascript/nosql findOne"),
    ("a.js", "q.whereRaw(`a = ${x}`)", "javascript/sql whereRaw"),
    (
        "a.js",
        "let q; q = 'SELECT a FROM b WHERE c = '; if (d) { q = q.concat(x) } db.query(q)",
        "javascript/sql query",
    ),
    (
        "a.js",
        "const cp = require('child_process'); cp.spawn('sh', ['-c', `ls ${x}`])",
        "javascript/command child_process.spawn",
    ),
    (
        "a.js",
        "const cp = require('child_process'); cp.spawn(req.query.tool)",
        "javascript/command child_process.spawn",
    ),
    (
        "a.js",
        "const { VM } = require('vm2'); const vm = new VM(); vm.run('f(' + x + ')')",
        "javascript/eval vm2.VM().run",
    ),
    ("a.js", "import p from 'puppeteer'; page.evaluate(`f(${x})`)", "javascript/eval evaluate"),
    (
        "a.js",
        "const pug = require('pug'); pug.compile(req.body.template)",
        "javascript/template-injection pug.compile",
    ),
    ("a.js", "xml.parseXml(x, { noent: true })", "javascript/xml-entities noent"),
    (
        "a.js",
        "const jwt = require('jsonwebtoken'); jwt.sign(a, 'abc')",
        "javascript/hard-coded-key jsonwebtoken.sign",
    ),
    (
        "a.js",
        "import session from 'express-session'; const o = { secret: 'abc' }; session(o)",
        "javascript/hard-coded-key express-session",
    ),
    ("a.js", "tls.connect({ minVersion: 'TLSv1.1' })", "javascript/old-tls minVersion TLSv1.1"),
    ("a.js", "exports.handler = async (event) => { eval(event.body) }", "javascript/eval eval"),
    (
        "a.go",
        "import (\"fmt\"; \"net/http\")\nfunc f(w http.ResponseWriter, r *http.Request) { n := r.URL.Query().Get(\"n\")\n fmt.Fprintf(w, \"<b>%s\", n) }",
        "go/markup Fprintf",
    ),
    (
        "a.go",
        "import \"net/http\"\nfunc f(w http.ResponseWriter, r *http.Request) { w.Write([]byte(\"a\" + r.FormValue(\"n\"))) }",
        "go/markup Write",
    ),
    (
        "a.go",
        "import \"net/http\"\nfunc f(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.FormValue(\"to\"), 302) }",
        "go/open-redirect Redirect",
    ),
    (
        "a.go",
        "import (\"net/http\"; \"text/template\")\nfunc f(w http.ResponseWriter) { template.New(\"a\") }",
        "go/no-escape text/template",
    ),
    (
        "a.go",
        "import (\"net/http\"; \"strings\")\nfunc f(r *http.Request) { c := &http.Client{}\n c.Get(\"https://\" + strings.TrimSpace(r.FormValue(\"h\"))) }",
        "go/request-forgery net/http.Client{}.Get",
    ),
    ("a.go", "func f() { q := \"a = '\"\n q = q + x\n db.Model(m).Where(q) }", "go/sql Where"),
    ("a.go", "import \"os/exec\"\nvar c = exec.Cmd{Path: os.Args[1]}", "go/command exec.Cmd"),
    (
        "a.go",
        "import \"github.com/robertkrimen/otto\"\nfunc f() { vm := otto.New()\n vm.Run(\"f(\" + x) }",
        "go/eval github.com/robertkrimen/otto.New().Run",
    ),
    (
        "a.go",
        "import \"github.com/gorilla/sessions\"\nvar o = sessions.Options{Secure: true}",
        "go/cookie-flags sessions.Options HttpOnly",
    ),
    ("a.js", "x = 'a\u{202e}b'", "code/trojan-source U+202E"),
    (
        "a.go",
        "import e \"os/exec\"\nfunc f() { e.Command(\"sh\", \"-c\", \"ls \" + x) }",
        "go/command os/exec.Command",
    ),
    (
        "a.go",
        "import \"fmt\"\nfunc f() { q := fmt.Sprintf(\"SELECT a FROM b WHERE c = '%s'\", x)\n db.Query(q) }",
        "go/sql Query",
    ),
    (
        "a.go",
        "func f() { db.Query(\"SELECT a FROM b WHERE c = \" + r.FormValue(\"fields\")) }",
        "go/sql Query",
    ),
    ("a.go", "import \"html/template\"\nfunc f() { template.HTML(x) }", "go/markup template.HTML"),
    ("a.go", "import \"os\"\nfunc f() { os.Create(\"/tmp/x\") }", "go/fixed-temporary-path os.Create"),
    ("a.go", "import \"os\"\nfunc f() { os.Mkdir(x, 0777) }", "go/loose-permissions os.Mkdir 0777"),
    (
        "a.go",
        "import (\"os\"; \"net/http\")\nfunc f(r *http.Request) { os.Open(r.FormValue(\"x\")) }",
        "go/path-traversal os.Open",
    ),
    (
        "a.go",
        "import (\"archive/zip\"; \"path/filepath\")\nfunc f(a *zip.File) { filepath.Join(d, a.Name) }",
        "go/archive-path path/filepath.Join",
    ),
    (
        "a.go",
        "import (\"io\"; \"compress/gzip\")\nfunc f() { r, err := gzip.NewReader(x)\n io.Copy(o, r) }",
        "go/decompression-bomb io.Copy",
    ),
    ("a.go", "import \"net/http\"\nvar d = http.Dir(\"/\")", "go/root-served net/http.Dir"),
    ("a.go", "import \"net\"\nfunc f() { net.Listen(\"tcp\", \":80\") }", "go/bind-all net.Listen"),
    (
        "a.go",
        "import \"golang.org/x/crypto/ssh\"\nvar a = ssh.InsecureIgnoreHostKey()",
        "go/ssh-any-host ssh.InsecureIgnoreHostKey",
    ),
    ("a.go", "import \"net/http\"\nvar s = &http.Server{Addr: x}", "go/no-timeout http.Server"),
    (
        "a.go",
        "import \"crypto/tls\"\nvar c = tls.Config{InsecureSkipVerify: true}",
        "go/no-certificate-check InsecureSkipVerify",
    ),
    (
        "a.go",
        "import \"crypto/tls\"\nvar c = tls.Config{MinVersion: tls.VersionTLS10}",
        "go/old-tls MinVersion VersionTLS10",
    ),
    (
        "a.go",
        "import \"net/http\"\nvar c = http.Cookie{Name: \"a\", Value: b, Secure: true}",
        "go/cookie-flags http.Cookie HttpOnly",
    ),
    (
        "a.go",
        "import \"github.com/golang-jwt/jwt/v5\"\nvar k = jwt.UnsafeAllowNoneSignatureType",
        "go/unverified-token UnsafeAllowNoneSignatureType",
    ),
    (
        "a.go",
        "import \"net/http\"\nfunc f(r *http.Request) { http.Get(r.FormValue(\"u\")) }",
        "go/request-forgery net/http.Get",
    ),
    ("a.go", "import h \"crypto/md5\"\nvar a = h.New()", "go/weak-hash crypto/md5.New"),
    ("a.go", "import \"crypto/des\"\nfunc f() { des.NewCipher(k) }", "go/weak-cipher crypto/des.NewCipher"),
    (
        "a.go",
        "import \"crypto/rsa\"\nfunc f() { rsa.GenerateKey(r, 1024) }",
        "go/weak-key rsa.GenerateKey 1024",
    ),
    (
        "a.go",
        "import \"math/rand\"\nfunc newToken() int { return rand.Int() }",
        "go/weak-random math/rand.Int",
    ),
    (
        "a.go",
        "import (\"net/http\"; _ \"net/http/pprof\")\n// http.Serve",
        "go/profile-served net/http/pprof",
    ),
    (
        "a.rs",
        "use std::process::Command as C;\nfn f(x: &str) { C::new(\"sh\").arg(\"-c\").arg(format!(\"ls {x}\")); }",
        "rust/command Command::new(sh)",
    ),
    (
        "a.rs",
        "fn f() { let c = std::process::Command::new(\"bash\"); c.args([\"-c\", &x]); }",
        "rust/command Command::new(bash)",
    ),
    ("a.rs", "fn f() { sqlx::query(&format!(\"SELECT a FROM b WHERE c = '{}'\", x)); }", "rust/sql query"),
    ("a.rs", "fn f() { sqlx::query(&format!(\"SELECT a FROM b WHERE c = {quote_id}\")); }", "rust/sql query"),
    (
        "a.rs",
        "fn f() { b.danger_accept_invalid_certs(true); }",
        "rust/no-certificate-check danger_accept_invalid_certs",
    ),
    ("a.rs", "use md5::{Digest, Md5};\nfn f() { Md5::new(); }", "rust/weak-hash md5::Md5::new"),
    ("a.rs", "use des::Des;\nfn f() { Des::new(k); }", "rust/weak-cipher des::Des::new"),
    ("a.rs", "fn token() { fastrand::u64(..); }", "rust/weak-random fastrand::u64"),
    (
        "a.rs",
        "use std::fs;\nfn f() { fs::write(\"/tmp/x\", y); }",
        "rust/fixed-temporary-path std::fs::write",
    ),
    (
        "a.rs",
        "fn f() { std::net::TcpListener::bind(\"0.0.0.0:80\"); }",
        "rust/bind-all std::net::TcpListener::bind",
    ),
    ("a.rs", "fn f() { Permissions::from_mode(0o777); }", "rust/loose-permissions from_mode 0o777"),
    (
        "a.rs",
        "fn f() { v.insecure_disable_signature_validation(); }",
        "rust/unverified-token insecure_disable_signature_validation",
    ),
];

const LEFT_ALONE: &[(&str, &str)] = &[
    (
        "a.js",
        "import { exec } from 'child_process'; function f({ exec }, a) { exec(x) } function g(exec = h) { exec(x) }",
    ),
    (
        "a.ts",
        "import { exec } from 'child_process'; function f(exec: F) { exec(x) } const g = (exec?: F) => exec(x)",
    ),
    ("a.js", "interface.on('a', b); [...a, ...(b ? c : [])].forEach(eval1); eval('1')"),
    (
        "a.js",
        "import { createHash } from 'crypto'; createHash('sha1').update(key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11')",
    ),
    ("a.js", "require(__dirname + '/a'); exec(x)"),
    ("a.js", "eval('1'); new Function('return 1'); setTimeout(f, 1); setTimeout(x, 1)"),
    (
        "a.js",
        "const cp = require('child_process'); const C = 'ls'; cp.exec(C); cp.exec(`${C} -l`); cp.spawn(x); cp.execFile('ls', [x])",
    ),
    (
        "a.js",
        "import { exec } from 'child_process'; function f(exec) { exec(x) } const g = exec => exec(x); /a/.exec(s)",
    ),
    (
        "a.js",
        "db.query('SELECT a FROM b WHERE c = ?', [x]); sql`SELECT ${x}`; db.query(`SELECT a FROM ${TABLE}`); db.query(`selected ${x}`)",
    ),
    (
        "a.js",
        "let q = 'SELECT a FROM b'; q += ' WHERE c = ?'; db.query(q, [x]); db.query(`SELECT a FROM b WHERE c IN (${placeholders})`)",
    ),
    (
        "a.js",
        "import crypto from 'crypto'; crypto.createHash('sha256'); crypto.createHmac('sha1', k); createHash('md5')",
    ),
    ("a.js", "const jitter = Math.random(); tokenize(Math.random())"),
    ("a.js", "f({ rejectUnauthorized: true }); s.listen(80); s.listen(80, '127.0.0.1')"),
    (
        "a.js",
        "a.innerHTML = ''; a.innerHTML = '<b>x</b>'; a.innerHTML = DOMPurify.sanitize(x); a.innerHTML = `${escapeHtml(x)}`; a.textContent = x",
    ),
    (
        "a.js",
        "res.cookie('a', b, { httpOnly: true, secure }); res.redirect('/a?b=' + req.query.c); jwt.decode(x)",
    ),
    (
        "a.js",
        "fetch('https://a.b/' + req.query.c); fetch(`https://a.b/${req.params.id}`); require('./a'); fs.readFile(x)",
    ),
    (
        "a.js",
        "function f(req, res) { res.send(escapeHtml(req.query.a)); res.json(req.query.a); res.send({ a: req.query.a }); res.send(String(parseInt(req.params.id))); socket.send(req.query.a) }",
    ),
    ("a.js", "function f(req, res) { res.type('text'); res.send(req.query.a) }"),
    (
        "a.js",
        "location.href = '/a?b=' + location.search; location.href = location.pathname; let location2 = x; b.innerHTML = DOMPurify.sanitize(location.hash)",
    ),
    (
        "a.js",
        "const c = DOMPurify.sanitize(x); b.innerHTML = c; list.append(x); $('#a').append(x); $('#a').html(); $('.b' + x)",
    ),
    (
        "a.js",
        "const fs = require('fs'), path = require('path'); fs.readFile(path.join(d, path.basename(req.params.a)), b); res.sendFile(req.query.a, { root: d })",
    ),
    (
        "a.js",
        "require('mongodb'); c.findOne({ a: String(req.body.a), b: x }); c.find({ $where: 'this.a == 1' })",
    ),
    (
        "a.js",
        "let q = 'SELECT a FROM b'; if (d) { q = 'SELECT c FROM b' } db.query(q); map.where('a' + x); router.query(`a = ${x}`)",
    ),
    (
        "a.js",
        "const pug = require('pug'); pug.compile(x); pug.render('a', req.query); const jwt = require('jsonwebtoken'); jwt.sign(a, process.env.KEY); jwt.verify(t, key)",
    ),
    ("a.js", "f({ noent: false, minVersion: 'TLSv1.2' }); page.evaluate(() => x)"),
    (
        "a.go",
        "import (\"fmt\"; \"html\"; \"net/http\"; \"strconv\")\nfunc f(w http.ResponseWriter, r *http.Request) { n, err := strconv.Atoi(r.FormValue(\"n\"))\n fmt.Fprintf(w, \"%d %s\", n, html.EscapeString(r.FormValue(\"a\"))) }",
    ),
    (
        "a.go",
        "import \"net/http\"\nfunc f(w http.ResponseWriter, r *http.Request) { w.Header().Set(\"Content-Type\", \"application/json\")\n w.Write([]byte(r.FormValue(\"n\"))) }\nfunc g(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, \"/a/\" + r.FormValue(\"to\"), 302)\n http.Redirect(w, r, r.URL.String(), 302) }",
    ),
    (
        "a.go",
        "import (\"net/http\"; \"path/filepath\"; \"os\")\nfunc f(r *http.Request) { os.Open(filepath.Base(r.FormValue(\"x\")))\n os.Open(os.Args[1])\n http.Get(\"https://a.b/\" + r.FormValue(\"x\")) }",
    ),
    (
        "a.go",
        "import \"os/exec\"\nfunc f(c string) { exec.Command(\"ls\", x); exec.Command(c); exec.Command(\"sh\", \"-c\", \"ls\") }",
    ),
    (
        "a.go",
        "import \"fmt\"\nfunc f() { db.Query(\"SELECT a FROM b WHERE c = ?\", x); db.Query(fmt.Sprintf(\"SELECT a FROM b LIMIT %d\", n)) }",
    ),
    ("a.go", "import \"crypto/rand\"\nfunc token() { rand.Int(r, m) }"),
    (
        "a.go",
        "import (\"net/http\"; \"crypto/tls\")\nvar s = http.Server{ReadHeaderTimeout: t, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: false}}",
    ),
    (
        "a.go",
        "import (\"net/http\"; \"os\")\nvar c = http.Cookie{Name: \"a\", Value: \"\", MaxAge: -1}\nfunc f() { os.Mkdir(x, 0755); os.Chmod(x, 01777) }",
    ),
    (
        "a.rs",
        "fn f() { Command::new(\"ls\").arg(x); Command::new(\"sh\").arg(\"-c\").arg(\"ls\"); Command::new(\"sh\").arg(x); }",
    ),
    (
        "a.rs",
        "const COLUMNS: &str = \"a, b\";\nfn f() { sqlx::query(&format!(\"SELECT {COLUMNS} FROM c WHERE d = $1\")); c.execute(&format!(\"SELECT a FROM {}\", crate::TABLE)); }",
    ),
    (
        "a.rs",
        "fn f() { b.danger_accept_invalid_certs(false); fs::write(\"x\", y); TcpListener::bind(\"127.0.0.1:0\"); p.mode(0o600); }",
    ),
    ("a.rs", "fn delay() { fastrand::u64(..); }\nfn token() { let r = fastrand::Rng::with_seed(1); }"),
];

#[test]
fn every_example_is_found() {
    for (path, text, expected) in FOUND {
        let text = if path.ends_with(".go") { format!("package a\n{text}\n") } else { (*text).to_owned() };
        assert_eq!(said(path, &text), [*expected], "{text}");
    }
}

#[test]
fn harmless_code_is_left_alone() {
    for (path, text) in LEFT_ALONE {
        let text = if path.ends_with(".go") { format!("package a\n{text}\n") } else { (*text).to_owned() };
        assert_eq!(said(path, &text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn every_check_has_an_example() {
    let checks = [javascript::CHECKS, go::CHECKS, rust::CHECKS].into_iter().flatten().copied().flatten();
    for check in checks {
        let audit = Audit::of(vec![check]);
        let found = |(path, text, _): &(&str, &str, &str)| {
            let text =
                if path.ends_with(".go") { format!("package a\n{text}\n") } else { (*text).to_owned() };
            !text.contains('\u{202e}') && !audit.file(path, text.as_bytes()).findings.is_empty()
        };
        assert!(FOUND.iter().any(found), "{check:?}");
    }
}

#[test]
fn findings_say_where_and_in_what() {
    let report = Audit::default().file("a.js", b"class A {\n  run(x) {\n    return eval(x);\n  }\n}\n");
    let finding = &report.findings[0];
    let span = finding.place.span.unwrap();
    assert_eq!((span.line, span.column, finding.context.as_str()), (3, 12, "A.run"));
    let report = Audit::default()
        .file("a.js", b"eval(x) // eslint-disable-line security/detect-eval-with-expression\n");
    assert_eq!((report.findings.len(), report.suppressed.len()), (0, 1));
}

#[test]
fn scripts_of_pages_are_looked_at() {
    let page = "<h1>ü</h1>\n<script>\nconst x = 1\n</script><script>eval(y) // eslint-disable-line no-eval\n  eval(z)</script>\n{{ eval(a) }}\n";
    for path in ["a.html", "templates/a.htm", "A.vue", "A.svelte"] {
        let report = Audit::default().file(path, page.as_bytes());
        let lines: Vec<_> = report.findings.iter().map(|finding| finding.place.span.unwrap()).collect();
        assert_eq!((lines.len(), lines[0].line, lines[0].column), (1, 5, 3), "{path}");
        assert_eq!((report.suppressed.len(), report.skipped.len()), (1, 0), "{path}");
    }
    assert_eq!(
        said("A.vue", "<script lang=\"ts\">eval(x as any as string)</script>"),
        ["javascript/eval eval"]
    );
    let templated = "<script>{% if a %}eval({{ b|tojson }});{% endif %} eval(c)</script>";
    assert_eq!(said("a.html", templated).len(), 2);
    assert!(Audit::default().file("a.html", templated.as_bytes()).skipped.is_empty());
    // Nothing is said of pages that hold no script, whatever they are.
    for page in [&b"<p>eval(x)\xff</p>"[..], b"<script src=a></script>eval(x)"] {
        assert_eq!(Audit::default().file("a.html", page), FileReport::default());
    }
    let long = format!("<script>eval(x)</script>{}", "<br>".repeat(10_000));
    assert!(Audit::default().file("a.html", long.as_bytes()).skipped.is_empty());
}

#[test]
fn scripts_without_an_ending_name_their_interpreter() {
    assert_eq!(said("bin/run", "#!/usr/bin/env node\neval(x)"), ["javascript/eval eval"]);
    assert_eq!(said("bin/run", "#!/usr/bin/env -S deno run\neval(x as string)"), ["javascript/eval eval"]);
    assert_eq!(said("bin/run", "#!/bin/sh\neval(x)"), Vec::<String>::new());
}

#[test]
fn tests_are_good_to_know() {
    let severity = |path: &str, text: &str| Audit::default().file(path, text.as_bytes()).findings[0].severity;
    assert_eq!(severity("a.test.js", "eval(x)"), Severity::Info);
    let code = "fn f() { b.danger_accept_invalid_certs(true); }";
    assert_eq!(severity("a.rs", code), Severity::High);
    assert_eq!(severity("tests/a.rs", code), Severity::Info);
    assert_eq!(
        severity("a.rs", &format!("#[cfg(test)]\n// why\n#[expect(x)]\nmod tests {{ {code} }}")),
        Severity::Info
    );
    assert_eq!(severity("a.rs", &format!("#[cfg(test)]\nmod tests {{ }}\n{code}")), Severity::High);
    assert_eq!(severity("a.rs", &format!("#[cfg(not(test))]\nmod m {{ {code} }}")), Severity::High);
}

#[test]
fn what_is_not_parsed_is_named() {
    let skipped = |path: &str, bytes: &[u8]| {
        Audit::default().file(path, bytes).skipped.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        skipped("a.js", format!("eval(x);{}", " ".repeat(30_000)).as_bytes()),
        ["a.js: minified: a line has 30008 bytes"]
    );
    assert_eq!(skipped("a.js", "eval(x);\n".repeat(200_000).as_bytes()), ["a.js: larger than 1048576 bytes"]);
    assert_eq!(skipped("a.js", b"eval(\xff)"), ["a.js: not UTF-8 at byte 5"]);
    let report = Audit::default().file("a.js", b"eval(x);\nfunction (;\neval(y);\n");
    assert_eq!((report.findings.len(), report.skipped.len()), (2, 1));
    // Without any word of a rule there is nothing to be found.
    assert_eq!(skipped("a.js", b"function (;"), Vec::<String>::new());
    assert_eq!(skipped("a.d.ts", b"eval("), Vec::<String>::new());
}

#[test]
fn depth_and_length_cost_no_more_than_they_are() {
    for (path, text) in [
        ("a.js", format!("eval({}x{})", "(".repeat(20_000), ")".repeat(20_000))),
        ("a.js", format!("eval({}x)", "'a' +\n".repeat(20_000))),
        ("a.js", format!("eval(x){}", ".a()\n".repeat(20_000))),
        (
            "a.go",
            format!("package a\nimport \"os/exec\"\nfunc f() {}{}", "{\n".repeat(5_000), "}\n".repeat(5_000)),
        ),
        ("a.rs", format!("fn f() {{ fastrand::u64({}) }}", "[\n".repeat(20_000))),
        ("a.rs", format!("use fastrand::{}x{};", "{a::\n".repeat(3_000), "}".repeat(3_000))),
    ] {
        // It comes to an end, and nothing overflows.
        assert!(Audit::default().file(path, text.as_bytes()).findings.len() < 100);
    }
}

proptest! {
    /// Files with pieces cut out, put in and doubled give the same report twice, with places inside of the file.
    #[test]
    fn any_bytes_give_a_report(
        seed in 0..FOUND.len(),
        other in 0..LEFT_ALONE.len(),
        edits in prop::collection::vec((any::<u16>(), any::<u16>(), any::<[u8; 3]>(), 0..4u8), 0..6),
    ) {
        let (path, text, _) = FOUND[seed];
        let mut bytes = format!("{text}\n{}", LEFT_ALONE[other].1).into_bytes();
        for (at, length, new, kind) in edits {
            let at = usize::from(at) % (bytes.len() + 1);
            let end = (at + usize::from(length) % 30).min(bytes.len());
            match kind {
                0 => drop(bytes.drain(at..end)),
                1 => drop(bytes.splice(at..at, new)),
                2 => drop(bytes.splice(at..at, "ü${{\u{202e}".bytes())),
                _ => { let piece = bytes[at..end].to_vec(); drop(bytes.splice(at..at, piece)); }
            }
        }
        let report = Audit::default().file(path, &bytes);
        prop_assert_eq!(&report, &Audit::default().file(path, &bytes));
        let lines = u32::try_from(bytes.len()).unwrap() + 1;
        for finding in &report.findings {
            let span = finding.place.span.unwrap();
            prop_assert!(span.line >= 1 && span.line <= span.end_line && span.end_line <= lines);
        }
    }
}
