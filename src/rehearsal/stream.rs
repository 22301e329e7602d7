//! How the demo agent speaks: the same lines that claude prints, as far as anybody reads them.

use std::io::Write;

use serde_json::{Value, json};

use super::service::USD_PER_TOKEN;
use crate::sys;

const MODEL: &str = "demo";

/// What the account at the end will say.
#[derive(Debug, Default)]
pub(super) struct Bill {
    pub(super) cost_usd: f64,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) turns: u32,
    pub(super) denied: Vec<String>,
}

/// An error of the service, as the agent's own program words it.
pub(super) struct ServiceError {
    pub(super) kind: &'static str,
    pub(super) detail: Option<&'static str>,
    pub(super) status: Option<u16>,
    pub(super) text: &'static str,
}

pub(super) struct StreamWriter<'a> {
    out: &'a mut dyn Write,
    session: String,
    calls: u32,
    pub(super) bill: Bill,
    /// Tokens in and out and dollars of the results so far.
    billed: (u64, u64, f64),
}

impl<'a> StreamWriter<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> StreamWriter<'a> {
        let bill = Bill { turns: 1, ..Bill::default() };
        let session = sys::env::var("SWARMDIR_SESSION").unwrap_or_else(sys::random::uuid);
        StreamWriter { out, session, calls: 0, bill, billed: (0, 0, 0.0) }
    }

    /// Raw bytes and a line end. A closed pipe does not stop it, as it does not stop claude.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        let _ = self.out.write_all(bytes).and_then(|()| self.out.write_all(b"\n"));
        let _ = self.out.flush();
    }

    fn line(&mut self, mut value: Value) {
        value["session_id"] = json!(self.session);
        self.raw(value.to_string().as_bytes());
    }

    pub(super) fn init(&mut self) {
        self.line(json!({"type": "system", "subtype": "init", "model": MODEL,
            "tools": ["Bash", "Write"], "permissionMode": "default"}));
    }

    pub(super) fn say(&mut self, text: &str) {
        let block = json!({"type": "text", "text": text});
        self.assistant(&block);
    }

    pub(super) fn call(&mut self, tool: &str, input: &Value) {
        self.calls += 1;
        let id = format!("toolu_demo_{}", self.calls);
        self.assistant(&json!({"type": "tool_use", "id": id, "name": tool, "input": input}));
    }

    fn assistant(&mut self, block: &Value) {
        self.message(block, 0);
    }

    fn message(&mut self, block: &Value, input_tokens: u64) {
        let id = format!("msg_demo_{}", self.calls);
        self.line(json!({"type": "assistant", "parent_tool_use_id": null, "message": {
            "id": id, "role": "assistant", "model": MODEL, "content": [block],
            "usage": {"input_tokens": input_tokens, "output_tokens": 1}}}));
    }

    /// An answer of the service, with what it used.
    pub(super) fn spend(&mut self, text: &str, tokens: u64) {
        self.calls += 1;
        self.bill.input_tokens += tokens;
        self.bill.cost_usd += tokens as f64 * USD_PER_TOKEN;
        let id = format!("toolu_demo_{}", self.calls);
        let block = json!({"type": "tool_use", "id": id, "name": "Write", "input": text});
        self.message(&block, tokens);
    }

    pub(super) fn answer(&mut self, text: &str, failed: bool) {
        self.bill.turns += 1;
        let id = format!("toolu_demo_{}", self.calls);
        self.line(json!({"type": "user", "parent_tool_use_id": null, "message": {"role": "user",
            "content": [{"type": "tool_result", "tool_use_id": id, "content": text,
                "is_error": failed}]}}));
    }

    pub(super) fn heartbeat(&mut self, elapsed_secs: u64) {
        self.line(json!({"type": "tool_progress", "tool_name": "Bash", "heartbeat": true,
            "elapsed_time_seconds": elapsed_secs}));
    }

    pub(super) fn retry(&mut self, delay_ms: u64) {
        self.line(
            json!({"type": "system", "subtype": "api_retry", "attempt": 1, "max_retries": 10,
            "retry_delay_ms": delay_ms, "error_status": 529, "error": "overloaded"}),
        );
    }

    pub(super) fn deny(&mut self, tool: &str) {
        self.line(json!({"type": "system", "subtype": "permission_denied", "tool_name": tool}));
        self.bill.denied.push(tool.to_owned());
    }

    /// How full the usage window is.
    pub(super) fn window(&mut self, utilization: f64, warns: bool, resets_at_secs: u64) {
        let status = if warns { "allowed_warning" } else { "allowed" };
        self.line(json!({"type": "rate_limit_event", "rate_limit_info": {"status": status,
            "resetsAt": resets_at_secs, "rateLimitType": "five_hour", "utilization": utilization}}));
    }

    pub(super) fn rejected(&mut self, resets_at_secs: u64) {
        self.line(json!({"type": "rate_limit_event", "rate_limit_info": {"status": "rejected",
            "resetsAt": resets_at_secs, "rateLimitType": "five_hour", "utilization": 1}}));
    }

    /// A last result; `error` is its kind and text.
    pub(super) fn result(&mut self, said: &str, error: Option<(&str, &str)>) {
        let mut end = self.account();
        end["is_error"] = json!(error.is_some());
        end["subtype"] = json!(error.map_or("success", |(subtype, _)| subtype));
        end["terminal_reason"] = json!(if error.is_some() { "model_error" } else { "completed" });
        match error {
            Some((_, text)) => end["errors"] = json!([text]),
            None => end["result"] = json!(said),
        }
        self.line(end);
    }

    pub(super) fn interrupted(&mut self) {
        let mut end = self.account();
        end["is_error"] = json!(true);
        end["subtype"] = json!("error_during_execution");
        end["terminal_reason"] = json!("aborted_tools");
        end["errors"] = json!(["interrupted"]);
        self.line(end);
    }

    pub(super) fn service_error(&mut self, error: &ServiceError) {
        self.line(json!({"type": "assistant", "error": error.kind, "is_api_error_message": true,
            "api_error": error.detail, "api_error_status": error.status, "message": {
                "model": "<synthetic>", "content": [{"type": "text", "text": error.text}]}}));
        let mut end = self.account();
        end["is_error"] = json!(true);
        end["subtype"] = json!("success");
        end["terminal_reason"] = json!("api_error");
        end["api_error"] = json!(error.detail);
        end["api_error_status"] = json!(error.status);
        end["result"] = json!(error.text);
        self.line(end);
    }

    /// The account of the session, and what is new in it since the last result.
    fn account(&mut self) -> Value {
        let bill = &self.bill;
        let (input, output, usd) = self.billed;
        self.billed = (bill.input_tokens, bill.output_tokens, bill.cost_usd);
        let share = json!({MODEL: {"inputTokens": bill.input_tokens,
            "outputTokens": bill.output_tokens, "costUSD": bill.cost_usd}});
        let new = json!({MODEL: {"inputTokens": bill.input_tokens - input,
            "outputTokens": bill.output_tokens - output, "costUSD": bill.cost_usd - usd}});
        let denied: Vec<Value> =
            bill.denied.iter().map(|tool| json!({"tool_name": tool})).collect();
        json!({"type": "result", "num_turns": bill.turns, "total_cost_usd": bill.cost_usd,
            "modelUsage": share, "model_usage_since_last_result": new,
            "permission_denials": denied})
    }
}
