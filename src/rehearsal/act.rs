//! Playing the script. Signals end it as they end claude: INT with a result, TERM without.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::json;

use super::script::{Directive, Finale, Scripted};
use super::service::Service;
use super::stream::{ServiceError, StreamWriter};
use crate::sys;
use crate::sys::process::Signal as Unix;
use crate::sys::signal::Signal;

/// As claude beats while a command runs.
const HEARTBEAT_MS: u64 = 30_000;

/// It ends now, with this code.
pub(super) struct End(u8);

pub(super) type Step = Result<(), End>;

pub(super) struct Actor<'a> {
    pub(super) stream: StreamWriter<'a>,
    pub(super) service: Option<Service>,
    signals: Receiver<Signal>,
    ignores_signals: bool,
    said: String,
}

impl<'a> Actor<'a> {
    pub(super) fn new(stream: StreamWriter<'a>, service: Option<Service>) -> Actor<'a> {
        let (sender, signals) = channel();
        // Without the thread it is one that dies of its signals, which will do.
        let _ = sys::signal::listen(&sys::signal::ORDERS, move |signal| {
            let _ = sender.send(signal);
        });
        Actor { stream, service, signals, ignores_signals: false, said: "done".into() }
    }

    pub(super) fn play(&mut self, script: impl Iterator<Item = Scripted>) -> u8 {
        let mut script = script.map(|line| line.directive).peekable();
        if script.peek() != Some(&Directive::End(Finale::Silent)) {
            self.stream.init();
        }
        for directive in script {
            if let Err(End(code)) = self.pause(0).and_then(|()| self.act(directive)) {
                return code;
            }
        }
        let said = std::mem::take(&mut self.said);
        self.stream.result(&said, None);
        0
    }

    pub(super) fn misunderstood(&mut self, text: &str) -> u8 {
        self.stream.init();
        self.stream.result("", Some(("error_during_execution", text)));
        1
    }

    fn act(&mut self, directive: Directive) -> Step {
        match directive {
            Directive::Write { file, text, append } => return self.write(&file, &text, append),
            Directive::Commit(message) => return self.commit(&message),
            Directive::Step { name, tokens, ms } => return self.step(&name, tokens, ms),
            Directive::Sh(command) => return self.run("sh", &["-c", &command], &command),
            Directive::Think { ms } => return self.pause(ms),
            Directive::Sleep { ms } => return self.sleep(ms),
            Directive::Env { name, file } => return self.env(&name, file.as_deref()),
            Directive::Say(text) => self.say(text),
            Directive::Heartbeat => self.stream.heartbeat(30),
            Directive::Retry { ms } => self.stream.retry(ms),
            Directive::Cost(usd) => self.stream.bill.cost_usd = usd,
            Directive::Tokens { input, output } => {
                self.stream.bill.input_tokens = input;
                self.stream.bill.output_tokens = output;
            }
            Directive::Turns(turns) => self.stream.bill.turns = turns,
            Directive::Deny(tool) => self.stream.deny(&tool),
            Directive::Fork { ms, own_session } => self.leave(ms, own_session),
            Directive::IgnoreTerm => self.ignores_signals = true,
            Directive::BigLine { bytes } => self.stream.raw(&vec![b'x'; bytes]),
            Directive::Garbage => self.stream.raw(b"{\"type\":\nnot json \xff\xfe\n[1,2"),
            Directive::End(finale) => return self.end(finale),
        }
        Ok(())
    }

    fn say(&mut self, text: String) {
        self.stream.say(&text);
        self.said = text;
    }

    pub(super) fn end(&mut self, finale: Finale) -> Step {
        let (kind, detail, status, text) = match finale {
            Finale::Limit { ms } => {
                self.stream.rejected(sys::clock::now().plus_ms(ms).secs_ceil());
                (
                    "rate_limit",
                    Some("usage_limit_reached"),
                    Some(429),
                    "You've hit your 5-hour limit",
                )
            }
            Finale::Overload => ("server_error", None, Some(529), "API Error: Repeated 529 errors"),
            Finale::Auth => ("authentication_failed", None, Some(401), "Invalid API key"),
            Finale::Credit => ("billing_error", None, Some(400), "Credit balance is too low"),
            Finale::Fail(text) => {
                self.stream.result("", Some(("error_during_execution", &text)));
                return Err(End(1));
            }
            Finale::Exit(code) => return Err(End(code)),
            Finale::Crash(signal) => return crash(&signal),
            Finale::ResultThenHang => {
                let said = self.said.clone();
                self.stream.result(&said, None);
                return self.pause(u64::MAX);
            }
            Finale::Silent | Finale::Hang => return self.pause(u64::MAX),
        };
        self.stream.service_error(&ServiceError { kind, detail, status, text });
        Err(End(1))
    }

    /// Waits, unless a signal ends it.
    pub(super) fn pause(&mut self, ms: u64) -> Step {
        // The longest wait that the clock can take: nobody waits that long.
        let end = sys::clock::mono_ms().saturating_add(ms.min(u64::from(u32::MAX)));
        loop {
            let left = end.saturating_sub(sys::clock::mono_ms());
            match self.signals.recv_timeout(Duration::from_millis(left)) {
                Ok(Signal::Child) => {}
                Ok(_) if self.ignores_signals => {}
                Ok(Signal::Interrupt) => {
                    self.stream.interrupted();
                    return Err(End(0));
                }
                Ok(Signal::Terminate) => return Err(End(143)),
                Ok(Signal::HangUp) => return Err(End(129)),
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => {
                    sys::clock::pause_ms(left);
                    return Ok(());
                }
            }
        }
    }

    fn sleep(&mut self, ms: u64) -> Step {
        self.stream.call("Bash", &json!({"command": format!("sleep {}", ms.div_ceil(1000))}));
        let mut left = ms;
        while left > HEARTBEAT_MS {
            self.pause(HEARTBEAT_MS)?;
            left -= HEARTBEAT_MS;
            self.stream.heartbeat((ms - left) / 1000);
        }
        self.pause(left)?;
        self.stream.answer("", false);
        Ok(())
    }

    fn write(&mut self, file: &str, text: &str, append: bool) -> Step {
        self.stream.call("Write", &json!({"file_path": file, "content": text}));
        let path = PathBuf::from(file);
        let parent = path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let done = parent.map_or(Ok(()), sys::fs::mkdirs_with_umask).and_then(|()| {
            if append {
                let open = sys::fs::open_append_with_umask(&path)?;
                return sys::fs::write_all(&open, &path, text.as_bytes());
            }
            sys::fs::write_with_umask(&path, text.as_bytes())
        });
        let failed = done.is_err();
        let said = done.err().map_or_else(|| format!("wrote {file}"), |error| error.to_string());
        self.stream.answer(&said, failed);
        if failed { self.end(Finale::Fail(said)) } else { Ok(()) }
    }

    fn commit(&mut self, message: &str) -> Step {
        self.run("git", &["add", "--all"], "git add --all")?;
        self.run(
            "git",
            &["commit", "--quiet", "-m", message],
            &format!("git commit -m {message:?}"),
        )
    }

    fn run(&mut self, program: &str, args: &[&str], shown: &str) -> Step {
        self.stream.call("Bash", &json!({"command": shown}));
        let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
        let env: Vec<(&str, &str)> =
            IDENTITY.into_iter().filter(|(name, _)| sys::env::var(name).is_none()).collect();
        let (text, failed) =
            match sys::spawn::output(OsStr::new(program), &args, Path::new("."), &env) {
                Ok(output) => {
                    let both = [output.stdout, output.stderr].concat();
                    (String::from_utf8_lossy(&both).trim().to_owned(), !output.status.success())
                }
                Err(error) => (format!("{program}: {error}"), true),
            };
        self.stream.answer(&text, failed);
        if failed { self.end(Finale::Fail(format!("{shown}: {text}"))) } else { Ok(()) }
    }

    fn env(&mut self, name: &str, file: Option<&str>) -> Step {
        let value = sys::env::var(name).unwrap_or_default();
        match file {
            Some(file) => self.write(file, &value, false),
            None => {
                self.say(format!("{name}={value}"));
                Ok(())
            }
        }
    }

    fn leave(&mut self, ms: u64, own_session: bool) {
        let secs = ms.div_ceil(1000).to_string();
        let left =
            sys::spawn::leave_running(OsStr::new("sleep"), &[OsStr::new(&secs)], own_session);
        let said = left.map_or_else(|error| error.to_string(), |pid| format!("left process {pid}"));
        self.stream.say(&said);
    }
}

/// One git command, in its own words where it fails.
pub(super) fn git(args: &[&str]) -> Result<(), String> {
    let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
    let env: Vec<(&str, &str)> =
        IDENTITY.into_iter().filter(|(name, _)| sys::env::var(name).is_none()).collect();
    match sys::spawn::output(OsStr::new("git"), &args, Path::new("."), &env) {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Who commits where nobody is configured: a demo has to work on a new machine.
const IDENTITY: [(&str, &str); 4] = [
    ("GIT_AUTHOR_NAME", "Demo agent"),
    ("GIT_AUTHOR_EMAIL", "demo@localhost"),
    ("GIT_COMMITTER_NAME", "Demo agent"),
    ("GIT_COMMITTER_EMAIL", "demo@localhost"),
];

fn crash(name: &str) -> Step {
    let name = format!("SIG{}", name.trim_start_matches("SIG"));
    if let Ok(signal) = name.parse::<Unix>() {
        // The second one for those whose first our runtime explains to the user.
        for _ in 0..2 {
            sys::process::signal(sys::process::own_pid(), signal);
        }
        sys::clock::pause_ms(1_000);
    }
    Err(End(70))
}
