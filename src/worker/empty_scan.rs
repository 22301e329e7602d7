//! The back-off after a scan of `ready/` that found nothing but tasks of closed accounts.
//!
//! Such a scan reads the record of every task, which with very many must not be done again and again all night. Pure:
//! the caller brings clocks and the directory's stamp.

/// Fruitless scans take at most one part in so many of a worker's time.
const SCAN_SHARE: u64 = 20;
/// File systems tell changes apart only so finely, with much to spare, nanoseconds.
const YOUNG_NS: i128 = 2_000_000_000;

/// A scan that found nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct EmptyScan {
    /// `ready/` as it was; `None` where a later change could have the same stamp.
    stamp: Option<i128>,
    /// When the next one may begin (monotonic milliseconds).
    again_at_ms: u64,
    /// The accounts that were closed.
    closed: Vec<String>,
}

impl EmptyScan {
    /// After a scan that began with this stamp and ended now. A stamp that is young says nothing.
    pub(super) fn ended(
        closed: Vec<String>,
        stamp: i128,
        (began_ms, now_ms): (u64, u64),
        wall_ns: i128,
    ) -> EmptyScan {
        let stamp = (wall_ns - stamp >= YOUNG_NS).then_some(stamp);
        let again_at_ms = now_ms + now_ms.saturating_sub(began_ms) * SCAN_SHARE;
        EmptyScan { stamp, again_at_ms, closed }
    }

    /// Whether another scan would find the same, or would come too soon.
    pub(super) fn holds(
        &self,
        closed: &[String],
        now_ms: u64,
        stamp: impl FnOnce() -> Option<i128>,
    ) -> bool {
        closed == self.closed
            && (now_ms < self.again_at_ms || (self.stamp.is_some() && stamp() == self.stamp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fruitless_scan_is_not_repeated_before_something_changed() {
        let closed = || vec!["claude".to_owned()];
        let old = 10 * YOUNG_NS;
        // It took 10 ms: 200 ms of rest.
        let scan = |stamp| EmptyScan::ended(closed(), stamp, (990, 1_000), old + YOUNG_NS);
        let settled = scan(old);
        let young = scan(old + 1);
        for (scan, accounts, now_ms, stamp, holds, case) in [
            (&settled, closed(), 1_100, Some(old + 5), true, "too soon, whatever changed"),
            (&settled, closed(), 1_200, Some(old), true, "rested, and nothing changed"),
            (&settled, closed(), 1_200, Some(old + 5), false, "rested, and something came"),
            (&settled, closed(), 1_200, None, false, "rested, and nobody can tell"),
            (&settled, vec![], 1_100, Some(old), false, "an account opened"),
            (&young, closed(), 1_100, Some(old + 1), true, "too soon"),
            (&young, closed(), 1_200, Some(old + 1), false, "a later change may bear this stamp"),
        ] {
            assert_eq!(scan.holds(&accounts, now_ms, || stamp), holds, "{case}");
        }
        let young_and_unknown = young.holds(&closed(), 1_200, || None);
        assert!(!young_and_unknown, "what says nothing is not the same as what cannot be read");
    }
}
