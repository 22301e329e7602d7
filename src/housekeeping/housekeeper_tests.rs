//! Whose turn it is, and how often whoever stands by looks.

use super::*;

#[test]
fn whoever_leads_makes_every_pass_and_the_others_one_in_a_while() {
    for (leads, since_ms, leaves_it) in [
        (true, 0, false),
        (true, 60_000, false),
        (false, 0, true),
        (false, 29_999, true),
        (false, 30_000, false),
    ] {
        assert_eq!(leaves_it_to_another(leads, since_ms), leaves_it, "{leads} {since_ms}");
    }
}

#[test]
fn the_more_workers_there_are_the_more_rarely_each_looks_for_the_lost() {
    for (workers, least_ms) in [(0, 5_000), (3, 5_000), (4, 10_000), (10, 25_000), (64, 25_000)] {
        assert_eq!(suspicion_ms(workers, |_| 0), least_ms, "{workers}");
        assert_eq!(suspicion_ms(workers, |sides| sides - 1), least_ms + 4_999, "{workers}");
    }
}
