//! What of the installed code can run.

use super::*;

#[test]
fn reaches_what_can_run() {
    let case = Case::new(&[
        (
            "/p/app.py",
            "import lib.a.b\nfrom lib import c\nif TYPE_CHECKING:\n    import lib.typed\nif sys.platform == 'win32':\n    import lib.windows\n",
        ),
        ("/site/lib/__init__.py", ""),
        ("/site/lib/a/__init__.py", "def f():\n    from . import late\n"),
        ("/site/lib/a/b.py", "from ..star import *\n"),
        ("/site/lib/a/late.py", "import_module('lib.plugins.' + x)\n"),
        ("/site/lib/c.py", "NAMES = ['lib.text', 'lib.nothing']\n"),
        ("/site/lib/star/__init__.py", "__all__ = ['listed']\n"),
        ("/site/lib/star/listed.py", ""),
        ("/site/lib/star/other.py", ""),
        ("/site/lib/plugins/p.py", ""),
        ("/site/lib/plugins/tests.py", ""),
        ("/site/lib/text.py", ""),
        ("/site/lib/typed.py", ""),
        ("/site/lib/windows.py", ""),
    ]);
    let expected = [
        "app",
        "lib",
        "lib.a",
        "lib.a.b",
        "lib.a.late",
        "lib.c",
        "lib.plugins",
        "lib.plugins.p",
        "lib.star",
        "lib.star.listed",
        "lib.text",
    ];
    assert_eq!(case.reached(&["app"]), expected);
}

#[test]
fn lazy_modules_show_what_they_load() {
    let lazy = "if TYPE_CHECKING:\n    from .real import R\ndef __getattr__(name): ...\n";
    let case = Case::new(&[
        ("/p/app.py", "import lib\n"),
        ("/site/lib/__init__.py", lazy),
        ("/site/lib/real.py", ""),
        ("/site/lib/other.py", ""),
    ]);
    assert_eq!(case.reached(&["app"]), ["app", "lib", "lib.real"]);
}

#[test]
fn entry_points_follow_their_group() {
    let point =
        ("/site/plug-1.dist-info/entry_points.txt", "[app.plugins]\nx = plug.x:main\n[other]\ny = plug.y\n");
    let record = ("/site/plug-1.dist-info/RECORD", "plug/x.py,,\nplug/y.py,,\n");
    let case = Case::new(&[
        ("/p/app.py", "entry_points(group='app.plugins')\n"),
        point,
        record,
        ("/site/plug/x.py", ""),
        ("/site/plug/y.py", ""),
    ]);
    assert_eq!(case.reached(&["app"]), ["app", "plug", "plug.x"]);
    case.with(|library, _| {
        let reach = reach(library, &case.distributions, &[case.inventory.find("app").unwrap()]);
        assert_eq!(
            reach.usage(&case.inventory, &case.distributions)["plug"],
            Usage { modules: 2, reached: 1 }
        );
    });
}
