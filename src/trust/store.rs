//! What the user trusts: a file of its own for each place and content, in the user's state directory.
//!
//! `${XDG_STATE_HOME:-~/.local/state}/swarmdir/trust/DIGEST`, DIGEST being of the absolute path and the content. Invariant:
//! a record counts only if this user owns it and the directory, and nobody else may write there.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{any_path, digest};
use crate::domain::time::UnixMs;
use crate::sys::fs::{self, FsError};
use crate::sys::{clock, env, random};

/// No record is longer, bytes.
const RECORD_MAX: u64 = 1 << 20;

/// One thing that the user trusts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TrustRecord {
    pub schema: u32,
    /// The file's absolute path.
    #[serde(with = "any_path")]
    pub place: PathBuf,
    /// The SHA-256 of its content, in hex.
    pub sha256: String,
    /// When the user said so.
    #[serde(rename = "at_ms")]
    pub at: UnixMs,
}

/// Why trust cannot be kept.
#[derive(Debug)]
pub enum TrustStoreError {
    /// Neither `XDG_STATE_HOME` nor `HOME` says where.
    NoPlace,
    /// Somebody else could write there.
    Exposed {
        dir: PathBuf,
    },
    Fs(FsError),
}

impl fmt::Display for TrustStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrustStoreError::NoPlace => {
                f.write_str("neither XDG_STATE_HOME nor HOME says where to keep what is trusted")
            }
            TrustStoreError::Exposed { dir } => {
                write!(f, "others than you own {dir:?} or may write there")
            }
            TrustStoreError::Fs(e) => write!(f, "what is trusted cannot be kept: {e}"),
        }
    }
}

impl std::error::Error for TrustStoreError {}

impl From<FsError> for TrustStoreError {
    fn from(e: FsError) -> TrustStoreError {
        TrustStoreError::Fs(e)
    }
}

#[derive(Clone, Debug)]
pub struct TrustStore {
    dir: Option<PathBuf>,
}

/// Where this program keeps what is the user's and no project's.
pub(super) fn state_dir(part: &str) -> Option<PathBuf> {
    let given = env::var("XDG_STATE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let home = || env::home().filter(|dir| dir.is_absolute()).map(|dir| dir.join(".local/state"));
    given.or_else(home).map(|dir| dir.join("swarmdir").join(part))
}

/// Whether a directory is this user's alone to write to.
pub(super) fn is_ours(dir: &Path) -> bool {
    let meta = fs::look(dir).ok().flatten();
    meta.is_some_and(|m| m.is_dir() && env::user().owns(fs::owner(&m)) && fs::is_private(&m))
}

/// Replaces a private file whole.
pub(super) fn put(path: &Path, bytes: &[u8]) -> Result<(), FsError> {
    let staged = path.with_extension(format!("{:016x}", random::number()));
    fs::create_private(&staged, bytes)?;
    // The staged name was ours alone, so it was there.
    let _ = fs::rename(&staged, path)?;
    Ok(())
}

impl TrustStore {
    pub fn here() -> TrustStore {
        TrustStore { dir: state_dir("trust") }
    }

    /// Whether this content is trusted at this place.
    pub fn holds(&self, place: &Path, sha256: &str) -> bool {
        let Some(dir) = self.dir.as_deref() else { return false };
        let name = name(place, sha256);
        read(&dir.join(&name))
            .is_some_and(|record| record.place == place && record.sha256 == sha256 && is_ours(dir))
    }

    /// Remembers that it is; false where it was before.
    pub fn grant(&self, place: &Path, sha256: &str) -> Result<bool, TrustStoreError> {
        if self.holds(place, sha256) {
            return Ok(false);
        }
        let dir = self.dir.as_deref().ok_or(TrustStoreError::NoPlace)?;
        fs::mkdirs_private(dir)?;
        if !is_ours(dir) {
            return Err(TrustStoreError::Exposed { dir: dir.to_owned() });
        }
        let record = TrustRecord {
            schema: 1,
            place: place.to_owned(),
            sha256: sha256.to_owned(),
            at: clock::now(),
        };
        let bytes = serde_json::to_vec_pretty(&record).expect("a record is plain data");
        put(&dir.join(name(place, sha256)), &bytes)?;
        Ok(true)
    }

    /// Everything below a directory that is trusted, by place.
    pub fn list(&self, root: &Path) -> Result<Vec<TrustRecord>, TrustStoreError> {
        let Some(dir) = self.dir.as_deref() else { return Ok(Vec::new()) };
        let names = fs::list_if_any(dir)?;
        let records = names.iter().filter_map(|name| read(&dir.join(name)));
        let mut records: Vec<TrustRecord> = records.filter(|r| r.place.starts_with(root)).collect();
        records.sort_by(|a, b| (&a.place, a.at).cmp(&(&b.place, b.at)));
        Ok(records)
    }

    pub fn revoke(&self, record: &TrustRecord) -> Result<bool, TrustStoreError> {
        let Some(dir) = self.dir.as_deref() else { return Ok(false) };
        Ok(fs::unlink(&dir.join(name(&record.place, &record.sha256)))?)
    }
}

/// The name of a record's file.
fn name(place: &Path, sha256: &str) -> String {
    use std::os::unix::ffi::OsStrExt;
    // No path holds a NUL.
    digest(&[place.as_os_str().as_bytes(), b"\0", sha256.as_bytes()].concat())
}

fn read(path: &Path) -> Option<TrustRecord> {
    let meta = fs::look(path).ok()??;
    if !env::user().owns(fs::owner(&meta)) {
        return None;
    }
    serde_json::from_slice(&fs::read_foreign(path, RECORD_MAX).ok()??).ok()
}
