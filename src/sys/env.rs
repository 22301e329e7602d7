//! The process's own environment and surroundings.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::domain::trust::User;

/// A variable as text; unset, empty and not UTF-8 are all `None`.
pub fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// All variables.
pub fn all() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

/// The directory that this process was started in.
pub fn current_dir() -> std::io::Result<PathBuf> {
    std::env::current_dir()
}

/// The user's home directory.
pub fn home() -> Option<PathBuf> {
    var("HOME").map(PathBuf::from)
}

/// This program's file.
pub fn current_exe() -> std::io::Result<PathBuf> {
    std::env::current_exe()
}

/// Where a program is found: as it is when it holds a slash, else along PATH. What PATH names relative to the current
/// directory (`.`, `bin`) is passed over: there anybody's repository may bring a program of that name.
pub fn find_program(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| super::fs::is_executable(path));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|candidate| super::fs::is_executable(candidate))
}

/// Who runs this process, and who became root by `sudo` to do so.
pub fn user() -> User {
    let sudo_uid = var("SUDO_UID").and_then(|uid| uid.parse().ok());
    User { uid: nix::unistd::geteuid().as_raw(), sudo_uid }
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Whether standard output is a terminal.
pub fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// How many columns the terminal on standard output has; `None` where it is none, or does not tell.
#[expect(unsafe_code, reason = "nix has no call for the size of a terminal")]
pub fn stdout_columns() -> Option<usize> {
    use nix::libc::{STDOUT_FILENO, TIOCGWINSZ, ioctl, winsize};
    let mut size = winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the call fills in a structure of ours, which outlives it.
    let answer = unsafe { ioctl(STDOUT_FILENO, TIOCGWINSZ, &raw mut size) };
    (answer == 0 && size.ws_col > 0).then(|| usize::from(size.ws_col))
}

/// Whether standard error is a terminal.
pub fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Processors that this process may use, at least 1.
pub fn cores() -> usize {
    // Asking reads several files of the control groups; the answer hardly changes while we live.
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}
