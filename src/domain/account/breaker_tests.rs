//! The breaker's decisions, one by one.

use super::*;
use crate::domain::failure::policy::waits;

const W: &str = "00112233445566778899aabbccddeeff";
const START: UnixMs = UnixMs(1_795_000_000_000);

fn at(ms: u64) -> UnixMs {
    START.plus_ms(ms)
}

fn permit(breaker: &Breaker, now: UnixMs) -> Permit {
    Breaker::permit(Some(breaker), now, W, HealthCheck::ProbeFirst)
}

fn window(status: &str, utilization: f64, resets_at: UnixMs) -> Window {
    Window {
        kind: Some("five_hour".into()),
        utilization: Some(utilization),
        resets_at: Some(resets_at),
        status: status.into(),
        seen_at: START,
        source: "fix".into(),
    }
}

#[test]
fn an_overload_met_by_ten_workers_is_one_strike() {
    let first = Breaker::after_fault(None, Fault::Overload, "529", UnixMs(0)).expect("closes");
    let tenth =
        Breaker::after_fault(Some(&first), Fault::Overload, "529", UnixMs(5)).expect("closes");
    assert_eq!(tenth.consecutive_failures, 1);
    let later = first.until.plus_ms(1_000);
    let again = Breaker::after_fault(Some(&first), Fault::Overload, "529", later).expect("closes");
    assert_eq!(again.consecutive_failures, 2);
    assert_eq!(again.until, later.plus_ms(2 * waits::OVERLOAD_MS));
}

#[test]
fn a_tasks_own_failure_closes_nothing() {
    assert_eq!(Breaker::after_fault(None, Fault::Error, "", UnixMs(0)), None);
    assert_eq!(Breaker::after_fault(None, Fault::Disk, "", UnixMs(0)), None);
}

#[test]
fn consecutive_failures_are_forgotten_after_a_quiet_time() {
    let old = Breaker::after_fault(None, Fault::Overload, "", UnixMs(0)).expect("closes");
    let now = old.until.plus_ms(FORGET_MS);
    assert_eq!(
        Breaker::after_fault(Some(&old), Fault::Overload, "", now)
            .expect("closes")
            .consecutive_failures,
        1
    );
}

#[test]
fn closed_then_one_probe_then_a_ramp_then_open() {
    let limit = Fault::Limit { resets_at_secs: Some(at(5_000).secs_ceil()) };
    let breaker = Breaker::after_fault(None, limit, "used up", START).expect("closes");
    assert_eq!(permit(&breaker, at(4_999)), Permit::Closed { until: at(5_000) });
    assert_eq!(permit(&breaker, at(5_000)), Permit::Probe);
    assert_eq!(permit(&breaker, at(50_000)), Permit::Probe, "until one came through");
    let open = Breaker::after_answer(Some(&breaker), at(5_100), at(6_000)).expect("opens");
    let turns: Vec<u64> = (0..20)
        .map(|n| {
            match Breaker::permit(Some(&open), at(6_000), &format!("{n}"), HealthCheck::ProbeFirst)
            {
                Permit::Ramp { from } => from.since(at(6_000)),
                Permit::Open => 0,
                other => panic!("{other:?}"),
            }
        })
        .collect();
    let [early, late] = [turns.iter().min().unwrap(), turns.iter().max().unwrap()];
    assert!(*early < RAMP_MS / 3 && *late > RAMP_MS / 2 && *late < RAMP_MS, "{turns:?}");
    assert_eq!(permit(&open, at(6_000 + RAMP_MS)), Permit::Open);
}

#[test]
fn a_probe_that_fails_closes_for_longer() {
    let past = Fault::Limit { resets_at_secs: Some(START.secs_ceil()) };
    let mut breaker = Breaker::after_fault(None, past, "", START).expect("closes");
    assert_eq!(breaker.until, at(1_000));
    for wait_ms in [15_000, 30_000, 60_000] {
        let now = breaker.until.plus_ms(10);
        breaker = Breaker::after_fault(Some(&breaker), past, "", now).expect("closes");
        assert_eq!(breaker.until.since(now), wait_ms, "{breaker:?}");
    }
}

#[test]
fn only_who_tried_after_the_closing_or_at_its_end_opens_it() {
    let overload = Breaker::after_fault(None, Fault::Overload, "", START).expect("closes");
    assert_eq!(Breaker::after_answer(Some(&overload), at(0), at(100)), None, "it was on its way");
    let open = Breaker::after_answer(Some(&overload), at(50), at(100)).expect("opens");
    assert!(!open.tripped(at(100)) && open.until > at(100));
    let again = Breaker::after_fault(Some(&open), Fault::Overload, "", at(200)).expect("closes");
    assert_eq!((again.consecutive_failures, again.tripped(at(200))), (2, true));
    // At the threshold agents still work; that they do opens nothing.
    let full =
        Breaker::after_usage_window(None, window("allowed_warning", 0.98, at(9_000)), 97, START)
            .unwrap();
    assert_eq!(Breaker::after_answer(Some(&full), at(50), at(100)), None);
    assert!(Breaker::after_answer(Some(&full), at(50), at(9_000)).is_some());
}

#[test]
fn a_warning_slows_a_threshold_stops_and_the_reset_ends_both() {
    let warned =
        Breaker::after_usage_window(None, window("allowed_warning", 0.8, at(60_000)), 97, START)
            .unwrap();
    let Permit::Slow { every_ms } = permit(&warned, at(START_RAMP_MS)) else { panic!() };
    assert!((SLOW_MS / 2..SLOW_MS * 2).contains(&every_ms), "{every_ms}");
    assert_eq!(permit(&warned, at(60_000)), Permit::Open);
    let full = Breaker::after_usage_window(
        Some(&warned),
        window("allowed", 0.974, at(60_000)),
        97,
        at(10),
    )
    .unwrap();
    assert_eq!(permit(&full, at(20)), Permit::Closed { until: at(60_000) });
    assert_eq!(full.why(), "five-hour window 97 %");
    assert_eq!(permit(&full, at(60_000)), Permit::Probe);
    let stop_at_refusal =
        Breaker::after_usage_window(None, window("allowed", 1.0, at(60_000)), 100, START).unwrap();
    assert!(!stop_at_refusal.tripped(START));
    let refused =
        Breaker::after_usage_window(None, window("rejected", 1.0, at(60_000)), 100, START).unwrap();
    assert!(refused.tripped(START));
}

#[test]
fn news_that_say_nothing_new_are_not_written() {
    let first =
        Breaker::after_usage_window(None, window("allowed", 0.2, at(60_000)), 97, START).unwrap();
    assert_eq!(
        Breaker::after_usage_window(Some(&first), window("allowed", 0.2, at(60_000)), 97, at(5)),
        None
    );
    let full =
        Breaker::after_usage_window(Some(&first), window("rejected", 1.0, at(60_000)), 97, at(10))
            .unwrap();
    assert_eq!(
        Breaker::after_usage_window(Some(&full), window("rejected", 1.0, at(60_000)), 97, at(11)),
        None
    );
    // Another window that is not used up does not hide the one that is.
    assert_eq!(
        Breaker::after_usage_window(Some(&full), window("allowed", 0.1, at(90_000)), 97, at(12)),
        None
    );
    assert_eq!(Breaker::after_answer(Some(&first), START, at(1_000)), None);
    assert!(Breaker::after_answer(Some(&first), START, at(HEARD_EVERY_MS)).is_some());
}

#[test]
fn a_log_in_is_checked_by_one_where_nobody_vouches_for_it() {
    let fresh = |health_check| Breaker::permit(None, START, W, health_check);
    assert_eq!(fresh(HealthCheck::ProbeFirst), Permit::Probe);
    assert_eq!(
        (fresh(HealthCheck::Passive), fresh(HealthCheck::None)),
        (Permit::Open, Permit::Open)
    );
    let open = Breaker::after_answer(None, START, START).expect("opens");
    assert_eq!(permit(&open, at(START_RAMP_MS)), Permit::Open);
    assert_eq!(permit(&open, at(FRESH_MS)), Permit::Probe);
    // A clock that was set back is no reason to wait.
    assert_eq!(permit(&open, UnixMs(0)), Permit::Open);
}

#[test]
fn who_says_nothing_has_no_probe() {
    let breaker = Breaker::after_fault(None, Fault::Missing, "", START).expect("closes");
    let permit = |now| Breaker::permit(Some(&breaker), now, W, HealthCheck::None);
    assert!(matches!(permit(at(1)), Permit::Closed { .. }));
    assert_eq!(permit(breaker.until), Permit::Open);
}

#[test]
fn a_breaker_of_an_earlier_version_is_read() {
    let text = r#"{"fault":"limit","detail":"x","until_ms":5,"since_ms":1,"consecutive_failures":1,"new":[]}"#;
    let breaker: Breaker = serde_json::from_str(text).expect("reads");
    assert!(breaker.tripped(UnixMs(4)) && breaker.half_open(UnixMs(5)));
}

#[test]
fn a_breaker_is_closed_by_what_the_policy_says_and_by_nothing_else() {
    let now = UnixMs(1_000_000);
    for fault in Fault::ALL {
        let breaker = Breaker::after_fault(None, fault, "seen", now);
        assert_eq!(breaker.is_some(), fault.policy().breaker, "{fault:?}");
        assert!(breaker.is_none_or(|breaker| breaker.until > now), "{fault:?}");
    }
}
