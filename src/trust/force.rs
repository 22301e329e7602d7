//! Which settings were in force last at a root: a copy of the file, beside what is trusted.
//!
//! Written when settings take effect, and only where they differ from the last ones: a root without `swarm.toml` has no
//! record, and needs none. The time of the record is when its file was last seen unchanged.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::store::{TrustStoreError, is_ours, put, state_dir};
use super::{any_path, digest};
use crate::sys::{env, fs};

/// No record is longer, bytes: a settings file of a mebibyte, escaped.
const RECORD_MAX: u64 = 8 << 20;
/// Records of roots that are gone are looked for among so many.
const MOST_SWEPT: usize = 4096;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct InForceRecord {
    schema: u32,
    #[serde(with = "any_path")]
    root: PathBuf,
    content: String,
}

/// What was in force last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LastInForce {
    /// The content of `swarm.toml`.
    pub content: Vec<u8>,
    /// When the file was last seen to be so, nanoseconds since 1970.
    pub seen_at: i128,
}

/// The record of one root.
#[derive(Clone, Debug)]
pub struct SettingsInForce {
    root: PathBuf,
    path: Option<PathBuf>,
}

impl SettingsInForce {
    /// Of this root, which is a path without links.
    pub fn of(root: &Path) -> SettingsInForce {
        use std::os::unix::ffi::OsStrExt;
        let name = digest(root.as_os_str().as_bytes());
        SettingsInForce {
            root: root.to_owned(),
            path: state_dir("in-force").map(|dir| dir.join(name)),
        }
    }

    /// What was in force last; `None` where nothing was, or nobody knows.
    pub fn last(&self) -> Option<LastInForce> {
        let path = self.path.as_deref()?;
        let meta = fs::look(path).ok()??;
        if !env::user().owns(fs::owner(&meta)) || !is_ours(path.parent()?) {
            return None;
        }
        let bytes = fs::read_foreign(path, RECORD_MAX).ok()??;
        let kept: InForceRecord = serde_json::from_slice(&bytes).ok()?;
        let content = kept.content.into_bytes();
        (kept.root == self.root).then(|| LastInForce { content, seen_at: fs::mtime_ns(&meta) })
    }

    /// Notes what takes effect now; `None`: there is no `swarm.toml`.
    pub fn keep(&self, content: Option<&[u8]>) -> Result<(), TrustStoreError> {
        let path = self.path.as_deref().ok_or(TrustStoreError::NoPlace)?;
        let Some(content) = content else {
            fs::unlink(path)?;
            return Ok(());
        };
        let dir = path.parent().ok_or(TrustStoreError::NoPlace)?;
        fs::mkdirs_private(dir)?;
        if !is_ours(dir) {
            return Err(TrustStoreError::Exposed { dir: dir.to_owned() });
        }
        let kept = InForceRecord {
            schema: 1,
            root: self.root.clone(),
            content: String::from_utf8_lossy(content).into_owned(),
        };
        // Left-overs are nobody's reason to stop.
        sweep(dir).ok();
        put(path, &serde_json::to_vec(&kept).expect("a record is plain data"))?;
        Ok(())
    }

    /// Notes that the file is still as it was: what changes later changed after this.
    pub fn seen(&self) -> Result<(), TrustStoreError> {
        let Some(path) = self.path.as_deref() else { return Ok(()) };
        fs::touch(path)?;
        Ok(())
    }
}

/// Records of roots that are gone go, so that temporary ones do not add up.
fn sweep(dir: &Path) -> Result<(), TrustStoreError> {
    for name in fs::list_if_any(dir)?.into_iter().take(MOST_SWEPT) {
        let path = dir.join(name);
        let bytes = fs::read_foreign(&path, RECORD_MAX)?;
        let kept = bytes.and_then(|bytes| serde_json::from_slice::<InForceRecord>(&bytes).ok());
        if kept.is_some_and(|kept| !fs::exists(&kept.root)) {
            fs::unlink(&path)?;
        }
    }
    Ok(())
}
