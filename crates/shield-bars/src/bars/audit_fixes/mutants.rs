//! Files that nobody would write, made of files that somebody did: the same from the same seed.

use std::path::Path;

use fastrand::Rng;

use super::super::audit_original::{files, read};
use crate::harness::{Result, Trouble};

/// Pieces that fixes look at, put into files that have few of them.
const PIECES: [&str; 14] = [
    "import hashlib\ndef cache_key(url):\n    return hashlib.md5(url.encode()).hexdigest()\n",
    "from hashlib import md5 as m\netag = m((body), # why\n)\n",
    "import hashlib\nurl_hash = hashlib.new('sha1', data)\nprint(hashlib.md5(password))\n",
    "import yaml\nconfig = yaml.load(open(path), Loader=yaml.Loader)\n",
    "from yaml import load\nconfig = load(text)\n",
    "import requests\nanswer = requests.get(url, verify=False)\nrequests.post(url,\n    json={},\n    verify=False,\n    timeout=None,\n)\n",
    "import requests as r\nasync def fetch():\n    return [r.get(u) for u in urls]\n",
    "import subprocess\nsubprocess.run('/bin/ls -l /tmp', shell=True, check=True)\n",
    "from subprocess import Popen as pop\npop('/bin/gcc --version', shell=True)\n",
    "values = eval('[1, 2, (3, -4)]')\n",
    "import random\ndef make_token():\n    token = ''.join(random.choice(letters) for _ in range(9))\n    return token + str(random.randint(0, 9))\n",
    "import xml.etree.ElementTree as ET\nroot = ET.fromstring(text)\n",
    "from flask import Flask\napp = Flask(__name__)\napp.run(host='0.0.0.0', debug=True)\n",
    "import tarfile\ntarfile.open(path).extractall()\n",
];

/// So many files, each made of a base and some pieces, and changed in some places.
pub(super) fn make(bases: &[&Path], seed: u64, count: usize) -> Result<Vec<Vec<u8>>> {
    let mut texts = Vec::new();
    for base in bases {
        for file in files(base)? {
            // Other encodings than UTF-8 come by mutation.
            if let Ok(text) = String::from_utf8(read(&file)?) {
                texts.push(text);
            }
        }
    }
    if texts.is_empty() {
        return Err(Trouble::new("make mutated files: there are none to begin with"));
    }
    let mut rng = Rng::with_seed(seed);
    Ok((0..count).map(|_| mutant(&texts, &mut rng)).collect())
}

fn mutant(texts: &[String], rng: &mut Rng) -> Vec<u8> {
    let mut text = if rng.bool() { texts[rng.usize(..texts.len())].clone() } else { String::new() };
    for _ in 0..rng.usize(1..4) {
        let piece = PIECES[rng.usize(..PIECES.len())];
        // In front of a file, or behind it: a docstring and `__future__` are moved so, too.
        text = if rng.bool() { format!("{piece}{text}") } else { format!("{text}\n{piece}") };
    }
    for _ in 0..rng.usize(0..6) {
        text = mutate(&text, rng);
    }
    encode(&text, rng)
}

/// One change at a place drawn by chance. Many leave Python that parses, many do not.
fn mutate(text: &str, rng: &mut Rng) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let at = rng.usize(..lines.len());
    match rng.u8(..14) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        2 if at > 0 => lines.swap(at, at - 1),
        3 => lines[at].push_str("  # ü, (\"' nosec"),
        4 => lines[at] = lines[at].replacen(", ", ",\n        ", 1),
        5 => lines[at] = lines[at].replacen('(', "(\n    ", 1),
        6 => lines[at] = lines[at].replacen(')', ",)", 1),
        7 => lines[at] = lines[at].replacen("(", "( # x\n", 1),
        8 if at + 1 < lines.len() => {
            let next = lines.remove(at + 1);
            lines[at] = format!("{}; {}", lines[at], next.trim_start());
        }
        9 => lines[at].insert_str(0, [" ", "\t", "    "][rng.usize(..3)]),
        10 => {
            let middle =
                lines[at].char_indices().map(|(at, _)| at).nth(rng.usize(..1 + lines[at].chars().count()));
            let drawn = ['(', ')', '"', '\\', ',', '\u{1d41e}', '\u{c}', '#'][rng.usize(..8)];
            if let Some(middle) = middle {
                lines[at].insert(middle, drawn);
            }
        }
        11 => lines[at] = format!("if x:\n    {}", lines[at]),
        12 => lines[at] = lines[at].replace("import ", "import  ").replace('=', " = "),
        _ => {
            lines.insert(at, "x = f\"{requests.get(u)} {yaml.load(t)}\"; ast = secrets = yaml = 1".to_owned())
        }
    }
    lines.join("\n")
}

/// The text as bytes: with the line ends and the encoding of one editor or another.
fn encode(text: &str, rng: &mut Rng) -> Vec<u8> {
    let text = match rng.u8(..6) {
        0 => text.replace('\n', "\r\n"),
        1 => text.replace('\n', "\r"),
        2 => text.trim_end().to_owned(),
        _ => text.to_owned(),
    };
    match rng.u8(..6) {
        0 => format!("\u{feff}{text}").into_bytes(),
        1 => format!("# -*- coding: latin-1 -*-\nnote = 'é'\n{text}")
            .chars()
            .map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?'))
            .collect(),
        _ => text.into_bytes(),
    }
}
