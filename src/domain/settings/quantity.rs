//! Durations and sizes as people write them: `90m`, `1h 30m`, `64GiB`.
//!
//! Pure. Both directions: what `show_*` writes reads back as the same number. Garbage is refused with a
//! reason and nothing overflows: the largest duration is [`DURATION_MAX_MS`], so that a deadline can be
//! added to any clock.

use std::fmt;

/// A hundred years, milliseconds.
pub const DURATION_MAX_MS: u64 = 36_500 * 86_400_000;

/// The largest size, bytes: what a file offset can hold.
pub const SIZE_MAX_BYTES: u64 = i64::MAX as u64;

/// How a duration is written.
pub const DURATION_HELP: &str = "write it like 90m, 1h 30m or 45s; a plain number is seconds";

/// How a size is written.
pub const SIZE_HELP: &str = "write it like 64GiB or 500MB; a plain number is bytes";

/// Why a text is no duration or size: lower case, no full stop, with the text itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuantityError(pub String);

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for QuantityError {}

/// Largest first; the first name is the one that is written.
const DURATION_UNITS: [(u64, &[&str]); 5] = [
    (86_400_000, &["d", "day", "days"]),
    (3_600_000, &["h", "hr", "hrs", "hour", "hours"]),
    (60_000, &["m", "min", "mins", "minute", "minutes"]),
    (1_000, &["s", "sec", "secs", "second", "seconds"]),
    (1, &["ms", "msec", "millis", "millisecond", "milliseconds"]),
];

/// Smallest first within each system.
const SIZE_UNITS: [(u64, &str); 9] = [
    (1, "B"),
    (1 << 10, "KiB"),
    (1 << 20, "MiB"),
    (1 << 30, "GiB"),
    (1 << 40, "TiB"),
    (1_000, "KB"),
    (1_000_000, "MB"),
    (1_000_000_000, "GB"),
    (1_000_000_000_000, "TB"),
];

/// Reads a duration into milliseconds; a plain number is seconds. Zero is fine here.
pub fn parse_duration(text: &str) -> Result<u64, QuantityError> {
    let whole = text.trim();
    let bad = |why: &str| QuantityError(format!("`{}` {why}", shown(whole)));
    if whole.is_empty() {
        return Err(QuantityError("no duration is given".to_owned()));
    }
    if whole.starts_with('-') {
        return Err(bad("is negative"));
    }
    if whole.bytes().all(|b| b.is_ascii_digit()) {
        let secs = plain_number(whole).map_err(bad)?;
        let ms = secs.checked_mul(1000).filter(|ms| *ms <= DURATION_MAX_MS);
        return ms.ok_or_else(|| bad("is longer than a hundred years"));
    }
    let (mut total, mut rest, mut smallest) = (0u64, whole, usize::MAX);
    while !rest.is_empty() {
        let (number, unit, after) = number_and_unit(rest).map_err(|why| bad(&why))?;
        let rank = DURATION_UNITS.iter().position(|(_, names)| names.contains(&unit));
        let rank = rank.ok_or_else(|| bad(&format!("has the unknown unit `{}`", shown(unit))))?;
        if smallest != usize::MAX && rank <= smallest {
            return Err(bad("must go from the large unit to the small one, each once"));
        }
        total = number
            .checked_mul(DURATION_UNITS[rank].0)
            .and_then(|ms| total.checked_add(ms))
            .filter(|ms| *ms <= DURATION_MAX_MS)
            .ok_or_else(|| bad("is longer than a hundred years"))?;
        (rest, smallest) = (after.trim_start(), rank);
    }
    Ok(total)
}

/// Writes milliseconds as `1h 30m`.
pub fn show_duration(ms: u64) -> String {
    let mut parts = Vec::new();
    let mut rest = ms;
    for (unit_ms, names) in DURATION_UNITS {
        if rest / unit_ms > 0 {
            parts.push(format!("{}{}", rest / unit_ms, names[0]));
            rest %= unit_ms;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

/// Milliseconds for people: `850 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`.
pub fn say_duration(ms: u64) -> String {
    let secs = ms / 1000;
    match secs {
        0 => format!("{ms} ms"),
        1..60 => format!("{secs} s"),
        60..3600 => format!("{} min {} s", secs / 60, secs % 60),
        _ => format!("{} h {} min", secs / 3600, secs % 3600 / 60),
    }
}

/// Reads a size into bytes; a plain number is bytes.
pub fn parse_size(text: &str) -> Result<u64, QuantityError> {
    let whole = text.trim();
    let bad = |why: &str| QuantityError(format!("`{}` {why}", shown(whole)));
    if whole.is_empty() {
        return Err(QuantityError("no size is given".to_owned()));
    }
    if whole.starts_with('-') {
        return Err(bad("is negative"));
    }
    let (number, unit) = if whole.bytes().all(|b| b.is_ascii_digit()) {
        (plain_number(whole).map_err(bad)?, "B")
    } else {
        let (number, unit, after) = number_and_unit(whole).map_err(|why| bad(&why))?;
        if !after.trim().is_empty() {
            return Err(bad("is more than one number and one unit"));
        }
        (number, unit)
    };
    let scale = SIZE_UNITS.iter().find(|(_, name)| name.eq_ignore_ascii_case(unit));
    let scale = scale.ok_or_else(|| match unit {
        "k" | "K" | "m" | "M" | "g" | "G" | "t" | "T" => {
            let upper = unit.to_ascii_uppercase();
            bad(&format!("may mean {number}{upper}iB or {number}{upper}B"))
        }
        _ => bad(&format!("has the unknown unit `{}`", shown(unit))),
    })?;
    let bytes = number.checked_mul(scale.0).filter(|bytes| *bytes <= SIZE_MAX_BYTES);
    bytes.ok_or_else(|| bad("is too large"))
}

/// Writes bytes with the largest unit that needs no fraction.
pub fn show_size(bytes: u64) -> String {
    let fits = |(scale, _): &&(u64, &str)| bytes > 0 && bytes.is_multiple_of(*scale);
    let (scale, unit) =
        SIZE_UNITS.iter().filter(fits).max_by_key(|(scale, _)| *scale).unwrap_or(&(1, "B"));
    format!("{}{unit}", bytes / scale)
}

/// Digits alone; `010` is ten to one reader and eight to another.
fn plain_number(digits: &str) -> Result<u64, &'static str> {
    if digits.len() > 1 && digits.starts_with('0') {
        return Err("has a leading zero");
    }
    digits.parse().map_err(|_| "is too large")
}

/// `30 m…` → 30, `m`, the rest.
fn number_and_unit(text: &str) -> Result<(u64, &str, &str), String> {
    let digits = text.find(|ch: char| !ch.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(digits);
    if number.is_empty() {
        return Err("does not begin with a number".to_owned());
    }
    if rest.starts_with(['.', ',']) {
        return Err("has a fraction: write it in the next smaller unit".to_owned());
    }
    let rest = rest.trim_start();
    let letters = rest.find(|ch: char| !ch.is_alphabetic()).unwrap_or(rest.len());
    let (unit, after) = rest.split_at(letters);
    match (number.parse(), unit) {
        (Err(_), _) => Err("is too large".to_owned()),
        (Ok(_), "") => Err(format!("gives no unit for {}", shown(number))),
        (Ok(number), unit) => Ok((number, unit, after)),
    }
}

/// Enough of a text to recognise it.
fn shown(text: &str) -> String {
    crate::domain::text::one_line(text, 40)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_that_people_write() {
        for (text, ms) in [
            ("90m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("1h30m", 5_400_000),
            (" 2h ", 7_200_000),
            ("1 hour 5 mins", 3_900_000),
            ("1h 05m", 3_900_000),
            ("45", 45_000),
            ("0", 0),
            ("250ms", 250),
            ("2d", 172_800_000),
        ] {
            assert_eq!(parse_duration(text), Ok(ms), "{text}");
        }
    }

    #[test]
    fn a_bad_duration_says_why() {
        for (text, why) in [
            ("", "no duration"),
            ("soon", "does not begin with a number"),
            ("-5m", "negative"),
            ("010", "leading zero"),
            ("1.5h", "fraction"),
            ("1h 30", "no unit for 30"),
            ("30m 1h", "from the large unit"),
            ("1h 1h", "each once"),
            ("5 fortnights", "unknown unit `fortnights`"),
            ("99999999999999999999", "too large"),
            ("99999999999999999999h", "too large"),
            ("18446744073709551615", "hundred years"),
            ("18446744073709551615d", "hundred years"),
            ("36500d 1ms", "hundred years"),
            ("90M", "unknown unit `M`"),
            ("1h,30m", "does not begin with a number"),
            ("١٢m", "does not begin with a number"),
        ] {
            let error = parse_duration(text).expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn sizes_that_people_write() {
        for (text, bytes) in [
            ("64GiB", 64 << 30),
            ("500MB", 500_000_000),
            ("500 mb", 500_000_000),
            ("0", 0),
            ("1024", 1024),
            ("7B", 7),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for (text, why) in [
            ("64G", "64GiB or 64GB"),
            ("64Q", "unknown unit"),
            ("-1", "negative"),
            ("", "no size"),
            ("1GiB 5MiB", "more than one"),
            ("1.5GiB", "fraction"),
            ("9999999999TiB", "too large"),
            ("99999999999999999999999", "too large"),
            ("x", "begin with a number"),
        ] {
            let error = parse_size(text).expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_reads_back(ms in 0..=DURATION_MAX_MS, bytes in 0..=SIZE_MAX_BYTES) {
            assert_eq!(parse_duration(&show_duration(ms)), Ok(ms));
            assert_eq!(parse_size(&show_size(bytes)), Ok(bytes));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}", near in "[0-9 .,hmsdMGiBk-]{0,24}") {
            for text in [text, near] {
                let _ = (parse_duration(&text), parse_size(&text));
            }
        }
    }
}
