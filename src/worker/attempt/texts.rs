//! Texts that settings name and that are read anew for each attempt: a night is mended without a restart.
//!
//! Invariant: a file of rules that is broken or gone changes nothing; the rules that were read last hold on.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::agent::{failures, instructions};
use crate::domain::settings::config::Config;
use crate::domain::settings::problem::Problem;
use crate::sys::fs::{self, FsError};
use crate::worker::options::Vet;

/// Why a text is not used.
#[derive(Debug)]
pub(super) enum TextError {
    /// It cannot be read.
    Unreadable(FsError),
    /// There is none.
    Absent(PathBuf),
    /// It may not be used, or makes no sense.
    Refused(PathBuf, Problem),
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextError::Unreadable(e) => e.fmt(f),
            TextError::Absent(path) => write!(f, "{}: there is no such file", path.display()),
            TextError::Refused(path, why) => write!(f, "{}: {why}", path.display()),
        }
    }
}

impl std::error::Error for TextError {}

/// The template of the standing instructions.
pub(super) fn template(config: &Config, vet: &Vet) -> Result<Cow<'static, str>, TextError> {
    let Some(path) = &config.instructions else { return Ok(instructions::TEMPLATE.into()) };
    let bytes = read(path, vet)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned().into())
}

/// The operator's own failure rules as they are now.
pub(super) fn read_rules(config: &mut Config, vet: &Vet) -> Result<(), TextError> {
    let Some(path) = &config.failure_rules else { return Ok(()) };
    let bytes = read(path, vet)?;
    let names = config.profiles.keys().map(String::as_str);
    config.own_rules = failures::read(&bytes, names).map_err(|problems| {
        TextError::Refused(path.clone(), problems.into_iter().next().unwrap_or_default())
    })?;
    Ok(())
}

fn read(path: &Path, vet: &Vet) -> Result<Vec<u8>, TextError> {
    let bytes = fs::read_if_any(path).map_err(TextError::Unreadable)?;
    let bytes = bytes.ok_or_else(|| TextError::Absent(path.to_owned()))?;
    vet(path, &bytes).map_err(|why| TextError::Refused(path.to_owned(), why))?;
    Ok(bytes)
}
