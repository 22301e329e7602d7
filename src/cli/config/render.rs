//! The settings for people (TOML with origins) and for programs (JSON).

use std::fmt::Write;

use serde_json::{Value, json};

use super::Loaded;
use super::settings::Setting;
use crate::domain::text::printable;

/// The effective settings as valid TOML; behind each stands where it came from.
pub fn render_config(loaded: &Loaded) -> String {
    let mut out = String::new();
    let mut table = "";
    if let Some(hint) = loaded.standing.hint() {
        let _ = write!(out, "# {}; {hint}\n\n", printable(&loaded.standing.to_string(), false));
    }
    for setting in &loaded.provenance {
        let (of, key) = split(setting);
        if of != table {
            let _ = write!(out, "\n[{of}]\n");
            table = of;
        }
        let origin = &setting.origin;
        let _ = match (&setting.value, key) {
            (Some(value), "root") => writeln!(out, "# root = {}  # from {origin}", literal(value)),
            (Some(value), key) => writeln!(out, "{key} = {}  # from {origin}", literal(value)),
            (None, key) => writeln!(out, "# {key} is not set"),
        };
    }
    out
}

/// The table and the key within it; beside tables of the same name the scalars need their long names.
fn split(setting: &Setting) -> (&str, &str) {
    match setting.key.as_str() {
        "agent" => ("", "default_agent"),
        "rig" => ("", "default_rig"),
        key => key.rsplit_once('.').unwrap_or(("", key)),
    }
}

/// The same for programs: `root` and a list of settings with `key`, `value` (null: not set) and `from`.
pub fn to_json(loaded: &Loaded) -> Value {
    let settings: Vec<Value> = loaded
        .provenance
        .iter()
        .map(|setting| {
            json!({
                "key": setting.key,
                "value": setting.value,
                "from": setting.origin.to_string(),
            })
        })
        .collect();
    json!({
        "schema": 1,
        "root": loaded.config.root.to_string_lossy(),
        "standing": loaded.standing.word(),
        "settings": settings,
    })
}

/// A value in TOML, on one line. Basic strings of TOML are strings of JSON, but for DEL.
pub(super) fn literal(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(literal).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) => {
            let pair = |(key, value)| {
                format!("{} = {}", Value::String(String::clone(key)), literal(value))
            };
            let pairs: Vec<String> = entries.iter().map(pair).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        value => value.to_string().replace('\u{7f}', "\\u007F"),
    }
}
