//! What is planned, and what is refused.

use shield_release::{Event, PlanRefusal, Step, plan};

use crate::story::{Story, instance, release, spec};

#[test]
fn plan_names_every_step() {
    let story = Story::with_live();
    let mut wide = spec(2);
    wide.instances = 2;
    let plan = plan(&story.environment, wide.clone()).unwrap();
    assert_eq!((plan.base, plan.previous), (story.environment.generation(), Some(release("r1"))));
    assert_eq!(
        plan.steps,
        [
            Step::Start { instances: vec![instance("r2.0.0"), instance("r2.1.0")] },
            Step::Promote { release: release("r2") },
            Step::Watch { release: release("r2") },
            Step::Retire { release: release("r1") },
        ]
    );
    assert_eq!(plan.undo, [Step::Retire { release: release("r2") }]);
    assert_eq!(plan.release, wide);
}

#[test]
fn first_plan_retires_nothing() {
    let plan = plan(&Story::new().environment, spec(1)).unwrap();
    assert_eq!(plan.previous, None);
    assert!(!plan.steps.iter().any(|step| matches!(step, Step::Retire { .. })));
}

#[test]
fn refuses_second_release_naming_holder() {
    for story in [Story::starting(), Story::promoting(), Story::watching(), Story::stopping_old()] {
        let refusal = plan(&story.environment, spec(3)).unwrap_err();
        assert_eq!(refusal.to_string(), "plan release `r3`: `r2`, requested by ada, is under way");
        assert!(matches!(refusal, PlanRefusal::ReleaseUnderWay { .. }));
    }
}

#[test]
fn refuses_number_used_before() {
    let story = Story::with_live();
    let refusal = plan(&story.environment, spec(1)).unwrap_err();
    assert_eq!(refusal, PlanRefusal::NumberTaken { wanted: release("r1"), newest: 1 });
}

#[test]
fn number_of_failed_release_stays_taken() {
    let mut story = Story::starting();
    story.rollback();
    story.finish();
    assert!(matches!(plan(&story.environment, spec(2)), Err(PlanRefusal::NumberTaken { newest: 2, .. })));
}

#[test]
fn refuses_when_down() {
    let mut story = Story::with_live();
    story.tell(Event::DownRequested);
    assert_eq!(plan(&story.environment, spec(2)), Err(PlanRefusal::Down { wanted: release("r2") }));
}

#[test]
fn plan_made_before_another_changes_nothing() {
    let mut story = Story::with_live();
    let late = Box::new(plan(&story.environment, spec(2)).unwrap());
    story.request(spec(3));
    assert_eq!(story.tell(Event::Requested { plan: late.clone() }), [""; 0]);
    story.rollback();
    story.finish();
    assert_eq!(story.tell(Event::Requested { plan: late }), [""; 0]);
    assert_eq!((story.position(), story.live()), ("idle", Some("r1")));
}

/// The plan would leave `r2`, which is live by now, running for ever without anybody to stop it.
#[test]
fn plan_for_older_generation_is_refused() {
    let mut story = Story::with_live();
    let late = Box::new(plan(&story.environment, spec(3)).unwrap());
    story.ship(2);
    assert_eq!(story.tell(Event::Requested { plan: late }), [""; 0]);
    assert_eq!((story.position(), story.live()), ("idle", Some("r2")));
}

#[test]
fn plan_does_nothing_when_down() {
    let mut story = Story::with_live();
    let late = Box::new(plan(&story.environment, spec(2)).unwrap());
    story.tell(Event::DownRequested);
    assert_eq!(story.tell(Event::Requested { plan: late }), [""; 0]);
    assert_eq!(story.position(), "idle");
}
