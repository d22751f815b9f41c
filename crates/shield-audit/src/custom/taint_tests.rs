//! What rule files say of strangers' data, and what comes of it.

use super::{
    Rules,
    tests::{HEAD, ban, mistakes, rules},
};
use crate::{
    finding::Finding,
    taint::{SourceFile, follow_with},
};

fn followed(rules: &Rules, files: &[(&str, &str)]) -> Vec<Finding> {
    let files: Vec<_> = files.iter().map(|(path, text)| SourceFile { path, text }).collect();
    follow_with(&files, rules.models()).findings
}

#[test]
fn models_reach_into_the_project() {
    let rules = rules(
        "[[sink]]\ncall = [\"shop.db.raw\", \"shop.db.Base().run\"]\nkind = \"sql\"\nposition = 0\n\
         [[sanitizer]]\ncall = [\"shop.text.clean\"]\nkinds = [\"all\"]\n\
         [[source]]\ncall = [\"shop.queue.receive\"]\ndecorator = [\"*.handler\"]\n",
    );
    let project = [
        ("src/shop/db.py", "def raw(sql): ...\nclass Base:\n    def run(self, sql): ...\n"),
        ("src/shop/text.py", "def clean(x):\n    return x\n"),
        ("src/shop/queue.py", "def receive():\n    return None\n"),
    ];
    let found = |text: &str| {
        let files: Vec<_> = project.into_iter().chain([("src/shop/api.py", text)]).collect();
        followed(&rules, &files).len()
    };
    let flask = "from flask import request\nfrom shop.db import raw, Base\nfrom shop.text import clean\n";
    assert_eq!(found(&format!("{flask}def f():\n    raw(request.args['a'])")), 1);
    assert_eq!(found(&format!("{flask}def f():\n    Base().run(request.args['a'])")), 1);
    assert_eq!(found(&format!("{flask}def f():\n    raw('select', request.args['a'])")), 0);
    assert_eq!(found(&format!("{flask}def f():\n    raw(clean(request.args['a']))")), 0);
    assert_eq!(
        found("from shop.queue import receive\nfrom shop.db import raw\ndef f():\n    raw(receive())"),
        1
    );
    assert_eq!(found("from .queue import receive\nfrom .db import raw\ndef f():\n    raw(receive())"), 1);
    assert_eq!(
        found("from shop.db import raw\nclass A:\n    @app.handler\n    def f(self, x):\n        raw(x)"),
        1
    );
    assert_eq!(found("from shop.db import raw\ndef f(x):\n    raw(x)"), 0);
}

#[test]
fn own_kinds_stand_for_themselves() {
    let kind = format!(
        "[[kind]]\nname = \"log\"\nharm = \"is logged\"\n{HEAD}[[sink]]\ncall = [\"our.log\"]\nkind = \"log\"\n"
    );
    let all = "[[sanitizer]]\ncall = [\"our.clean\"]\nkinds = [\"log\"]\n";
    let text = "from flask import request\nimport our, os\ndef f():\n    x = our.clean(request.args['a'])\n    our.log(x)\n    os.system(x)\n    our.log(request.args['b'])";
    let found = followed(&rules(&format!("{kind}{all}")), &[("a.py", text)]);
    let found: Vec<_> = found.iter().map(|one| (one.rule.id, one.place.span.unwrap().line)).collect();
    assert_eq!(found, [("python/command-injection", 6), ("our/rule", 7)]);
    let many: String = (0..15)
        .map(|n| {
            format!(
                "[[kind]]\nname = \"k{n}\"\nharm = \"h\"\n{}",
                HEAD.replace("our/rule", &format!("our/r{n}"))
            )
        })
        .collect();
    assert!(
        mistakes(&[&format!("format = 1\n{many}")]).contains("one kind too many\n    expected: at most 14")
    );
}

#[test]
fn what_makes_no_difference_is_told() {
    let flask =
        "from flask import request\\nimport os, our\\ndef f():\\n    os.system(our.same(request.args['a']))";
    let of =
        |table: &str, key: &str| rules(&format!("[[{table}]]\n{key} = [\"{flask}\"]\n")).unproven().to_vec();
    assert_eq!(of("sink", "call = [\"os.system\"]\nkind = \"command\"\nbad"), ["sink os.system"]);
    assert_eq!(of("sanitizer", "call = [\"our.other\"]\nkinds = [\"all\"]\nbad"), ["sanitizer our.other"]);
    assert_eq!(of("sanitizer", "call = [\"our.same\"]\nkinds = [\"all\"]\ngood"), Vec::<String>::new());
    assert_eq!(of("propagator", "call = [\"our.same\"]\nbad"), Vec::<String>::new());
    assert_eq!(ban("call = [\"a.b\"]\ngood = [\"x\"]").unproven(), ["our/rule"]);
}
