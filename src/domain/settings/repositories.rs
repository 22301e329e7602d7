//! Settings of repositories: `[rig.NAME]`. Pure.

use std::path::PathBuf;

/// One `[rig.NAME]`: a repository.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RigProfile {
    /// The checkout (or bare repository).
    pub path: PathBuf,
    /// Its own setup command instead of the general one.
    pub setup: Option<Vec<String>>,
}
