//! Children seen from outside: what reaches them and how they end.

use super::super::ready;
use super::*;
use crate::domain::settings::limits::Limits;

/// Runs `sh -c SCRIPT` and gives its output and end.
fn sh(script: &str, stdin: &[u8], limits: Limits) -> (Vec<u8>, Option<Exit>) {
    let args = ["-c", script].map(OsString::from);
    let env = [("PATH".into(), std::env::var_os("PATH").unwrap())];
    let order = SpawnRequest {
        program: Path::new("/bin/sh"),
        argv0: OsStr::new("sh"),
        args: &args,
        env: &env,
        cwd: Path::new("/"),
        stdin,
        stderr: File::options().write(true).open("/dev/null").unwrap(),
        death_signal: Signal::SIGKILL,
        rlimits: &super::super::rlimit::plan(&limits).0,
    };
    let mut child = spawn(&order).unwrap();
    let mut out = Vec::new();
    let mut buffer = [0; 4096];
    while child.stdout().is_some() {
        ready::wait([child.stdout()], None).unwrap();
        let count = child.read(&mut buffer);
        out.extend_from_slice(&buffer[..count]);
    }
    ready::wait([Some(child.ended())], None).unwrap();
    (out, child.reap())
}

fn say(script: &str) -> String {
    let (out, exit) = sh(script, b"", Limits::default());
    assert_eq!(exit, Some(Exit::Code(0)));
    String::from_utf8(out).unwrap().trim().to_owned()
}

#[test]
fn ten_megabytes_of_input_are_taken_at_once() {
    let input = vec![b'x'; 10 << 20];
    let (out, exit) = sh("wc -c", &input, Limits::default());
    assert_eq!(String::from_utf8(out).unwrap().trim(), (10 << 20).to_string());
    assert_eq!(exit, Some(Exit::Code(0)));
}

#[test]
fn a_child_that_never_reads_its_input_ends_all_the_same() {
    let input = vec![b'x'; 1 << 20];
    assert_eq!(sh("exit 3", &input, Limits::default()).1, Some(Exit::Code(3)));
}

#[test]
fn a_child_leads_its_own_session_and_inherits_nothing_but_three_descriptors() {
    let leak = File::open("/dev/null").unwrap();
    // As a library would that does not know of close-on-exec.
    use std::os::fd::AsRawFd;
    nix::fcntl::fcntl(&leak, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    assert!(leak.as_raw_fd() > 2);
    assert_eq!(say("for n in $(seq 3 99); do [ -e /proc/$$/fd/$n ] && echo $n; done; true"), "");
    assert_eq!(say("ps -o sid= -p $$ | tr -d ' ' | grep -qx $$ && echo own"), "own");
    assert_eq!(say("env | grep -v -e ^PATH= -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | wc -l"), "0");
}

#[test]
fn signals_have_their_ordinary_meaning_again() {
    super::super::signal::ignore_noise().unwrap();
    for field in ["SigBlk", "SigIgn"] {
        let mask = say(&format!("sed -n 's/^{field}:.//p' /proc/self/status"));
        // The C library keeps 32 and 33 for itself and lets nobody change them.
        assert_eq!(u64::from_str_radix(&mask, 16).unwrap() & 0x7fff_ffff, 0, "{field}: {mask}");
    }
}

#[test]
fn a_signal_and_a_limit_are_told_from_an_exit() {
    assert_eq!(sh("kill -9 $$", b"", Limits::default()).1, Some(Exit::Signal(9)));
    let small = Limits { file_size_bytes: Some(4096), ..Limits::default() };
    let dir = tempfile::tempdir().unwrap();
    let script = format!("exec head -c 9999 /dev/zero > '{}/f'", dir.path().display());
    assert_eq!(sh(&script, b"", small).1, Some(Exit::Signal(libc::SIGXFSZ)));
}

#[test]
fn a_missing_program_and_a_missing_directory_are_told_apart() {
    let missing = |program: &str, cwd: &str| {
        let order = SpawnRequest {
            program: Path::new(program),
            argv0: OsStr::new("x"),
            args: &[],
            env: &[],
            cwd: Path::new(cwd),
            stdin: b"",
            stderr: File::options().write(true).open("/dev/null").unwrap(),
            death_signal: Signal::SIGKILL,
            rlimits: &[],
        };
        spawn(&order).unwrap_err().at
    };
    assert_eq!(missing("/nowhere/agent", "/"), SpawnStep::Program);
    assert_eq!(missing("/etc/passwd", "/"), SpawnStep::Program);
    assert_eq!(missing("/bin/true", "/nowhere"), SpawnStep::Directory);
}

#[test]
fn a_script_without_its_first_line_runs_and_a_nul_byte_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("agent");
    std::fs::write(&script, "echo \"$0 $1\"\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let start = |arg: &str| {
        let args = [OsString::from(arg)];
        spawn(&SpawnRequest {
            program: &script,
            argv0: OsStr::new("agent"),
            args: &args,
            env: &[],
            cwd: dir.path(),
            stdin: b"",
            stderr: File::options().write(true).open("/dev/null").unwrap(),
            death_signal: Signal::SIGKILL,
            rlimits: &[],
        })
    };
    let mut child = start("one two").unwrap();
    let mut buffer = [0; 4096];
    let count = child.read(&mut buffer);
    let said = String::from_utf8_lossy(&buffer[..count]).into_owned();
    assert_eq!(said, format!("{} one two\n", script.display()));
    assert_eq!(child.reap(), Some(Exit::Code(0)));
    assert_eq!(start("a\0b").unwrap_err().at, SpawnStep::Arguments);
    assert_eq!(start(&"x".repeat(1 << 20)).unwrap_err().at, SpawnStep::Arguments);
}
