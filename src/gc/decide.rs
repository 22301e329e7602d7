//! What goes: by age, by count, by bytes. Pure.

use super::{GcDecision, GcItem, GcKind, GcRules, GcTarget};

const DAY_MS: u64 = 86_400_000;

/// Decides about all that the survey left open.
pub fn decide(mut items: Vec<GcItem>, rules: &GcRules) -> Vec<GcItem> {
    by_kind_and_age(&mut items, rules);
    by_count(&mut items, rules);
    by_bytes(&mut items, rules);
    with_their_trees(&mut items);
    items.sort_by(|a, b| (a.kind, b.idle_ms, &a.name).cmp(&(b.kind, a.idle_ms, &b.name)));
    items
}

fn open(item: &GcItem) -> bool {
    item.fate == GcDecision::Stays(String::new())
}

fn idle_for(ms: u64) -> String {
    let units = [(DAY_MS, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second")];
    let (unit, word) =
        units.into_iter().find(|(unit, _)| ms >= *unit).unwrap_or((1, "millisecond"));
    let s = if ms / unit == 1 { "" } else { "s" };
    format!("idle for {} {word}{s}", ms / unit)
}

fn by_kind_and_age(items: &mut [GcItem], rules: &GcRules) {
    let oldest = u64::from(rules.keep.days) * DAY_MS;
    for item in items.iter_mut().filter(|item| open(item)) {
        let flag = match item.kind {
            GcKind::OrphanTree | GcKind::OrphanBranch | GcKind::OrphanRun if !rules.orphans => {
                Some("nobody's; goes with --orphans")
            }
            GcKind::Salvage if !rules.salvages => Some("goes with --salvages only"),
            GcKind::Live => Some("in use"),
            _ => None,
        };
        if let Some(flag) = flag {
            item.fate = GcDecision::Stays(flag.to_owned());
        } else if item.idle_ms >= oldest {
            item.fate = GcDecision::Goes(idle_for(item.idle_ms));
        }
    }
}

fn by_count(items: &mut [GcItem], rules: &GcRules) {
    let most = rules.keep.count as usize;
    for kind in [GcKind::Task, GcKind::Journal] {
        let mut all: Vec<&mut GcItem> = items.iter_mut().filter(|item| item.kind == kind).collect();
        all.sort_by_key(|item| item.idle_ms);
        for item in all.into_iter().skip(most).filter(|item| open(item)) {
            item.fate = GcDecision::Goes(format!("more than {most}"));
        }
    }
}

/// What may go for room: build directories first, then the oldest of the rest.
fn by_bytes(items: &mut [GcItem], rules: &GcRules) {
    let Some(most) = rules.keep.bytes else { return };
    let mut total: u64 = items.iter().filter(|item| !item.goes()).map(|item| item.bytes).sum();
    let may = |item: &&mut GcItem| {
        open(item)
            && matches!(item.kind, GcKind::Build | GcKind::Tree | GcKind::Task | GcKind::Journal)
    };
    let mut all: Vec<&mut GcItem> = items.iter_mut().filter(may).collect();
    all.sort_by_key(|item| (item.kind != GcKind::Build, std::cmp::Reverse(item.idle_ms)));
    for item in all {
        if total <= most {
            return;
        }
        total = total.saturating_sub(item.bytes);
        item.fate = GcDecision::Goes("all together is too much".to_owned());
    }
}

/// What is ignored in a tree goes with it, whatever was decided about it alone.
fn with_their_trees(items: &mut [GcItem]) {
    let gone: Vec<(GcTarget, String)> = items
        .iter()
        .filter_map(|item| match (&item.fate, item.kind) {
            (GcDecision::Goes(why), GcKind::Tree) => Some((item.target.clone(), why.clone())),
            _ => None,
        })
        .collect();
    for item in items.iter_mut().filter(|item| item.kind == GcKind::Build) {
        if let Some((_, why)) = gone.iter().find(|(target, _)| *target == item.target) {
            item.fate = GcDecision::Goes(why.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::settings::retention::Keep;

    fn item(kind: GcKind, days: u64, bytes: u64) -> GcItem {
        GcItem {
            kind,
            name: format!("{kind:?}{days}"),
            bytes,
            idle_ms: days * DAY_MS,
            target: GcTarget::File(format!("{kind:?}{days}").into()),
            fate: GcDecision::Stays(String::new()),
        }
    }

    fn going(items: Vec<GcItem>, keep: Keep, orphans: bool) -> Vec<String> {
        let rules = GcRules { keep, orphans, salvages: false };
        let decided = decide(items, &rules);
        decided.into_iter().filter(GcItem::goes).map(|item| item.name).collect()
    }

    const ALL: Keep = Keep { days: 30, count: 100, bytes: None };

    #[test]
    fn by_age_the_old_goes_but_nothing_that_needs_a_flag() {
        let all = || {
            use GcKind::*;
            [Task, Tree, OrphanBranch, Salvage, Live, Journal]
                .into_iter()
                .flat_map(|kind| [item(kind, 29, 1), item(kind, 30, 1)])
                .collect::<Vec<_>>()
        };
        assert_eq!(going(all(), ALL, false), ["Tree30", "Task30", "Journal30"]);
        assert_eq!(going(all(), ALL, true), ["Tree30", "OrphanBranch30", "Task30", "Journal30"]);
    }

    #[test]
    fn by_count_the_newest_stay() {
        let tasks = (1..=4).map(|days| item(GcKind::Task, days, 1)).collect();
        assert_eq!(going(tasks, Keep { count: 2, ..ALL }, false), ["Task4", "Task3"]);
    }

    #[test]
    fn for_room_build_directories_go_first_then_the_oldest() {
        let all = || {
            let build = [item(GcKind::Build, 1, 50), item(GcKind::Build, 2, 50)];
            let rest =
                [item(GcKind::Task, 9, 10), item(GcKind::Tree, 5, 10), item(GcKind::Live, 20, 5)];
            build.into_iter().chain(rest).collect::<Vec<_>>()
        };
        let at = |bytes| going(all(), Keep { bytes: Some(bytes), ..ALL }, false);
        assert_eq!(at(200), Vec::<String>::new());
        assert_eq!(at(100), ["Build2"]);
        assert_eq!(at(20), ["Build2", "Build1", "Task9"]);
        assert_eq!(at(0), ["Build2", "Build1", "Tree5", "Task9"], "never what lives");
    }
}
