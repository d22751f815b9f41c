//! Small files of JavaScript and TypeScript.

/// Each finds what stands behind it, and nothing else.
pub(super) const FOUND: &[(&str, &str, &str)] = &[
    ("a.js", "eval(x)", "javascript/eval eval"),
    ("a.js", "new Function('a', x)", "javascript/eval Function"),
    ("a.js", "setTimeout(`f(${x})`, 1)", "javascript/eval setTimeout"),
    ("a.js", "app.get('/', (req, res) => setTimeout(req.query.x, 1))", "javascript/eval setTimeout"),
    (
        "a.js",
        "const crypto = require('crypto');\ncrypto.pbkdf2Sync(p, s, 10_000, 32, 'sha256')",
        "javascript/few-iterations crypto.pbkdf2Sync",
    ),
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
    ("a.js", "function f(req, res) { res.sendFile(req.query.name) }", "javascript/path-traversal sendFile"),
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
    ("a.js", "x = 'a\u{202e}b'", "code/trojan-source U+202E"),
];

/// Nothing is found in these.
pub(super) const LEFT_ALONE: &[(&str, &str)] = &[
    (
        "a.js",
        "let to = '/a'; if (b) { to = new URL(to, window.location.href).href } window.location.replace(to)",
    ),
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
    ("a.js", "app.get('/', (req, res) => setTimeout(() => f(req.query.x), 1))"),
    ("a.js", "const crypto = require('crypto');\ncrypto.pbkdf2(p, s, 600000, 32, 'sha256', f)"),
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
];
