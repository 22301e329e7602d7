//! Finding keys in the tree of `swarm.toml`.

use crate::form::{Node, NodeEntry, Value};

/// The entries that may be meant by a dotted scalar key: `agent` and `rig` have a second name.
pub(super) fn scalars<'a>(
    file: &'a Node,
    key: &'static str,
) -> impl Iterator<Item = &'a NodeEntry> {
    let (tables, last) = key.rsplit_once('.').map_or(("", key), |(tables, last)| (tables, last));
    let mut node = Some(file);
    for table in tables.split('.').filter(|table| !table.is_empty()) {
        node = node
            .and_then(|node| entries(node).iter().find(|entry| entry.key == table))
            .map(|e| &e.node);
    }
    let both = matches!(key, "agent" | "rig");
    node.map_or(&[][..], entries).iter().filter(move |entry| {
        let table = matches!(entry.node.value, Value::Map(_));
        entry.key == last && !(both && table)
            || both && entry.key.strip_prefix("default_") == Some(last)
    })
}

/// The entries of a name that are tables.
pub(super) fn tables<'a>(
    file: &'a Node,
    name: &'static str,
) -> impl Iterator<Item = &'a NodeEntry> {
    let is_table = |entry: &&NodeEntry| matches!(entry.node.value, Value::Map(_));
    entries(file).iter().filter(move |entry| entry.key == name).filter(is_table)
}

/// A table's entries; of anything else none.
pub(super) fn entries(node: &Node) -> &[NodeEntry] {
    match &node.value {
        Value::Map(entries) => entries,
        _ => &[],
    }
}
