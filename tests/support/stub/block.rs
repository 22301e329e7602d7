//! The blocks of a scripted message: words and tool calls. Pure data.
//!
//! Texts and tool inputs may contain `{cwd}` (the agent's working directory), `{prompt}` (the
//! first prompt of the session) and `{session}` (its id), filled in from the request.

use serde_json::{Value, json};

/// One block of a message.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    /// Words of the model.
    Text(String),
    /// A call of one of the agent's tools.
    Tool {
        /// The tool's name on the wire, such as `Bash`.
        name: String,
        /// Its arguments.
        input: Value,
    },
}

impl Block {
    /// Words of the model.
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// A call of any tool.
    pub(crate) fn tool(name: &str, input: Value) -> Self {
        Self::Tool {
            name: name.to_owned(),
            input,
        }
    }

    /// Runs a command in the agent's working directory. The agent refuses one that begins
    /// with `sleep`.
    pub(crate) fn bash(command: &str) -> Self {
        Self::tool(
            "Bash",
            json!({"command": command, "description": "a step of the script"}),
        )
    }

    /// Writes a file; the path is absolute: `{cwd}/name`.
    pub(crate) fn write(path: &str, content: &str) -> Self {
        Self::tool("Write", json!({"file_path": path, "content": content}))
    }

    /// Reads a file.
    pub(crate) fn read(path: &str) -> Self {
        Self::tool("Read", json!({"file_path": path}))
    }

    /// Replaces text of a file which the session has read or written before.
    pub(crate) fn edit(path: &str, old: &str, new: &str) -> Self {
        Self::tool(
            "Edit",
            json!({"file_path": path, "old_string": old, "new_string": new}),
        )
    }
}
