//! What a new tree takes: of the repository whose trees take most.

use std::path::PathBuf;

use crate::domain::capacity::decision::TreeSize;
use crate::git::checkout_size;

/// What a new tree of the largest of these repositories takes; what is no repository takes nothing.
pub fn largest_checkout(repositories: &[PathBuf]) -> TreeSize {
    let sizes = repositories.iter().map(|path| checkout_size(path));
    sizes.max_by_key(|size| size.bytes).unwrap_or_default()
}
