//! "Did you mean": the known words nearest to one that is not known.

use crate::domain::text::one_line;

/// A candidate is shown to this length, characters.
const SHOWN_MAX: usize = 64;
/// At most this many.
const SUGGESTIONS_MAX: usize = 3;

/// A hint with the nearest of the candidates, if one is near.
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let wanted = plain(word);
    let mut near: Vec<(f64, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| Some((nearness(&wanted, &plain(candidate))?, candidate)))
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    // what is much farther than the nearest only raises doubt
    let best = near.first().map_or(0.0, |best| best.0);
    near.retain(|(alike, _)| *alike >= 1.0 || best < 1.0 && *alike > best - 0.1);
    near.truncate(SUGGESTIONS_MAX);
    let words: Vec<String> = near.iter().map(|(_, word)| shown(word)).collect();
    (!words.is_empty()).then(|| format!("did you mean {}?", words.join(" or ")))
}

/// A hint that names the nearest, or all.
pub fn one_of<'a>(word: &str, candidates: &[&'a str]) -> String {
    did_you_mean(word, candidates.iter().copied()).unwrap_or_else(|| {
        let words: Vec<String> = candidates.iter().map(|word: &&'a str| shown(word)).collect();
        match words.len() {
            0 => "there is none".to_owned(),
            1 => format!("there is only {}", words[0]),
            _ => format!("it is one of {}", words.join(", ")),
        }
    })
}

/// A word that may come from a file itself.
fn shown(word: &str) -> String {
    format!("`{}`", one_line(word, SHOWN_MAX))
}

/// `maxTurns`, `max-turns` and `Max_Turns` are all `maxturns`.
fn plain(word: &str) -> String {
    let letters = word.chars().filter(|ch| !matches!(ch, '-' | '_' | ' '));
    letters.take(64).flat_map(char::to_lowercase).collect()
}

/// How near two words are, 0 to 1; `None` where they are not.
fn nearness(a: &str, b: &str) -> Option<f64> {
    let alike = strsim::jaro_winkler(a, b);
    let edits = strsim::damerau_levenshtein(a, b);
    // two edits of a word of three letters make any word
    let few = edits <= 2 && edits * 2 < a.chars().count().max(b.chars().count());
    (alike >= 0.8 || few).then_some(alike)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_comes_first_and_strangers_stay_away() {
        let keys = ["title", "timeout", "max_turns", "env", "base", "branch"];
        for (word, hint) in [
            ("titel", Some("did you mean `title`?")),
            ("maxTurns", Some("did you mean `max_turns`?")),
            ("MAX-TURNS", Some("did you mean `max_turns`?")),
            ("brnach", Some("did you mean `branch`?")),
            ("xyz", None),
            ("zzzzzz", None),
        ] {
            assert_eq!(did_you_mean(word, keys).as_deref(), hint, "{word}");
        }
        assert_eq!(one_of("zz", &["strict", "relaxed"]), "it is one of `strict`, `relaxed`");
        assert_eq!(one_of("strikt", &["strict", "relaxed"]), "did you mean `strict`?");
        assert_eq!(one_of("x", &["claude"]), "there is only `claude`");
    }
}
