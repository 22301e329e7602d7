//! The table: what, ours, the other's, the ratio, the aim, whether it is met.

/// One comparison.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) ours: String,
    pub(crate) peer: String,
    pub(crate) ratio: Option<f64>,
    pub(crate) aim: String,
    pub(crate) ok: Option<bool>,
}

impl Row {
    /// Rates (more is better), with the ratio to reach, if any.
    pub(crate) fn rates(
        what: &str,
        unit: &str,
        ours: f64,
        peer: (&str, f64),
        aim: Option<f64>,
    ) -> Row {
        let ratio = ours / peer.1;
        Row {
            what: what.into(),
            ours: format!("{} {unit}", number(ours)),
            peer: format!("{} {}", peer.0, number(peer.1)),
            ratio: Some(ratio),
            aim: aim.map_or_else(String::new, |aim| format!("≥ {aim} ×")),
            ok: aim.map(|aim| ratio >= aim),
        }
    }

    /// A value with a bound of its own.
    pub(crate) fn value(what: &str, ours: f64, unit: &str, aim: &str, ok: Option<bool>) -> Row {
        Row {
            what: what.into(),
            ours: format!("{} {unit}", number(ours)),
            peer: String::new(),
            ratio: None,
            aim: aim.into(),
            ok,
        }
    }

    /// A contender that is not here.
    pub(crate) fn skipped(what: &str, peer: &str) -> Row {
        eprintln!("!!! {peer} is not installed: SKIPPED");
        Row {
            what: what.into(),
            ours: String::new(),
            peer: format!("{peer}: NOT INSTALLED"),
            ratio: None,
            aim: String::new(),
            ok: None,
        }
    }
}

fn number(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 0.1 => format!("{v:.2}"),
        v => format!("{v:.3}"),
    }
}

/// Aligned columns, also good as Markdown.
pub(crate) fn render(rows: &[Row]) -> String {
    let head = ["what", "ours", "peer", "ratio", "aim", "ok"].map(str::to_owned);
    let mut lines = vec![head];
    for row in rows {
        let ratio = row.ratio.map_or_else(String::new, |ratio| format!("{} ×", number(ratio)));
        let ok = row.ok.map_or("", |ok| if ok { "ok" } else { "—" }).to_owned();
        lines.push([
            row.what.clone(),
            row.ours.clone(),
            row.peer.clone(),
            ratio,
            row.aim.clone(),
            ok,
        ]);
    }
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap();
    let widths: Vec<usize> = (0..6).map(width).collect();
    let mut text = String::new();
    for (n, line) in lines.iter().enumerate() {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text += &format!("| {} |\n", cells.join(" | "));
        if n == 0 {
            let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            text += &format!("| {} |\n", rule.join(" | "));
        }
    }
    text
}
