//! The table: what there is of each kind, what goes, and why.

use std::collections::BTreeMap;

use serde_json::{Value, json as object};

use super::{Fate, Item, Kind};
use crate::shape::columns::{Align, Cell, Table};
use crate::shape::style::{Style, bytes};

/// So many are named of each kind.
const NAMED: usize = 5;

fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Build => "build directories of idle trees",
        Kind::Tree => "idle trees",
        Kind::OrphanTree => "trees of nobody here",
        Kind::Branch => "branches of ended tasks",
        Kind::OrphanBranch => "branches of nobody here",
        Kind::Task => "ended tasks",
        Kind::OrphanRun => "runs of no task",
        Kind::Report => "reports of no task",
        Kind::Journal => "journals of ended processes",
        Kind::Log => "logs",
        Kind::Salvage => "salvages",
        Kind::Live => "waiting, running, in use",
    }
}

/// The same thing is ignored files and a tree; it is named once.
fn size(items: &[&Item]) -> u64 {
    items.iter().map(|item| item.bytes).sum()
}

/// For people.
pub fn text(items: &[Item], style: Style) -> String {
    let mut kinds: BTreeMap<Kind, Vec<&Item>> = BTreeMap::new();
    for item in items {
        kinds.entry(item.kind).or_default().push(item);
    }
    use Align::{Left, Right};
    let mut table = Table::new([Left, Right, Right, Right, Right]);
    let head = |text: &str| Cell::new(text, "1");
    table.row(["WHAT", "THERE", "SIZE", "GOES", "SIZE"].map(head));
    let mut details = String::new();
    for (kind, all) in &kinds {
        let going: Vec<&Item> = all.iter().copied().filter(|item| item.goes()).collect();
        table.row(row(words(*kind), all, &going));
        details.push_str(&named(*kind, all, &going, style));
    }
    let all: Vec<&Item> = items.iter().collect();
    let going: Vec<&Item> = items.iter().filter(|item| item.goes()).collect();
    table.row(row("together", &all, &going));
    format!("{}\n{details}", table.render(style))
}

fn row(what: &str, all: &[&Item], going: &[&Item]) -> [Cell; 5] {
    let sized = |items: &[&Item]| match size(items) {
        0 => "–".to_owned(),
        n => bytes(n),
    };
    let color = if going.is_empty() { "2" } else { "33" };
    [
        Cell::new(what, ""),
        Cell::new(all.len().to_string(), ""),
        Cell::new(sized(all), ""),
        Cell::new(going.len().to_string(), color),
        Cell::new(sized(going), color),
    ]
}

/// A few of those that go, and every reason why others stay.
fn named(kind: Kind, all: &[&Item], going: &[&Item], style: Style) -> String {
    let mut out = String::new();
    let mut section = |title: String, items: &[(&Item, &str)]| {
        out.push_str(&format!("\n{}\n", style.bold(&title)));
        for (item, why) in items.iter().take(NAMED) {
            let name = crate::domain::text::printable(&item.name, false);
            out.push_str(&format!("  {name}  {}\n", style.dim(why)));
        }
        if items.len() > NAMED {
            let more = format!("  and {} more (--json names them all)", items.len() - NAMED);
            out.push_str(&format!("{}\n", style.dim(&more)));
        }
    };
    let why = |item: &Item| match &item.fate {
        Fate::Goes(why) | Fate::Stays(why) => why.clone(),
    };
    let reasons: Vec<String> = all.iter().map(|item| why(item)).collect();
    let with: Vec<(&Item, &str)> =
        all.iter().copied().zip(reasons.iter().map(String::as_str)).collect();
    let (go, stay): (Vec<_>, Vec<_>) = with.into_iter().partition(|(item, _)| item.goes());
    if !going.is_empty() {
        section(format!("{} that go", words(kind)), &go);
    }
    let told: Vec<_> = stay.into_iter().filter(|(_, why)| !why.is_empty()).collect();
    if !told.is_empty() && !matches!(kind, Kind::Log | Kind::Live) {
        section(format!("{} that stay", words(kind)), &told);
    }
    out
}

/// For programs.
pub fn json(items: &[Item], dry_run: bool) -> Value {
    let one = |item: &Item| {
        let (goes, why) = match &item.fate {
            Fate::Goes(why) => (true, why),
            Fate::Stays(why) => (false, why),
        };
        object!({
            "kind": item.kind,
            "name": item.name,
            "bytes": item.bytes,
            "idle_ms": item.idle_ms,
            "goes": goes,
            "why": why,
        })
    };
    let going: Vec<&Item> = items.iter().filter(|item| item.goes()).collect();
    object!({
        "schema": 1,
        "dry_run": dry_run,
        "bytes": size(&items.iter().collect::<Vec<_>>()),
        "goes_bytes": size(&going),
        "items": items.iter().map(one).collect::<Vec<_>>(),
    })
}
