//! Deleting refs. It may not know what they stand for.
//!
//! Invariant: what is told as gone is gone, whoever held git's locks meanwhile.

use std::path::Path;

use git2::{ErrorCode, Oid, Repository};

use super::error::Result;
use super::patience::patiently;

/// Deletes the ref of this name, if it is at `tip` (wherever it is, without one). False: it is elsewhere by now.
pub(crate) fn delete(
    doing: &'static str,
    common: &Path,
    name: &str,
    tip: Option<Oid>,
) -> Result<bool> {
    patiently(doing, common, || {
        // Opened for each try: libgit2 forgets a packed ref before it writes, and where it cannot write, since somebody
        // packs refs, it takes the ref for gone from then on.
        let git = Repository::open_bare(common)?;
        let mut reference = match git.find_reference(name) {
            Ok(reference) => reference,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(true),
            Err(error) => return Err(error),
        };
        if tip.is_some() && reference.target() != tip {
            return Ok(false);
        }
        // It fails where somebody moved the ref since it was looked up.
        match reference.delete() {
            Err(error) if error.code() == ErrorCode::Modified => Ok(false),
            other => other.map(|()| true),
        }
    })
}
