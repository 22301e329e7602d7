//! A step of work as an agent does it that goes on where it was cut off: what is done is not paid again.
//!
//! A step is a call of the service, then a line in [`FILE`] and a commit. Whoever finds the line goes on to the next.

use std::path::Path;

use super::act::{Actor, Step, git};
use super::script::Finale;
use super::service::{Answer, News};
use crate::sys::{clock, fs};

/// Where steps are written down, in the directory that the agent works in.
const FILE: &str = "steps.txt";
/// The service is asked again so often before an overload is the end, and after so long, milliseconds.
const TRIES: u32 = 3;
const AGAIN_MS: u64 = 400;
/// What cannot be written is tried again after so long, and so often, milliseconds.
const NO_ROOM_MS: u64 = 500;
const NO_ROOM_TRIES: u32 = 240;

impl Actor<'_> {
    /// Does one, unless it is done.
    pub(super) fn step(&mut self, name: &str, tokens: u64, ms: u64) -> Step {
        if is_done(name) {
            self.stream.say(&format!("{name} is done already"));
            return Ok(());
        }
        self.stream.say(&format!("now {name}"));
        self.call_service(name, tokens, ms)?;
        // A full disk is no reason to give up: there may be room again, or somebody stops us.
        for _ in 0..NO_ROOM_TRIES {
            match write_down(name) {
                Ok(()) => {
                    self.stream.answer(&format!("{name} is done"), false);
                    return Ok(());
                }
                Err(why) => self.stream.answer(&why, true),
            }
            self.pause(NO_ROOM_MS)?;
        }
        self.end(Finale::Fail(format!("{name} could not be written down")))
    }

    fn call_service(&mut self, step: &str, tokens: u64, ms: u64) -> Step {
        let Some(service) = self.service.take() else {
            self.pause(ms)?;
            self.stream.spend(step, tokens);
            return Ok(());
        };
        let mut answer = service.ask(step);
        for _ in 1..TRIES {
            if !matches!(answer, Ok(Answer::Overload)) {
                break;
            }
            self.stream.retry(AGAIN_MS);
            self.pause(AGAIN_MS)?;
            answer = service.ask(step);
        }
        match answer {
            Ok(Answer::Served) => self.pause(ms)?,
            Ok(Answer::Overload) => return self.end(Finale::Overload),
            Ok(Answer::Auth) => return self.end(Finale::Auth),
            Ok(Answer::Limit { resets_at_secs }) => {
                let left_ms = (resets_at_secs * 1000).saturating_sub(clock::now().0);
                return self.end(Finale::Limit { ms: left_ms });
            }
            Err(error) => return self.end(Finale::Fail(error.to_string())),
        }
        let news = service.answer(step, tokens);
        self.stream.spend(step, tokens);
        if let Ok(Some(news)) = &news {
            self.tell(news);
        }
        self.service = Some(service);
        Ok(())
    }

    fn tell(&mut self, news: &News) {
        self.stream.window(news.utilization, news.warns, news.resets_at_secs);
    }
}

fn is_done(name: &str) -> bool {
    fs::read_text(Path::new(FILE)).is_ok_and(|text| text.lines().any(|line| line == name))
}

/// The line and its commit; may be tried again after half of it.
fn write_down(name: &str) -> Result<(), String> {
    if !is_done(name) {
        let before = match fs::read_if_any(Path::new(FILE)).map_err(|e| e.to_string())? {
            Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            None => String::new(),
        };
        let staged = Path::new(".steps.new");
        fs::write(staged, format!("{before}{name}\n").as_bytes())
            .and_then(|()| fs::rename(staged, Path::new(FILE)).map(drop))
            .map_err(|e| e.to_string())?;
    }
    git(&["add", "--all"])?;
    git(&["commit", "--quiet", "--allow-empty", "-m", name])
}
