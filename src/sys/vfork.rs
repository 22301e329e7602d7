//! Starting a program without copying this process first.
//!
//! `fork` copies the page tables and then every page that either side touches: for a short program that is
//! most of what its start costs. Here the child borrows our memory, and this very thread waits in the
//! kernel, until the program is executed. `posix_spawn` works like that too, but knows neither a
//! parent-death signal nor limits. It may not know what is started, or why.
//!
//! Invariant: between clone and exec the child makes system calls and nothing else. It allocates nothing,
//! takes no lock, cannot panic, and writes only to its own stack and to [`ChildReport`].

use std::ffi::{CString, c_char, c_int, c_void};
use std::os::fd::BorrowedFd;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU8, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::Pid;

use super::cgroup::CgroupEntry;
use super::rlimit::Rlimit;

/// What the child needs on its stack is a few hundred bytes; the rest is for a C library's fancies.
const STACK_BYTES: usize = 32 << 10;

/// Strings for exec: one buffer, and pointers into it.
#[derive(Debug, Default)]
pub(super) struct Strings {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Strings {
    /// Adds one string, given in pieces; refused where a piece holds a NUL byte.
    pub(super) fn push(&mut self, pieces: &[&[u8]]) -> Result<(), Errno> {
        if pieces.iter().any(|piece| piece.contains(&0)) {
            return Err(Errno::EINVAL);
        }
        self.starts.push(self.bytes.len());
        pieces.iter().for_each(|piece| self.bytes.extend_from_slice(piece));
        self.bytes.push(0);
        Ok(())
    }

    /// Pointers to the strings, and a null at the end; good as long as `self` is left alone.
    fn pointers(&self) -> Vec<*const c_char> {
        let strings = self.starts.iter().map(|start| self.bytes[*start..].as_ptr().cast());
        strings.chain([ptr::null()]).collect()
    }
}

/// What to execute, and what the child does to itself before.
#[derive(Debug)]
pub(super) struct ChildPlan<'a> {
    pub(super) program: CString,
    /// From its own name on.
    pub(super) argv: Strings,
    pub(super) env: Strings,
    pub(super) cwd: CString,
    /// Become 0, 1 and 2. Never one of these now: the Rust runtime sees to it that they are open at the start.
    pub(super) stdio: [BorrowedFd<'a>; 3],
    pub(super) death_signal: Signal,
    pub(super) rlimits: &'a [Rlimit],
    pub(super) entrance: &'a CgroupEntry,
}

/// Where the child came to grief.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ChildStage {
    Clone,
    /// Session, limits, signals, descriptors.
    Prepare,
    Directory,
    Exec,
    Cgroup,
}

/// What the child needs, laid out before it exists.
struct ChildMemory<'a> {
    plan: &'a ChildPlan<'a>,
    argv: Vec<*const c_char>,
    /// For a script without `#!`, which the kernel refuses and people expect to run: `sh PROGRAM ARGS`.
    shell_argv: Vec<*const c_char>,
    env: Vec<*const c_char>,
    parent: Pid,
    report: ChildReport,
}

/// The cradle, for a thread that starts the child in our stead.
struct LentMemory<'a>(&'a ChildMemory<'a>);

#[expect(unsafe_code, reason = "the pointers in it keep it from being sent by itself")]
// SAFETY: they point to memory that nobody changes, and this thread waits until the other is done with it.
unsafe impl Send for LentMemory<'_> {}

impl<'a> LentMemory<'a> {
    fn get(&self) -> &'a ChildMemory<'a> {
        self.0
    }
}

/// Written by the child, read by us once it has executed the program or ended: 0 is success.
#[derive(Default)]
struct ChildReport {
    errno: AtomicI32,
    stage: AtomicU8,
}

/// Starts the program. The caller owes a wait for the child.
pub(super) fn start(plan: &ChildPlan<'_>) -> Result<Pid, (ChildStage, Errno)> {
    let argv = plan.argv.pointers();
    let mut shell_argv = vec![c"sh".as_ptr(), plan.program.as_ptr()];
    shell_argv.extend(&argv[1..]);
    let env = plan.env.pointers();
    let parent = nix::unistd::getpid();
    let cradle =
        ChildMemory { plan, argv, shell_argv, env, parent, report: ChildReport::default() };
    // A handler of ours must not run in the child: it would act on our memory.
    let mask = SigSet::all()
        .thread_swap_mask(SigmaskHow::SIG_SETMASK)
        .map_err(|errno| (ChildStage::Clone, errno))?;
    let lent = LentMemory(&cradle);
    let pid = match &plan.entrance.spawner {
        None => clone_and_wait(&cradle),
        Some(spawner) => spawner.run(move || clone_and_wait(lent.get())),
    };
    let restored = mask.thread_set_mask();
    let pid = pid.map_err(|errno| (ChildStage::Clone, errno))?;
    debug_assert!(restored.is_ok(), "the mask was in force before");
    let errno = cradle.report.errno.load(Ordering::SeqCst);
    if errno == 0 {
        return Ok(pid);
    }
    while nix::sys::wait::waitpid(pid, None) == Err(Errno::EINTR) {}
    let stage = match cradle.report.stage.load(Ordering::SeqCst) {
        2 => ChildStage::Directory,
        3 => ChildStage::Exec,
        4 => ChildStage::Cgroup,
        _ => ChildStage::Prepare,
    };
    Err((stage, Errno::from_raw(errno)))
}

#[expect(
    unsafe_code,
    reason = "there is no safe way to run code in a child that borrows our memory"
)]
fn clone_and_wait(cradle: &ChildMemory<'_>) -> Result<Pid, Errno> {
    let mut stack: Vec<u128> = Vec::with_capacity(STACK_BYTES / size_of::<u128>());
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    let data: *const ChildMemory<'_> = cradle;
    // SAFETY: the stack is ours alone, large enough and aligned (by its type); it and the cradle outlive the
    // child's use of them, because CLONE_VFORK holds this thread until the child has executed or ended.
    // The child shares our memory and this thread's C library state, which this thread meanwhile does not
    // use; it runs `child` only, which keeps to system calls. Signals are blocked, so no handler runs there.
    // Should this process be killed meanwhile, the memory lives on until the child lets go of it.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(stack.capacity());
        libc::clone(child, top.cast(), flags, data.cast_mut().cast())
    };
    Errno::result(pid).map(Pid::from_raw)
}

/// The child's whole life until exec.
#[expect(
    unsafe_code,
    reason = "the C library hands over an untyped pointer; `_exit` is not in std"
)]
extern "C" fn child(data: *mut c_void) -> c_int {
    // SAFETY: this is the cradle that `clone_and_wait` passed; its thread waits, so it lives and is only read
    // (but for the report, which is atomic).
    let cradle = unsafe { &*data.cast::<ChildMemory<'_>>() };
    let (stage, errno) = match enter(cradle)
        .map_err(|errno| (4, errno))
        .and_then(|()| prepare(cradle).map_err(|errno| (1, errno)))
    {
        Err(failed) => failed,
        Ok(()) => match nix::unistd::chdir(cradle.plan.cwd.as_c_str()) {
            Err(errno) => (2, errno),
            Ok(()) => (3, execute(cradle)),
        },
    };
    cradle.report.stage.store(stage, Ordering::SeqCst);
    cradle.report.errno.store(errno as i32, Ordering::SeqCst);
    // SAFETY: ends the child without the handlers of `exit`, which are its parent's.
    unsafe { libc::_exit(127) }
}

/// Into the control group, before there is anything that could be outside of it.
fn enter(cradle: &ChildMemory<'_>) -> Result<(), Errno> {
    for door in cradle.plan.entrance.admission.iter() {
        // Zero is whoever writes it.
        nix::unistd::write(door, b"0")?;
    }
    Ok(())
}

fn prepare(cradle: &ChildMemory<'_>) -> Result<(), Errno> {
    let ChildPlan { stdio: [stdin, stdout, stderr], death_signal, rlimits, .. } = cradle.plan;
    nix::unistd::setsid()?;
    nix::sys::prctl::set_pdeathsig(*death_signal)?;
    if nix::unistd::getppid() != cradle.parent {
        // It died before the line above: nobody would ever stop this child.
        return Err(Errno::EPIPE);
    }
    for limit in *rlimits {
        nix::sys::resource::setrlimit(limit.resource, limit.soft, limit.hard)?;
    }
    nix::unistd::dup2_stdin(stdin)?;
    nix::unistd::dup2_stdout(stdout)?;
    nix::unistd::dup2_stderr(stderr)?;
    close_on_exec();
    default_signals()
}

/// Gives signals their default meaning, which a shell, `nohup` or we ourselves may have changed for good,
/// and lets all of them through.
#[expect(unsafe_code, reason = "nix marks sigaction unsafe")]
fn default_signals() -> Result<(), Errno> {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler};
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    for signal in Signal::iterator() {
        // SAFETY: the default action runs no code of ours. KILL and STOP refuse, having no other.
        let _ = unsafe { nix::sys::signal::sigaction(signal, &default) };
    }
    nix::sys::signal::sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
}

/// Marks every descriptor from 3 up to be closed by exec: libraries may have opened one without the mark.
#[expect(unsafe_code, reason = "nix does not wrap close_range")]
fn close_on_exec() {
    // SAFETY: three integers; with CLOEXEC it closes nothing by itself. A kernel that does not know it
    // (before 5.11) changes nothing, and what Rust opens carries the mark anyway.
    unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}

/// Becomes the program; returns only where that failed.
#[expect(unsafe_code, reason = "nix's exec allocates, which this child may not")]
fn execute(cradle: &ChildMemory<'_>) -> Errno {
    let env = cradle.env.as_ptr();
    // SAFETY: each array ends with a null and points to strings that end with a NUL; all of them live as long
    // as the cradle.
    unsafe { libc::execve(cradle.plan.program.as_ptr(), cradle.argv.as_ptr(), env) };
    let errno = Errno::last();
    if errno == Errno::ENOEXEC {
        // SAFETY: as above.
        unsafe { libc::execve(c"/bin/sh".as_ptr(), cradle.shell_argv.as_ptr(), env) };
    }
    errno
}
