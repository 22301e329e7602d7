//! The table: what there is of each kind, what goes, and why.

use std::collections::BTreeMap;

use serde_json::{Value, json as object};

use super::{GcDecision, GcItem, GcKind};
use crate::shape::columns::{Align, Cell, Table};
use crate::shape::style::{Style, bytes};

/// So many are named of each kind.
const NAMED: usize = 5;

fn words(kind: GcKind) -> &'static str {
    match kind {
        GcKind::Build => "build directories of idle trees",
        GcKind::Tree => "idle trees",
        GcKind::OrphanTree => "trees of nobody here",
        GcKind::Branch => "branches of ended tasks",
        GcKind::OrphanBranch => "branches of nobody here",
        GcKind::Task => "ended tasks",
        GcKind::OrphanRun => "runs of no task",
        GcKind::Report => "reports of no task",
        GcKind::Journal => "journals of ended processes",
        GcKind::Log => "logs",
        GcKind::Salvage => "salvages",
        GcKind::Live => "waiting, running, in use",
    }
}

/// The same thing is ignored files and a tree; it is named once.
fn size(items: &[&GcItem]) -> u64 {
    items.iter().map(|item| item.bytes).sum()
}

pub fn text(items: &[GcItem], style: Style) -> String {
    let mut kinds: BTreeMap<GcKind, Vec<&GcItem>> = BTreeMap::new();
    for item in items {
        kinds.entry(item.kind).or_default().push(item);
    }
    use Align::{Left, Right};
    let mut table = Table::new([Left, Right, Right, Right, Right]);
    let head = |text: &str| Cell::new(text, "1");
    table.row(["WHAT", "THERE", "SIZE", "GOES", "SIZE"].map(head));
    let mut details = String::new();
    for (kind, all) in &kinds {
        let going: Vec<&GcItem> = all.iter().copied().filter(|item| item.goes()).collect();
        table.row(row(words(*kind), all, &going));
        details.push_str(&named(*kind, all, &going, style));
    }
    let all: Vec<&GcItem> = items.iter().collect();
    let going: Vec<&GcItem> = items.iter().filter(|item| item.goes()).collect();
    table.row(row("together", &all, &going));
    format!("{}\n{details}", table.render(style))
}

fn row(what: &str, all: &[&GcItem], going: &[&GcItem]) -> [Cell; 5] {
    let sized = |items: &[&GcItem]| match size(items) {
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
fn named(kind: GcKind, all: &[&GcItem], going: &[&GcItem], style: Style) -> String {
    let mut out = String::new();
    let mut section = |title: String, items: &[(&GcItem, &str)]| {
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
    let why = |item: &GcItem| match &item.fate {
        GcDecision::Goes(why) | GcDecision::Stays(why) => why.clone(),
    };
    let reasons: Vec<String> = all.iter().map(|item| why(item)).collect();
    let with: Vec<(&GcItem, &str)> =
        all.iter().copied().zip(reasons.iter().map(String::as_str)).collect();
    let (go, stay): (Vec<_>, Vec<_>) = with.into_iter().partition(|(item, _)| item.goes());
    if !going.is_empty() {
        section(format!("{} that go", words(kind)), &go);
    }
    let told: Vec<_> = stay.into_iter().filter(|(_, why)| !why.is_empty()).collect();
    if !told.is_empty() && !matches!(kind, GcKind::Log | GcKind::Live) {
        section(format!("{} that stay", words(kind)), &told);
    }
    out
}

pub fn json(items: &[GcItem], dry_run: bool) -> Value {
    let one = |item: &GcItem| {
        let (goes, why) = match &item.fate {
            GcDecision::Goes(why) => (true, why),
            GcDecision::Stays(why) => (false, why),
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
    let going: Vec<&GcItem> = items.iter().filter(|item| item.goes()).collect();
    object!({
        "schema": 1,
        "dry_run": dry_run,
        "bytes": size(&items.iter().collect::<Vec<_>>()),
        "goes_bytes": size(&going),
        "items": items.iter().map(one).collect::<Vec<_>>(),
    })
}
