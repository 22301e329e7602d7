//! As much of HTTP/1.1 as the agent speaks: a request with a length, an answer in one piece
//! or in chunks, on a connection that is kept. Knows neither scripts nor messages.
//!
//! Invariant: exactly one request is taken off the socket, never a byte of the next one.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use super::request::find;

/// More than any head of the agent's; what is longer is not for us.
const HEAD_LIMIT: usize = 64 * 1024;
/// More than any body of the agent's.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// The first lines of a request.
pub(super) struct Head {
    pub(super) method: String,
    pub(super) path: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
}

/// Reads up to the empty line; `None` if the peer closed instead of asking again. Byte by byte,
/// because what follows the head must stay in the socket.
pub(super) fn read_head(mut stream: &TcpStream) -> io::Result<Option<Head>> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return if bytes.is_empty() {
                Ok(None)
            } else {
                Err(ended())
            };
        }
        bytes.push(byte[0]);
        if bytes.len() > HEAD_LIMIT {
            return Err(invalid("the head of the request has no end"));
        }
    }
    parse_head(&bytes).map(Some)
}

fn parse_head(bytes: &[u8]) -> io::Result<Head> {
    let text = std::str::from_utf8(bytes).map_err(|_| invalid("the head is not UTF-8"))?;
    let mut lines = text.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(path)) = (first.next(), first.next()) else {
        return Err(invalid("the request line has no path"));
    };
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    Ok(Head {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: headers.collect(),
    })
}

/// Reads the body but leaves its last byte in the socket: a socket that is closed with bytes
/// unread sends a reset, and this is the only way to one without a system call of our own.
/// [`finish_body`] takes the byte off.
pub(super) fn read_body(mut stream: &TcpStream, head: &Head) -> io::Result<Vec<u8>> {
    let length = match find(&head.headers, "content-length").map(str::parse) {
        Some(Ok(length @ 1..=BODY_LIMIT)) => length,
        _ => return Err(invalid("the request has no usable content-length")),
    };
    let mut body = vec![0; length];
    stream.read_exact(&mut body[..length - 1])?;
    if stream.peek(&mut body[length - 1..])? == 0 {
        return Err(ended());
    }
    Ok(body)
}

/// Takes the last byte of a body off the socket.
pub(super) fn finish_body(mut stream: &TcpStream) -> io::Result<()> {
    stream.read_exact(&mut [0])
}

/// Blocks until the peer goes away (or, against the rules, says more).
pub(super) fn await_end(stream: &TcpStream) -> io::Result<()> {
    stream.peek(&mut [0]).map(|_| ())
}

/// Sends a whole answer.
pub(super) fn send(
    mut stream: &TcpStream,
    status: u16,
    headers: &[(String, String)],
    body: &[u8],
) -> io::Result<()> {
    let head = head(status, headers, &format!("content-length: {}", body.len()));
    stream.write_all(&[head.as_bytes(), body].concat())
}

/// Begins an answer in chunks of unknown number.
pub(super) fn begin(
    mut stream: &TcpStream,
    headers: &[(String, String)],
    content_type: &str,
) -> io::Result<()> {
    let more = format!("content-type: {content_type}\r\ntransfer-encoding: chunked");
    stream.write_all(head(200, headers, &more).as_bytes())
}

/// Sends a piece; an empty one ends the answer.
pub(super) fn chunk(mut stream: &TcpStream, data: &str) -> io::Result<()> {
    stream.write_all(format!("{:x}\r\n{data}\r\n", data.len()).as_bytes())
}

fn head(status: u16, headers: &[(String, String)], last: &str) -> String {
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    format!("HTTP/1.1 {status} Stub\r\n{lines}{last}\r\n\r\n")
}

fn ended() -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the peer went away in the middle of a request",
    )
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
