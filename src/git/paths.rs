//! Paths within a tree: as git prints them, and as people read them.

pub(crate) type TreePath = Vec<u8>;

/// So many names are written out for people.
pub(crate) const NAMED: usize = 5;

pub(crate) fn printed(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == 0).filter(|name| !name.is_empty())
}

/// A few names for people.
pub(crate) fn names(paths: &[TreePath]) -> String {
    let mut list: Vec<String> = paths
        .iter()
        .take(NAMED)
        .map(|path| {
            let text = String::from_utf8_lossy(path);
            let plain = !text.chars().any(|c| c.is_control() || c == ',');
            if plain { text.into_owned() } else { format!("{text:?}") }
        })
        .collect();
    if paths.len() > NAMED {
        list.push(format!("and {} more", paths.len() - NAMED));
    }
    list.join(", ")
}
