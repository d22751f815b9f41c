//! What others call, and what one call leaves for another.

use super::{SourceFile, UnfollowedReason, follow};
use crate::finding::Confidence;

const HEAD: &str = "import os\nfrom flask import request\nimport flask\napp = flask.Flask('x')\ndef run(c, other=None):\n    os.system(c)\n    return c\n";

/// How sure the commands are that strangers give in these files.
fn commands(files: &[(&str, &str)]) -> Vec<(String, Confidence)> {
    let files: Vec<_> = files.iter().map(|(path, text)| SourceFile { path, text }).collect();
    let flows = follow(&files);
    assert_eq!(flows.unfollowed, []);
    let commands = flows.findings.iter().filter(|one| one.rule.id == "python/command-injection");
    commands.map(|one| (one.context.clone(), one.confidence)).collect()
}

/// Whether a stranger gives a command in a file of this text behind [`HEAD`].
fn harms(text: &str) -> bool {
    !commands(&[("a.py", &format!("{HEAD}{text}"))]).is_empty()
}

/// The same of a handler with this body, behind some text.
fn handled(before: &str, body: &str) -> bool {
    let body: String = body.lines().map(|line| format!("    {line}\n")).collect();
    harms(&format!("{before}\n@app.route('/x')\nasync def h():\n    x = request.args['x']\n{body}"))
}

#[test]
fn functions_that_libraries_call_are_followed() {
    for (before, body) in [
        ("import threading", "threading.Thread(target=run, args=(x,)).start()"),
        ("import threading", "threading.Thread(None, run, kwargs={'c': x}).start()"),
        ("import threading", "threading.Timer(3, run, [x]).start()"),
        ("import threading", "threading.Thread(target=os.system, args=(x,)).start()"),
        ("import multiprocessing", "multiprocessing.Process(target=run, args=[x]).start()"),
        ("", "pool.submit(run, x)"),
        ("", "pool.apply_async(run, (x,))"),
        ("", "pool.map(run, [x])"),
        ("import asyncio", "asyncio.get_event_loop().run_in_executor(None, run, x)"),
        ("import asyncio", "await asyncio.to_thread(os.system, x)"),
        ("import asyncio", "asyncio.create_task(run(x))"),
        ("from starlette.concurrency import run_in_threadpool", "await run_in_threadpool(run, x)"),
        ("", "list(map(run, [x]))"),
        ("", "for y in map(lambda v: 'ls ' + v, [x]):\n    os.system(y)"),
        ("", "sorted([x], key=run)"),
        ("", "l = [x]\nl.sort(key=run)"),
        ("from functools import reduce", "reduce(lambda all, one: os.system(one), [x], 'a')"),
        ("from functools import reduce", "os.system(reduce(lambda all, one: all + one, ['ls', x]))"),
        ("import functools", "functools.partial(run, x)()"),
        ("import functools", "f = functools.partial(run, other=1)\nf(x)"),
        ("import functools", "pool.submit(functools.partial(os.system, x))"),
        ("def same(v): return v", "os.system(pool.submit(same, x).result())"),
        ("import celery\n@celery.shared_task\ndef task(c): os.system(c)", "task.delay(x)"),
        ("import celery\n@celery.shared_task\ndef task(c): os.system(c)", "task.apply_async(args=[x])"),
        (
            "import threading\nclass W(threading.Thread):\n    def __init__(self, c):\n        super().__init__()\n        self.c = c\n    def run(self):\n        os.system(self.c)",
            "W(x).start()",
        ),
        (
            "class A:\n    def go(self, c): os.system(c)\nclass B(A):\n    def go(self, c): super().go(c)",
            "B().go(x)",
        ),
        ("class A:\n    def __call__(self, c): os.system(c)", "A()(x)"),
        ("def log(*parts): os.system(parts[1])", "log('a', x)"),
    ] {
        assert!(handled(before, body), "{before}\n{body}");
    }
    let background = "import os\nfrom fastapi import FastAPI, BackgroundTasks\napp = FastAPI()\ndef run(c):\n    os.system(c)\n@app.get('/x')\nasync def h(x: str, tasks: BackgroundTasks):\n    tasks.add_task(run, x)\n";
    assert_eq!(commands(&[("a.py", background)]), [("run".to_owned(), Confidence::High)]);
}

#[test]
fn what_called_functions_do_not_do_is_clean() {
    for (before, body) in [
        ("import threading", "threading.Thread(target=run, args=('ls', x)).start()"),
        ("import threading", "threading.Thread(target=run, args=('ls',), kwargs={'other': x}).start()"),
        ("", "pool.submit(run, 'ls', x)"),
        ("", "for y in map(int, x.split(',')):\n    os.system('kill %s' % y)"),
        ("", "for y in map(lambda v: 'ls', [x]):\n    os.system(y)"),
        ("def safe(v): return 'a'", "os.system(pool.submit(safe, x).result())"),
        ("import shlex", "os.system(' '.join(map(shlex.quote, x.split())))"),
        ("import functools", "functools.partial(run, 'ls')(x)"),
        ("def log(*parts): os.system(parts[0])", "log('a', x)"),
        (
            "import asyncio\nasync def same(v): return v",
            "a, b = await asyncio.gather(same('a'), same(x))\nos.system(a)",
        ),
    ] {
        assert!(!handled(before, body), "{before}\n{body}");
    }
}

#[test]
fn decorators_of_the_project_are_followed() {
    let gives = "def with_x(f):\n    def inner(*a, **k):\n        return f(request.args['x'], *a, **k)\n    return inner\n";
    let route = |body: &str| {
        format!(
            "{gives}@app.route('/q')\n@with_x\ndef q(c):\n    return 'a'\n@app.route('/r')\n@with_x\ndef r(c):\n    {body}\n"
        )
    };
    assert!(harms(&route("os.system(c)")));
    assert!(!harms(&route("return 'a'")));
    let named = "def named(n):\n    def with_x(f):\n        def inner(*a):\n            return f(request.args[n], *a)\n        return inner\n    return with_x\n@app.route('/r')\n@named('x')\ndef r(c):\n    os.system(c)\n";
    assert!(harms(named));
    let checks = "def checked(f):\n    def inner(c):\n        if not c.isalnum():\n            return ''\n        return f(c)\n    return inner\n@checked\ndef work(c):\n    os.system('ls ' + c)";
    assert!(!handled(checks, "work(x)"));
    assert!(handled(
        "def logged(f):\n    def inner(c):\n        os.system('log ' + c)\n        return f(c)\n    return inner\n@logged\ndef work(c): ...",
        "work(x)"
    ));
    // Of the class, with its receiver.
    assert!(handled(
        "def same(f):\n    def inner(self, c):\n        return f(self, c)\n    return inner\nclass S:\n    @same\n    def go(self, c): os.system(c)",
        "S().go(x)"
    ));
    // What a decorator of a library does is not known: the function is called.
    assert!(handled("import strange\n@strange.thing\ndef work(c): os.system(c)", "work(x)"));
    assert!(handled("def odd(f): return 1\n@odd\ndef work(c): os.system(c)", "work(x)"));
}

#[test]
fn what_one_call_leaves_another_finds() {
    let kept = |before: &str, put: &str, take: &str| {
        format!("{before}\n@app.route('/s')\ndef s():\n    {put}\n@app.route('/r')\ndef r():\n    {take}\n")
    };
    let x = "request.args['x']";
    for (before, put, take) in [
        ("last = ''", format!("global last\n    last = {x}"), "os.system(last)"),
        ("last = ''\ndef keep(v):\n    global last\n    last = v", format!("keep({x})"), "os.system(last)"),
        ("cache = {}", format!("cache['a'] = {x}"), "os.system(cache['a'])"),
        ("cache = {}", format!("cache[name()] = {x}"), "os.system(cache.get('a'))"),
        ("jobs = []", format!("jobs.append({x})"), "for job in jobs:\n        os.system(job)"),
        ("import queue\nq = queue.Queue()", format!("q.put({x})"), "os.system(q.get())"),
        ("import contextvars\nv = contextvars.ContextVar('v')", format!("v.set({x})"), "os.system(v.get())"),
        ("", format!("flask.g.c = {x}"), "os.system(flask.g.c)"),
        ("class S:\n    v = ''", format!("S.v = {x}"), "os.system(S.v)"),
        (
            "class S:\n    def keep(self, v):\n        self.v = v\n    def go(self):\n        os.system(self.v)\nit = S()",
            format!("it.keep({x})"),
            "it.go()",
        ),
        (
            "class A:\n    def go(self):\n        os.system(self.v)\nclass B(A):\n    def keep(self, v):\n        self.v = v\nb = B()",
            format!("b.keep({x})"),
            "b.go()",
        ),
        // Through two places.
        (
            "a = b = ''",
            format!("global a\n    a = {x}"),
            "global b\n    b = a\ndef third():\n    os.system(b)",
        ),
    ] {
        assert!(harms(&kept(before, &put, take)), "{before}\n{put}\n{take}");
    }
    for (before, put, take) in [
        ("last = ''", format!("global last\n    last = int({x})"), "os.system(last)"),
        ("last = ''", format!("last = {x}"), "os.system(last)"),
        ("v = 'ls'", format!("[v for v in {x}]"), "os.system(v)"),
        ("cache = {}", format!("cache['a'] = {x}"), "os.system(cache['b'])"),
        ("", format!("flask.g.c = {x}"), "os.system(flask.g.d)"),
        ("class S:\n    v = w = ''", format!("S.v = {x}"), "os.system(S.w)"),
        (
            "class A: ...\nclass B(A):\n    def keep(self, v):\n        self.v = v\nclass C(A):\n    def go(self):\n        os.system(self.v)",
            format!("B().keep({x})"),
            "C().go()",
        ),
        // Nobody sees what was there for a moment.
        (
            "import shlex\nclass S:\n    def keep(self, v):\n        self.v = v\n        self.v = shlex.quote(self.v)\n    def go(self):\n        os.system(self.v)\nit = S()",
            format!("it.keep({x})"),
            "it.go()",
        ),
    ] {
        assert!(!harms(&kept(before, &put, take)), "{before}\n{put}\n{take}");
    }
}

#[test]
fn other_files_find_what_is_left() {
    let view = "from flask import request\nimport settings\n@app.route('/s')\ndef s():\n    settings.last = request.args['x']\n";
    let worker = "import os, flask\nfrom settings import last\ndef go():\n    os.system(last)\n";
    let found = commands(&[("settings.py", "last = ''\n"), ("views.py", view), ("worker.py", worker)]);
    assert_eq!(found, [("go".to_owned(), Confidence::High)]);
}

#[test]
fn attributes_of_some_object_are_less_sure() {
    let text = format!(
        "{HEAD}class S:\n    def keep(self):\n        self.v = request.args['x']\n    def go(self):\n        os.system(self.v)\n"
    );
    assert_eq!(commands(&[("a.py", &text)]), [("S.go".to_owned(), Confidence::Medium)]);
    // In the method that sets it, it is what it was set to.
    let checked = format!(
        "{HEAD}class S:\n    def keep(self):\n        self.v = request.args['x']\n        if not self.v.isalnum():\n            return ''\n        os.system('ls ' + self.v)\n"
    );
    assert_eq!(commands(&[("a.py", &checked)]), []);
}

#[test]
fn ways_through_too_many_places_are_told() {
    let steps = |count: usize| {
        let passed: String = (0..count)
            .map(|at| format!("def f{at}():\n    global v{next}\n    v{next} = v{at}\n", next = at + 1))
            .collect();
        let first: String = (0..=count).map(|at| format!("v{at} = ''\n")).collect();
        let text = format!(
            "{HEAD}{first}@app.route('/s')\ndef s():\n    global v0\n    v0 = request.args['x']\n{passed}def last():\n    os.system(v{count})\n"
        );
        let flows = follow(&[SourceFile { path: "a.py", text: &text }]);
        let told = flows.unfollowed.iter().any(|one| one.reason == UnfollowedReason::TooManyRounds);
        (flows.findings.len(), told)
    };
    assert_eq!(steps(2), (1, false));
    assert_eq!(steps(9), (0, true));
}

#[test]
fn stacked_decorators_are_told_apart() {
    let stacked = "def outer(f):\n    def inner(*a):\n        return f(*a)\n    return inner\ndef with_x(f):\n    def inner(*a):\n        return f(request.args['x'])\n    return inner\n";
    let views = |first: &str, second: &str| {
        format!(
            "{stacked}@app.route('/q')\n@outer\n@with_x\ndef q(c):\n    {first}\n@app.route('/r')\n@outer\n@with_x\ndef r(c):\n    {second}\n"
        )
    };
    assert!(harms(&views("return 'a'", "os.system(c)")));
    assert!(harms(&views("os.system(c)", "return 'a'")));
    assert!(!harms(&views("return 'a'", "return 'a'")));
}

#[test]
fn functions_deep_in_each_other_are_told() {
    let told = |before: &str, body: &str| {
        let text = format!("{HEAD}{before}\n@app.route('/x')\ndef h():\n    x = request.args['x']\n{body}");
        let flows = follow(&[SourceFile { path: "a.py", text: &text }]);
        flows.unfollowed.iter().any(|one| matches!(one.reason, UnfollowedReason::Limited { .. }))
    };
    let decorator = "def d(f):\n    def inner(c):\n        return f(c)\n    return inner\n";
    let decorated = |count| format!("{decorator}{}def work(c): ...", "@d\n".repeat(count));
    assert!(!told(&decorated(2), "    work(x)\n"));
    assert!(told(&decorated(2_000), "    work(x)\n"));
    let partials = |count| format!("    f = run\n{}    f()\n", "    f = partial(run, f, x)\n".repeat(count));
    assert!(!told("from functools import partial", &partials(2)));
    assert!(told("from functools import partial", &partials(2_000)));
}

#[test]
fn attributes_go_with_their_object() {
    let class = "class S:\n    def keep(self, v): self.v = v\nit = S()\nother = S()\n";
    assert!(handled(class, "it.keep(x)\na = it\na.v = 'ls'\na = other\nos.system(a.v)"));
    assert!(!handled(class, "a = it\na.v = x\na.v = 'ls'\nos.system(a.v)"));
}
