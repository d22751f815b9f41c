//! What no plan may do.

use std::path::PathBuf;

use shield_load::{DiskAmount, Fault, PreparedFaults, ProcessIdentity, ProcessTarget, StartFaultsError};

use crate::stage::{
    files, filesystem, identity, limit, plan, program, run, settled, stopped, target, victim,
};

/// Why a fault failed; it must have.
fn reason(fault: Fault) -> String {
    let journals = tempfile::tempdir().unwrap();
    let runner = run(&plan(vec![fault]), journals.path());
    settled(&runner);
    let mut events = runner.finish();
    assert!(events[0].began_s.is_none() && events[0].undone_s.is_none(), "{events:?}");
    events.remove(0).failed.unwrap()
}

#[test]
fn reused_pid_is_not_touched() {
    let bystander = victim();
    let real = identity(bystander.pid());
    let process = ProcessIdentity { start_ticks: real.start_ticks - 1, ..real };
    let targets = vec![ProcessTarget::process(process)];
    let before = limit(bystander.pid());
    for fault in [
        Fault::Kill { targets: targets.clone(), command: Vec::new() },
        Fault::Freeze { targets: targets.clone() },
        Fault::Restart { targets: targets.clone(), command: vec!["true".to_owned()] },
        Fault::Descriptors { targets: targets.clone(), spare: 1..=1 },
        Fault::ClockSkew { targets: targets.clone(), seconds: 1..=1 },
    ] {
        let reason = reason(fault);
        assert!(reason.contains("it ended, and whatever has its pid now is not touched"), "{reason}");
    }
    assert_eq!(identity(bystander.pid()), real);
    assert!(!stopped(bystander.pid()));
    assert_eq!(limit(bystander.pid()), before);
}

#[test]
fn own_machinery_is_not_touched() {
    for pid in [std::process::id(), 1] {
        let targets = vec![ProcessTarget::process(identity(pid))];
        for fault in [
            Fault::Freeze { targets: targets.clone() },
            Fault::Kill { targets: targets.clone(), command: Vec::new() },
        ] {
            let reason = reason(fault);
            assert!(reason.contains("would not undo what is done to it"), "{reason}");
        }
    }
}

#[test]
fn stopped_process_is_not_let_go() {
    let victim = victim();
    victim.freeze().unwrap();
    crate::stage::wait_until("it to stop", || stopped(victim.pid()).then_some(()));
    let reason = reason(Fault::Freeze { targets: vec![target(&victim)] });
    assert!(reason.contains("it is stopped already"), "{reason}");
    assert!(stopped(victim.pid()));
}

#[test]
fn filesystem_must_be_named() {
    let directory = tempfile::tempdir().unwrap();
    let disk = |filesystem| Fault::Disk {
        directory: directory.path().to_owned(),
        filesystem,
        amount: DiskAmount::Take(4096),
    };
    let other = reason(disk(PathBuf::from("/proc")));
    assert!(other.contains("it is not the one mounted at `/proc`, which was named"), "{other}");
    let no_mount_point = reason(disk(directory.path().to_owned()));
    assert!(no_mount_point.contains("it is not a mount point"), "{no_mount_point}");
    assert!(files(directory.path(), "fill").is_empty());
    assert_ne!(filesystem(directory.path()), PathBuf::from("/proc"));
}

/// The guard stands in `/`, where a relative path would be another one.
#[test]
fn disk_must_be_named_absolutely() {
    for (directory, filesystem) in [("tmp", "/"), ("/tmp", ".")] {
        let amount = DiskAmount::Take(4096);
        let disk = Fault::Disk { directory: directory.into(), filesystem: filesystem.into(), amount };
        let reason = reason(disk);
        assert!(reason.contains("it is not an absolute path"), "{reason}");
    }
}

#[test]
fn memory_is_left_for_others() {
    let bytes = 1 << 60;
    let reason = reason(Fault::Memory { bytes: bytes..=bytes, share_max_percent: 100 });
    assert!(reason.contains("more than 100 % of the"), "{reason}");
}

#[test]
fn clock_of_an_ordinary_process_is_fixed() {
    let victim = victim();
    let reason = reason(Fault::ClockSkew { targets: vec![target(&victim)], seconds: 60..=60 });
    assert!(reason.contains("it does not run under libfaketime"), "{reason}");
}

#[test]
fn limit_is_never_raised() {
    let victim = victim();
    let before = limit(victim.pid());
    let reason = reason(Fault::Descriptors { targets: vec![target(&victim)], spare: u32::MAX..=u32::MAX });
    assert!(reason.contains("already"), "{reason}");
    assert_eq!(limit(victim.pid()), before);
}

#[test]
fn guard_must_be_a_guard() {
    let journals = tempfile::tempdir().unwrap();
    let mut wrong = program();
    wrong.program = "/bin/true".into();
    let error = PreparedFaults::start(&plan(Vec::new()), &wrong, journals.path()).unwrap_err();
    assert!(matches!(error, StartFaultsError::Refused { .. } | StartFaultsError::Start { .. }), "{error:?}");
}
