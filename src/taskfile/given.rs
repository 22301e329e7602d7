//! Keys that are given beside a task's text, put into it: what lies in the queue is one file that says all.

use serde_json::Value;

use super::front::{self, Parts};
use super::is_json;
use crate::domain::settings::problem::Problem;

/// A key of front matter, with its value.
pub type GivenKey = (&'static str, Value);

/// The task file `text` with these keys as well. A key that it has already is said twice, which is told when the file
/// is read.
pub fn with_keys(name: &str, text: &[u8], keys: &[GivenKey]) -> Result<Vec<u8>, Vec<Problem>> {
    if keys.is_empty() {
        return Ok(text.to_vec());
    }
    let text = front::text(text)?;
    if is_json(name) {
        return into_json(text, keys).map_err(|problem| vec![problem]);
    }
    // JSON is YAML.
    let lines: String = keys.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
    let parts = front::split(text).map_err(|problem| vec![problem])?;
    Ok(match parts {
        Parts { front: None, body, .. } => format!("---\n{lines}---\n{body}"),
        Parts { front: Some(front), body, .. } => format!("---\n{front}{lines}---\n{body}"),
    }
    .into_bytes())
}

fn into_json(text: &str, keys: &[GivenKey]) -> Result<Vec<u8>, Problem> {
    // What is wrong with it is told with its line when the file is read.
    let Ok(Value::Object(mut task)) = serde_json::from_str(text) else {
        return Ok(text.as_bytes().to_vec());
    };
    for (key, value) in keys {
        if task.insert((*key).to_owned(), value.clone()).is_some() {
            return Err(Problem::new("is in the file, and given on the command line").key(*key));
        }
    }
    Ok(Value::Object(task).to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_put_where_the_form_has_them() {
        let keys = [("priority", Value::from(2)), ("title", "a: \"b\"\n---".into())];
        let lines = "priority: 2\ntitle: \"a: \\\"b\\\"\\n---\"\n";
        for (name, text, comes_to) in [
            ("a", "do it\n", format!("---\n{lines}---\ndo it\n")),
            ("a.md", "---\nmodel: x\n---\ndo it", format!("---\nmodel: x\n{lines}---\ndo it")),
            ("a.md", "---\r\nmodel: x\r\n---\r\ndo", format!("---\nmodel: x\r\n{lines}---\ndo")),
            ("a.md", "\u{feff}do it", format!("---\n{lines}---\ndo it")),
            (
                "a.json",
                "{\"prompt\": \"do\"}",
                "{\"prompt\":\"do\",\"priority\":2,\"title\":\"a: \\\"b\\\"\\n---\"}".into(),
            ),
            ("a.json", "{\"prompt\": ", "{\"prompt\": ".into()),
        ] {
            let made = with_keys(name, text.as_bytes(), &keys).expect(name);
            assert_eq!(String::from_utf8_lossy(&made), comes_to, "{text:?}");
        }
        let twice = with_keys("a.json", b"{\"title\": \"x\"}", &keys).expect_err("said twice");
        assert!(twice[0].to_string().starts_with("title: is in the file"), "{}", twice[0]);
        assert_eq!(with_keys("a", b"\xff", &[]).expect("as it is"), b"\xff");
    }
}
