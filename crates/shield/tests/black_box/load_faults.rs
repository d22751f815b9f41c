//! `shield load` of a file with faults, before anything is sent.

use std::net::TcpListener;

use crate::support::Project;

/// A load of a target that only listens, with a fault.
fn file(target: &TcpListener, fault: &str) -> String {
    let address = target.local_addr().unwrap();
    format!(
        "name = \"faults\"\ntarget = \"http://{address}\"\n[closed]\nusers = 1\niterations = 1\n[[scenario]]\nname = \"it\"\n\
         step = [{{ get = \"/\" }}]\n[[fault]]\nname = \"stop\"\nat = \"1s\"\nfor = \"1s\"\n{fault}\n"
    )
}

/// Nobody has connected.
fn untouched(target: &TcpListener) -> bool {
    target.set_nonblocking(true).unwrap();
    target.accept().is_err()
}

#[test]
fn fault_must_be_aimed_at_one_process() {
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let project =
        Project::of_files(&[("load.toml", &file(&target, "freeze = { name = \"no-such-thing\" }"))]);
    project
        .shield(&["load", "load.toml"])
        .expect(2)
        .says("failed to aim fault `stop`")
        .says("find the process with the name `no-such-thing`: there is none that this user may look at")
        .says("a fault is aimed at exactly one process");
    assert!(untouched(&target));
}

#[test]
fn comparison_refuses_faults() {
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let project = Project::of_files(&[("load.toml", &file(&target, "cpu = { workers = 1 }"))]);
    let refused = project.shield(&["load", "compare", "load.toml", "load.toml"]).expect(2);
    refused.says("failed to compare `load.toml`: its faults would hit one side or the other");
    assert!(untouched(&target));
}
