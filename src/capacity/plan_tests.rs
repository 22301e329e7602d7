//! Every way to a claim, step by step.

use super::*;
use crate::domain::capacity::shortage::Resource;

fn short(what: Resource, place: &str) -> Shortage {
    Shortage { what, place: place.into(), have: 1, need: 2, tree: 0 }
}

const AMPLE: CapacityDecision = CapacityDecision::Admit { alone: None, ample: true };
const SCARCE: CapacityDecision = CapacityDecision::Admit { alone: None, ample: false };
const ALONE: CapacityDecision =
    CapacityDecision::Admit { alone: Some(Resource::Disk), ample: false };

fn known(decision: Option<&CapacityDecision>, fresh: bool) -> Known<'_> {
    let spacing = StartSpacing::Any;
    Known { decision, fresh, spacing, turn: None, memory: false, settles_in_ms: 0 }
}

#[test]
fn the_next_step_to_a_claim() {
    use LockMode::{Alone, Shared};
    use StartSpacing::{Any, OneByOne, Settled};
    use StartStep::{Answer, Look, TakeMemory, TakeTurn};
    let reuse = CapacityDecision::Reuse(short(Resource::Disk, "/d"));
    let wait = CapacityDecision::Wait(short(Resource::Disk, "/d"));
    // decision, fresh, turn held, spacing, memory held: what is next
    let table = [
        (None, false, None, Any, false, Look),
        (Some(&AMPLE), false, None, Any, false, Look),
        (Some(&AMPLE), true, None, Any, false, Answer),
        // A share before the look, and no second one after it.
        (Some(&SCARCE), false, None, Any, false, TakeTurn(Shared)),
        (Some(&SCARCE), false, Some(Shared), Any, false, Look),
        (Some(&SCARCE), true, Some(Shared), Any, false, Answer),
        // Who holds it alone needs no share.
        (Some(&SCARCE), true, Some(Alone), Any, false, Answer),
        (Some(&ALONE), false, None, Any, false, Look),
        (Some(&ALONE), true, None, Any, false, TakeTurn(Alone)),
        (Some(&ALONE), true, Some(Shared), Any, false, TakeTurn(Alone)),
        (Some(&ALONE), false, Some(Alone), Any, false, Look),
        (Some(&ALONE), true, Some(Alone), Any, false, Answer),
        (Some(&reuse), true, None, Any, false, TakeTurn(Alone)),
        (Some(&reuse), true, Some(Alone), Any, false, Answer),
        // What cannot be claimed needs no lock.
        (Some(&wait), true, None, Settled, false, Answer),
        // Memory: a lock, a look, and then the claim.
        (Some(&AMPLE), true, None, OneByOne, false, TakeMemory),
        (Some(&AMPLE), false, None, OneByOne, true, Look),
        (Some(&AMPLE), true, None, OneByOne, true, Answer),
        (Some(&ALONE), true, None, Settled, false, TakeTurn(Alone)),
        (Some(&ALONE), true, Some(Alone), Settled, false, TakeMemory),
    ];
    for (number, (decision, fresh, turn, spacing, memory, next)) in table.into_iter().enumerate() {
        let known = Known { turn, spacing, memory, ..known(decision, fresh) };
        assert_eq!(next_step(&known), next, "case {number}: {known:?}");
    }
}

#[test]
fn the_answer_for_one_task() {
    let reuse = CapacityDecision::Reuse(short(Resource::Disk, "/d"));
    let wait = CapacityDecision::Wait(short(Resource::Memory, "/d"));
    let none = ReusableTrees::default();
    let free = ReusableTrees { free: true, ..none.clone() };
    let own = ReusableTrees { free: false, tasks: ["a".to_owned()].into() };
    let table = [
        (&wait, &free, StartSpacing::Any, 0, StartAnswer::Shortage),
        (&reuse, &none, StartSpacing::Any, 0, StartAnswer::OtherTask),
        (&reuse, &free, StartSpacing::Any, 0, StartAnswer::Start),
        (&reuse, &own, StartSpacing::Any, 0, StartAnswer::Start),
        (&AMPLE, &none, StartSpacing::OneByOne, 900, StartAnswer::Start),
        (&AMPLE, &none, StartSpacing::Settled, 900, StartAnswer::After(900)),
        (&AMPLE, &none, StartSpacing::Settled, 0, StartAnswer::Start),
    ];
    for (number, (decision, trees, spacing, settles_in_ms, expected)) in
        table.into_iter().enumerate()
    {
        let known = Known { spacing, settles_in_ms, ..known(Some(decision), true) };
        assert_eq!(answer(&known, trees, "a"), expected, "case {number}");
    }
}

#[test]
fn a_shortage_is_told_once_and_its_end_once() {
    let mut told = Told::default();
    let disk = short(Resource::Disk, "/d");
    let wait = CapacityDecision::Wait(disk.clone());
    let memory = short(Resource::Memory, "this machine");
    assert_eq!(told.news(StartAnswer::Start, Some(&AMPLE), 1), None);
    assert_eq!(
        told.news(StartAnswer::Shortage, Some(&wait), 2),
        Some(CapacityNews::Short(disk.clone()))
    );
    let less = CapacityDecision::Reuse(Shortage { have: 0, ..disk });
    assert_eq!(told.news(StartAnswer::OtherTask, Some(&less), 3), None);
    assert_eq!(told.news(StartAnswer::Queued, Some(&ALONE), 4), None);
    let other = CapacityDecision::Wait(memory.clone());
    let news = told.news(StartAnswer::Shortage, Some(&other), 5);
    assert_eq!(news, Some(CapacityNews::Short(memory)));
    assert_eq!(told.short_for_ms(9), Some(7), "since the first");
    assert_eq!(told.news(StartAnswer::Start, Some(&AMPLE), 10), Some(CapacityNews::Over));
    assert_eq!(told.short_for_ms(11), None);
}
