//! Whoever dies, what was broken is mended.

use std::path::Path;
use std::time::Instant;

use shield_load::{DiskAmount, Fault, FaultPlan, PreparedFaults, undo_leftovers};
use shield_testkit::ProcessGuard;
use tempfile::TempDir;

use crate::stage::{
    LIMIT, Player, children, files, filesystem, limit, plan, program, run, settled, state, stopped, target,
    victim, wait_until,
};

const DISK: &str = "shield-fault-fill-";

/// Victims of every fault that lasts.
struct Scene {
    frozen: ProcessGuard,
    starved: ProcessGuard,
    limit: u64,
    disk: TempDir,
}

// === impl Scene ===

impl Scene {
    fn new() -> Self {
        let starved = victim();
        let limit = limit(starved.pid());
        Self { frozen: victim(), starved, limit, disk: tempfile::tempdir().unwrap() }
    }

    fn plan(&self) -> FaultPlan {
        plan(vec![
            Fault::Freeze { targets: vec![target(&self.frozen)] },
            Fault::Descriptors { targets: vec![target(&self.starved)], spare: 2..=5 },
            Fault::Disk {
                directory: self.disk.path().to_owned(),
                filesystem: filesystem(self.disk.path()),
                amount: DiskAmount::Take(1 << 20),
            },
            Fault::Cpu { workers: 1, nice: 19, share_percent: 5..=10 },
            Fault::Memory { bytes: 1 << 20..=2 << 20, share_max_percent: 50 },
        ])
    }

    /// A signal that was sent is in effect once its target has had the processor.
    fn wait_until_in_effect(&self) {
        wait_until("everything to be in effect", || self.everything_in_effect().then_some(()));
    }

    fn everything_in_effect(&self) -> bool {
        stopped(self.frozen.pid())
            && limit(self.starved.pid()) < self.limit
            && files(self.disk.path(), DISK).len() == 1
    }

    fn nothing_in_effect(&self) -> bool {
        !stopped(self.frozen.pid())
            && limit(self.starved.pid()) == self.limit
            && files(self.disk.path(), DISK).is_empty()
    }

    fn wait_until_undone(&self, journals: &Path) {
        wait_until("everything to be undone", || {
            (self.nothing_in_effect() && files(journals, ".undo").is_empty()).then_some(())
        });
    }
}

#[test]
fn killed_runner_is_undone() {
    let scene = Scene::new();
    let mut player = Player::start(&scene.plan());
    player.wait_until_begun();
    scene.wait_until_in_effect();
    let pressing = children(player.guard.pid());
    assert_eq!(pressing.len(), 2);
    player.process.kill().unwrap();
    scene.wait_until_undone(player.journals());
    player.guard.wait(LIMIT).unwrap();
    assert!(pressing.iter().all(|pid| state(*pid).is_none_or(|state| state == 'Z')));
}

#[test]
fn silent_runner_is_undone() {
    let scene = Scene::new();
    let mut player = Player::start(&scene.plan());
    player.wait_until_begun();
    scene.wait_until_in_effect();
    player.process.freeze().unwrap();
    scene.wait_until_undone(player.journals());
    player.guard.wait(LIMIT).unwrap();
}

#[test]
fn signals_do_not_end_the_guard() {
    let scene = Scene::new();
    let player = Player::start(&scene.plan());
    player.wait_until_begun();
    scene.wait_until_in_effect();
    player.guard.terminate().unwrap();
    player.process.kill().unwrap();
    scene.wait_until_undone(player.journals());
}

#[test]
fn both_killed_leave_a_journal() {
    let scene = Scene::new();
    let mut player = Player::start(&scene.plan());
    player.wait_until_begun();
    scene.wait_until_in_effect();
    let pressing = children(player.guard.pid());
    // Frozen, it cannot undo anything between the two deaths.
    player.guard.freeze().unwrap();
    player.process.kill().unwrap();
    player.guard.kill().unwrap();
    // A child dies with the thread that made it: the last one of the guard may still hold the journal then.
    player.guard.wait(LIMIT).unwrap();
    wait_until("children to die with the guard", || {
        pressing.iter().all(|pid| state(*pid).is_none_or(|state| state == 'Z')).then_some(())
    });
    assert!(scene.everything_in_effect());
    let leftovers = undo_leftovers(player.journals()).unwrap();
    assert_eq!((leftovers.undone, leftovers.failed), (3, Vec::new()));
    assert!(files(player.journals(), ".undo").is_empty());
    scene.wait_until_undone(player.journals());
    assert_eq!(undo_leftovers(player.journals()).unwrap().undone, 0);
}

#[test]
fn journal_of_living_guard_is_left_alone() {
    let scene = Scene::new();
    let player = Player::start(&scene.plan());
    player.wait_until_begun();
    scene.wait_until_in_effect();
    assert_eq!(undo_leftovers(player.journals()).unwrap().undone, 0);
    assert!(scene.everything_in_effect());
}

#[test]
fn runner_undoes_what_its_killed_guard_left() {
    let scene = Scene::new();
    let journals = tempfile::tempdir().unwrap();
    let prepared = PreparedFaults::start(&scene.plan(), &program(), journals.path()).unwrap();
    let guard = ProcessGuard::of_pid(prepared.guard_pid()).unwrap();
    let runner = prepared.run(Instant::now());
    settled(&runner);
    scene.wait_until_in_effect();
    guard.kill().unwrap();
    scene.wait_until_undone(journals.path());
    let events = runner.finish();
    assert!(
        events.iter().all(|event| event.failed.as_ref().unwrap().contains("the guard died")),
        "{events:?}"
    );
}

#[test]
fn finish_undoes_everything() {
    let scene = Scene::new();
    let journals = tempfile::tempdir().unwrap();
    let runner = run(&scene.plan(), journals.path());
    settled(&runner);
    scene.wait_until_in_effect();
    let events = runner.finish();
    scene.wait_until_undone(journals.path());
    assert!(
        events.iter().all(|event| event.undone_s >= event.began_s && event.failed.is_none()),
        "{events:?}"
    );
    assert!(files(journals.path(), ".undo").is_empty());
}
