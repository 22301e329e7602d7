//! Readers of single values. Each returns a problem that says what stands there and what should.

use crate::domain::settings::problem::Problem;
use crate::domain::settings::quantity::{DURATION_HELP, SIZE_HELP, parse_duration, parse_size};
use crate::domain::text::{misleads, one_line};

use super::node::{Node, Value};

/// The longest single line, characters.
const LINE_MAX: usize = 200;

/// Any text without NUL; in notations with types a number is no text.
pub fn text(node: &Node) -> Result<String, Problem> {
    match &node.value {
        Value::Bare(text) | Value::Text(text) => match text.find('\0') {
            None => Ok(text.clone()),
            Some(_) => Err(Problem::new("holds a NUL character")),
        },
        Value::Number(_) | Value::Bool(_) => {
            let message = format!("must be text, not {}", node.shown());
            Err(Problem::new(message).hint("put it in quotes"))
        }
        _ => Err(Problem::new(format!("must be text, not {}", node.shown()))),
    }
}

/// One line of text: not blank, at most 200 characters, no control characters. Blanks around it go.
pub fn line(node: &Node) -> Result<String, Problem> {
    let text = text(node)?;
    let text = text.trim();
    if text.is_empty() {
        return Err(Problem::new("is blank").hint("leave the key out for the default"));
    }
    if text.contains(['\n', '\r']) {
        return Err(Problem::new("must be one line"));
    }
    if let Some(control) = text.chars().find(|ch| ch.is_control()) {
        return Err(Problem::new(format!(
            "holds the control character {}",
            control.escape_unicode()
        )));
    }
    let length = text.chars().count();
    if length > LINE_MAX {
        return Err(Problem::new(format!(
            "has {length} characters, at most {LINE_MAX} are allowed"
        )));
    }
    Ok(text.to_owned())
}

/// A line that cannot be mistaken for an option of a command that it is handed to.
pub fn word(node: &Node) -> Result<String, Problem> {
    let line = line(node)?;
    if line.starts_with('-') {
        return Err(Problem::new(format!("`{}` begins with a dash", one_line(&line, 60))));
    }
    if let Some(unseen) = line.chars().find(|ch| misleads(*ch)) {
        let unseen = unseen.escape_unicode();
        return Err(Problem::new(format!("holds {unseen}, which nobody can see")));
    }
    Ok(line)
}

pub fn boolean(node: &Node) -> Result<bool, Problem> {
    match &node.value {
        Value::Bool(truth) => Ok(*truth),
        Value::Bare(word) if word == "true" => Ok(true),
        Value::Bare(word) if word == "false" => Ok(false),
        _ => Err(Problem::new(format!("must be `true` or `false`, not {}", node.shown()))),
    }
}

pub fn count(node: &Node, least: u64, most: u64) -> Result<u64, Problem> {
    let bad = |what: String| {
        Problem::new(format!("must be a whole number from {least} to {most}, not {what}"))
    };
    let written = match &node.value {
        Value::Bare(written) | Value::Number(written) => written.trim(),
        Value::Text(text) if text.trim().parse::<u64>().is_ok() => {
            return Err(bad(node.shown()).hint(format!("without quotes: {}", text.trim())));
        }
        _ => return Err(bad(node.shown())),
    };
    if let Some(plain) = without_leading_zeros(written) {
        let hint = format!("a leading zero means octal to some readers: write {plain}");
        return Err(bad(node.shown()).hint(hint));
    }
    let number = written.parse().map_err(|_| bad(node.shown()))?;
    if (least..=most).contains(&number) { Ok(number) } else { Err(bad(node.shown())) }
}

/// `010` → `10`; `None` where no zero leads.
fn without_leading_zeros(written: &str) -> Option<&str> {
    let digits = written.len() > 1 && written.bytes().all(|byte| byte.is_ascii_digit());
    let plain = written.trim_start_matches('0');
    (digits && written.starts_with('0')).then_some(if plain.is_empty() { "0" } else { plain })
}

/// An amount of US dollars above zero.
pub fn dollars(node: &Node) -> Result<f64, Problem> {
    let bad =
        || Problem::new(format!("must be a number of US dollars above 0, not {}", node.shown()));
    let (Value::Bare(written) | Value::Number(written)) = &node.value else {
        return Err(bad().hint("a plain number, such as 2.50"));
    };
    // `inf`, `nan` and `1e999` parse too
    let plain = written.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-_".contains(&byte));
    let number = written.parse().ok().filter(|_| plain).filter(|n: &f64| n.is_finite());
    match number {
        Some(amount) if amount > 0.0 => Ok(amount),
        Some(_) => Err(bad()),
        None => Err(bad().hint("a plain number, such as 2.50")),
    }
}

pub fn duration(node: &Node, least_ms: u64) -> Result<u64, Problem> {
    let ms = match &node.value {
        Value::Bare(text) | Value::Number(text) | Value::Text(text) => parse_duration(text),
        _ => {
            let message = format!("must be a duration, not {}", node.shown());
            return Err(Problem::new(message).hint(DURATION_HELP));
        }
    };
    let ms = ms.map_err(|error| Problem::new(error.to_string()).hint(DURATION_HELP))?;
    match ms {
        0 if least_ms > 0 => Err(Problem::new("must be longer than 0").hint(DURATION_HELP)),
        ms if ms < least_ms => Err(Problem::new(format!(
            "must be at least {}",
            crate::domain::settings::quantity::show_duration(least_ms)
        ))),
        ms => Ok(ms),
    }
}

pub fn size(node: &Node) -> Result<u64, Problem> {
    match &node.value {
        Value::Bare(text) | Value::Number(text) | Value::Text(text) => {
            parse_size(text).map_err(|error| Problem::new(error.to_string()).hint(SIZE_HELP))
        }
        _ => Err(Problem::new(format!("must be a size, not {}", node.shown())).hint(SIZE_HELP)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(text: &str) -> Node {
        Node::bare(text)
    }

    fn of(value: Value) -> Node {
        Node { line: 1, column: 1, value }
    }

    #[test]
    fn a_line_is_safe_to_show_and_to_hand_on() {
        for (value, why) in [
            (bare("  "), "blank"),
            (bare("a\nb"), "one line"),
            (bare("a\u{7}b"), "control character \\u{7}"),
            (bare("a\0"), "NUL"),
            (bare(&"x".repeat(201)), "201 characters"),
            (of(Value::Number("5".into())), "must be text, not `5`"),
            (of(Value::List(vec![])), "not a list"),
        ] {
            let problem = line(&value).expect_err(why);
            assert!(problem.message.contains(why), "{problem}");
        }
        assert_eq!(line(&bare(" Fix it: now ")).expect("fine"), "Fix it: now");
        assert!(word(&bare("--model")).expect_err("dash").message.contains("begins with a dash"));
        assert!(word(&bare("a\u{202e}b")).expect_err("unseen").message.contains("\\u{202e}"));
        assert_eq!(word(&bare("4.5")).expect("fine"), "4.5");
    }

    #[test]
    fn numbers_are_exact() {
        assert_eq!(count(&bare("9"), 0, 9), Ok(9));
        for (value, why) in [
            (bare("10"), "from 0 to 9, not `10`"),
            (bare("-1"), "not `-1`"),
            (bare("2.0"), "not `2.0`"),
            (bare("high"), "not `high`"),
            (of(Value::Text("5".into())), "not the text \"5\""),
            (of(Value::Bool(true)), "not `true`"),
            (bare("99999999999999999999"), "from 0 to 9"),
        ] {
            let problem = count(&value, 0, 9).expect_err(why);
            assert!(problem.message.contains(why), "{problem}");
        }
        let octal = count(&bare("010"), 0, 9).expect_err("octal");
        assert!(octal.hint.expect("hint").contains("write 10"));
        assert_eq!(dollars(&bare("2.50")), Ok(2.5));
        assert_eq!(dollars(&bare("1e1")), Ok(10.0));
        for bad in ["0", "-1", "inf", "nan", "1e999", "$5", "five", ""] {
            assert!(dollars(&bare(bad)).is_err(), "{bad}");
        }
        assert!(boolean(&bare("yes")).is_err());
        assert_eq!(boolean(&bare("true")), Ok(true));
    }

    #[test]
    fn a_duration_may_be_a_number_or_text() {
        for value in
            [bare("90m"), of(Value::Text("1h 30m".into())), of(Value::Number("5400".into()))]
        {
            assert_eq!(duration(&value, 1), Ok(5_400_000));
        }
        assert!(duration(&bare("0"), 1).expect_err("zero").message.contains("longer than 0"));
        assert!(duration(&bare("-5"), 1).expect_err("minus").message.contains("negative"));
        assert_eq!(duration(&bare("0s"), 0), Ok(0));
        assert_eq!(size(&of(Value::Text("1KiB".into()))), Ok(1024));
        assert!(size(&of(Value::List(vec![]))).is_err());
    }
}
