//! What came with a clone and is not trusted; and programs that PATH finds in the repository itself.

use std::path::{Path, PathBuf};

use super::finding::Finding;
use crate::domain::trust::TrustState;
use crate::sys::{env, fs};

pub(super) fn examine(settings: &TrustState, waiting: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(hint) = settings.hint() {
        findings.push(Finding::warning("settings", settings.to_string(), hint));
    }
    if let Some(first) = waiting.first() {
        let found = format!(
            "{} in queue/pending came with a clone and will not be taken in: {first}",
            waiting.len()
        );
        findings.push(Finding::warning("tasks", found, "read, then: coordinator trust"));
    }
    findings
}

/// The program of this name, if PATH finds it within the repository around a directory: what a clone brings is not
/// run to ask for its version.
pub(super) fn within_repository(name: &str, root: &Path) -> Option<PathBuf> {
    let found = env::find_program(name)?;
    let top = root.ancestors().find(|dir| fs::exists(&dir.join(".git"))).unwrap_or(root);
    let real = fs::canonical(&found).unwrap_or_else(|_| found.clone());
    (found.starts_with(top) || real.starts_with(top)).then_some(found)
}
