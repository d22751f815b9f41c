//! A line for each rule that it finds, and only with its words there.

use super::all;
use crate::{
    finding::Severity,
    python::{Audit, Parse},
};

const EXAMPLES: &[(&str, &str)] = &[
    ("python/exec", "exec(x)"),
    ("python/eval", "eval(x)"),
    ("python/paramiko-command", "import paramiko\nclient.exec_command(x)"),
    ("python/logging-listen", "import logging.config\nlogging.config.listen(9999)"),
    ("python/subprocess-shell", "import subprocess\nsubprocess.run(x, shell=True)"),
    ("python/subprocess-unknown-shell", "import subprocess\nsubprocess.run(x, shell=y)"),
    ("python/subprocess-input", "import subprocess\nsubprocess.run(x)"),
    ("python/subprocess-fixed", "import subprocess\nsubprocess.run(['/bin/ls'])"),
    ("python/shell-keyword", "f(shell=True)"),
    ("python/shell-handed-on", "f(shell=x)"),
    ("python/os-shell", "import os\nos.system(x)"),
    ("python/os-process", "import os\nos.execv('/bin/ls', x)"),
    ("python/partial-path", "import os\nos.system('ls')"),
    ("python/wildcard-command", "import os\nos.system('/bin/tar cf x *')"),
    ("python/weak-hash", "import hashlib\nhashlib.md5(x)"),
    ("python/weak-hash-object", "from Crypto.Hash import MD5\nMD5.new()"),
    ("python/weak-cipher", "from Crypto.Cipher import DES\nDES.new(x)"),
    ("python/weak-cipher-mode", "from cryptography.hazmat.primitives.ciphers import modes\nmodes.ECB()"),
    ("python/weak-key", "from Crypto.PublicKey import RSA\nRSA.generate(512)"),
    ("python/pycrypto-import", "from Crypto import Cipher"),
    ("python/weak-random", "import random\nrandom.random()"),
    ("python/weak-random-distribution", "import random\nrandom.gauss(0, 1)"),
    ("python/weak-random-sample", "import random\nrandom.sample(x, 1)"),
    ("python/pickle", "import pickle\npickle.loads(x)"),
    ("python/marshal", "import marshal\nmarshal.loads(x)"),
    ("python/pickle-import", "import pickle"),
    ("python/yaml-load", "import yaml\nyaml.load(x, Loader=yaml.Loader)"),
    ("python/torch-load", "import torch\ntorch.load(x)"),
    ("python/unpinned-download", "from transformers import AutoModel\nAutoModel.from_pretrained('x/y')"),
    ("python/xml-c-element-tree", "import xml.etree.cElementTree as e\ne.parse(x)"),
    ("python/xml-element-tree", "import xml.etree.ElementTree as e\ne.parse(x)"),
    ("python/xml-expat-reader", "import xml.sax.expatreader as e\ne.create_parser()"),
    ("python/xml-expat-builder", "import xml.dom.expatbuilder as e\ne.parse(x)"),
    ("python/xml-sax", "import xml.sax\nxml.sax.parse(x)"),
    ("python/xml-minidom", "import xml.dom.minidom as e\ne.parse(x)"),
    ("python/xml-pulldom", "import xml.dom.pulldom as e\ne.parse(x)"),
    ("python/lxml", "import lxml.etree\nlxml.etree.parse(x)"),
    ("python/xml-element-tree-import", "from xml.etree import ElementTree"),
    ("python/xml-sax-import", "from xml import sax"),
    ("python/xml-expat-import", "from xml.dom import expatbuilder"),
    ("python/xml-minidom-import", "from xml.dom import minidom"),
    ("python/xml-pulldom-import", "from xml.dom import pulldom"),
    ("python/lxml-import", "import lxml"),
    ("python/xmlrpc-import", "import xmlrpc"),
    ("python/no-certificate-check", "import requests\nrequests.get(x, verify=False)"),
    ("python/unverified-context", "import ssl\nssl._create_unverified_context()"),
    ("python/old-tls", "import ssl\nssl.wrap_socket(ssl_version=ssl.PROTOCOL_SSLv3)"),
    ("python/old-tls-elsewhere", "import ssl\nf(ssl_version=ssl.PROTOCOL_SSLv3)"),
    ("python/old-tls-default", "import ssl\ndef f(version=ssl.PROTOCOL_SSLv3): pass"),
    ("python/tls-without-version", "import ssl\nssl.wrap_socket(x)"),
    ("python/no-timeout", "import requests\nrequests.get(x)"),
    ("python/url-open", "import urllib.request\nurllib.request.urlopen(x)"),
    ("python/url-open-fixed", "import urllib.request\nurllib.request.urlopen('https://x')"),
    (
        "python/ssh-any-host",
        "import paramiko\nc = paramiko.SSHClient()\nc.set_missing_host_key_policy(paramiko.AutoAddPolicy)",
    ),
    ("python/snmp-version", "from pysnmp.hlapi import CommunityData\nCommunityData('x', mpModel=0)"),
    ("python/snmp-plain", "from pysnmp.hlapi import UsmUserData\nUsmUserData('x')"),
    ("python/telnet", "import telnetlib\ntelnetlib.Telnet(x)"),
    ("python/ftp", "import ftplib\nftplib.FTP(x)"),
    ("python/telnet-import", "import telnetlib"),
    ("python/ftp-import", "import ftplib"),
    ("python/ipmi-import", "import pyghmi"),
    ("python/httpoxy-import", "from wsgiref.handlers import CGIHandler"),
    ("python/httpoxy", "import wsgiref.handlers\nwsgiref.handlers.CGIHandler()"),
    ("python/sql-text", "x = 'select a from b where c = ' + d"),
    ("python/sql-text-fixed", "d = 'x'\nx = f'select a from b where c = {d}'"),
    ("python/sql-like-text", "x = 'insert into a values(%s)' % d"),
    ("python/django-extra", "x.extra(where=[y])"),
    ("python/django-raw-sql", "from django.db.models.expressions import RawSQL\nRawSQL(x)"),
    ("python/mark-safe", "from django.utils.safestring import mark_safe\nmark_safe(x)"),
    ("python/mark-safe-known", "from django.utils.safestring import mark_safe\nX = 'x'\nmark_safe(X)"),
    ("python/mark-safe-fixed", "from django.utils.safestring import mark_safe\nmark_safe('x')"),
    ("python/safe-string", "from django.utils.safestring import SafeString\nSafeString(x)"),
    ("python/markup", "from markupsafe import Markup\nMarkup(x)"),
    ("python/jinja-autoescape", "import jinja2\njinja2.Environment()"),
    ("python/mako-template", "import mako.template\nmako.template.Template(x)"),
    ("python/open-permissions", "import os\nos.chmod(x, 0o777)"),
    ("python/loose-permissions", "import os\nos.chmod(x, 0o721)"),
    ("python/fixed-temporary-path", "x = '/tmp/x'"),
    ("python/mktemp", "import tempfile\ntempfile.mktemp()"),
    ("python/tar-extract", "import tarfile\nx.extractall()"),
    ("python/password", "password = 'x'"),
    ("python/password-compared", "if password == 'x': pass"),
    ("python/password-empty", "password = ''"),
    ("python/password-compared-empty", "if password == '': pass"),
    ("python/password-in-table", "x = {'password': 'x'}"),
    ("python/password-argument", "f(password='x')"),
    ("python/password-default", "def f(password='x'): pass"),
    ("python/assert", "assert x"),
    ("python/bind-all", "x = '0.0.0.0'"),
    ("python/except-pass", "try: x\nexcept Exception: pass"),
    ("python/except-continue", "for x in y:\n    try: x\n    except: continue"),
    ("python/flask-debug", "import flask\na = flask.Flask('x')\na.run(debug=True)"),
    ("python/subprocess-import", "import subprocess"),
    ("python/insecure-cookie", "response.set_cookie('a', b, secure=False)"),
    ("python/certificate-check-off", "import ssl\nc.verify_mode = ssl.CERT_NONE"),
    ("python/no-certificate-check-elsewhere", "import aiohttp\naiohttp.TCPConnector(ssl=False)"),
    ("python/old-tls-context", "import ssl\nssl.SSLContext(ssl.PROTOCOL_TLSv1)"),
    ("python/old-tls-minimum", "import ssl\nc.minimum_version = ssl.TLSVersion.TLSv1"),
    ("python/unverified-token", "import jwt\njwt.decode(x, verify=False)"),
    ("python/hard-coded-key", "import jwt\njwt.encode(x, 'k')"),
    ("python/static-nonce", "from cryptography.hazmat.primitives.ciphers import modes\nmodes.CBC(b'0')"),
    ("python/password-by-position", "import requests\nrequests.get(x, auth=('a', 'Zq8sd7fgH23kLp'))"),
    ("python/script-readable-cookie", "import flask\nresponse.set_cookie('session', b)"),
    ("python/shared-with-any-site", "from flask_cors import CORS\nCORS(app, supports_credentials=True)"),
    ("python/lxml-entities", "import lxml.etree\nlxml.etree.XMLParser(resolve_entities=True)"),
    ("python/bind-any", "import socket\ns = socket.socket()\ns.bind(('', 80))"),
    ("python/few-iterations", "import hashlib\nhashlib.pbkdf2_hmac('sha256', p, s, 1000)"),
    ("python/block-by-block", "from Crypto.Cipher import AES\nAES.new(k, AES.MODE_ECB)"),
    ("python/array-pickle", "import numpy\nnumpy.load(x, allow_pickle=True)"),
    ("python/debug-setting", "app.config['DEBUG'] = True"),
    ("python/debug-attribute", "import flask\na = flask.Flask('x')\na.debug = True"),
    ("python/cookie-setting", "SESSION_COOKIE_SECURE = False"),
    ("python/debug-application", "import fastapi\nfastapi.FastAPI(debug=True)"),
    ("python/any-host-setting", "INSTALLED_APPS = []\nALLOWED_HOSTS = ['*']"),
    ("python/password-hasher-setting", "PASSWORD_HASHERS = ['a.MD5PasswordHasher']"),
    ("python/bind-all-v6", "f(host='::')"),
    ("python/trojan-source", "x = 'a\u{202e}b'"),
];

#[test]
fn every_rule_finds_its_example() {
    let audit = Audit::default();
    for (id, text) in EXAMPLES {
        let report = audit.text("a.py", text, Parse::WhereWordsOccur);
        assert!(report.findings.iter().any(|finding| finding.rule.id == *id), "{id}: {report:?}");
        assert_eq!(report, audit.text_unfiltered("a.py", text), "{id}");
    }
    let without: Vec<_> =
        all().map(|check| check.rule.id).filter(|id| EXAMPLES.iter().all(|(of, _)| of != id)).collect();
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn values_in_tables_and_quotes_are_understood() {
    let audit = Audit::default();
    for (text, id, severity) in [
        (
            "import subprocess\nsubprocess.run(x, **{'shell': True})",
            "python/subprocess-shell",
            Some(Severity::High),
        ),
        (
            "import subprocess\no = dict(shell=True)\nsubprocess.run(x, **o)",
            "python/subprocess-shell",
            Some(Severity::High),
        ),
        ("import subprocess\nsubprocess.run(x, **{'shell': False})", "python/subprocess-shell", None),
        (
            "import shlex, subprocess\nsubprocess.run('ping ' + shlex.quote(x), shell=True)",
            "python/subprocess-shell",
            Some(Severity::Low),
        ),
        (
            "import shlex, os\nos.system(f'ping {shlex.quote(x)} {y}')",
            "python/os-shell",
            Some(Severity::High),
        ),
        ("import shlex, os\nos.system(f'ping {shlex.quote(x)}')", "python/os-shell", Some(Severity::Low)),
        (
            "import asyncio\nasyncio.create_subprocess_shell('ls ' + x)",
            "python/os-shell",
            Some(Severity::High),
        ),
        ("import hashlib\nhashlib.md5(x, **{'usedforsecurity': False})", "python/weak-hash", None),
        ("import hashlib\nhashlib.md5(x, **unknown)", "python/weak-hash", Some(Severity::High)),
        ("import tarfile, zipfile\nzipfile.ZipFile(x).extractall()", "python/tar-extract", None),
        (
            "import tarfile, zipfile\nwith zipfile.ZipFile(x) as z:\n    z.extractall()",
            "python/tar-extract",
            None,
        ),
        ("import tarfile\ntarfile.open(x).extractall()", "python/tar-extract", Some(Severity::High)),
    ] {
        let report = audit.text("a.py", text, Parse::WhereWordsOccur);
        let found = report.findings.iter().find(|finding| finding.rule.id == id);
        assert_eq!(found.map(|finding| finding.severity), severity, "{text}");
    }
}

#[test]
fn secrets_are_never_said() {
    let text = "password = 'hunter2'\nf(token='hunter2')\ndef g(pwd='hunter2'): pass\nx = {'secret': 'hunter2'}\nif token == 'hunter2': pass\n";
    let report = Audit::default().text("a.py", text, Parse::Always);
    assert_eq!(report.findings.len(), 5);
    assert!(!format!("{report:?}").contains("hunter2"));
}
