//! Splits newline-delimited JSON into documents, so that an invalid line affects no other; knows no item.

use std::io::{self, BufRead};

use crate::model::wire::Nesting;

/// Maximum size of a document, in bytes. A longer one is rejected.
const MAX_DOCUMENT_BYTES: usize = 64 * 1024 * 1024;

/// A JSON text, or why there is none, and the line on which it begins.
pub struct Document {
    pub line: u64,
    pub text: Result<String, &'static str>,
}

/// The documents of a reader: one per line, or over several lines if the first of them ends with an opening bracket.
pub struct Documents<R> {
    reader: R,
    line: u64,
    /// Lines that were read ahead for a document that never ended. They are read again.
    pushed_back: std::collections::VecDeque<Vec<u8>>,
    /// Bytes that were read ahead for documents that never ended. They are limited: otherwise a file with an opening
    /// bracket on every line would take quadratic time.
    wasted_bytes: usize,
}

impl<R: BufRead> Documents<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, line: 0, pushed_back: std::collections::VecDeque::new(), wasted_bytes: 0 }
    }

    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(line) = self.pushed_back.pop_front() {
            return Ok(Some(line));
        }
        let mut line = Vec::new();
        let mut limited = io::Read::take(&mut self.reader, MAX_DOCUMENT_BYTES as u64 + 1);
        if limited.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.len() > MAX_DOCUMENT_BYTES && !line.ends_with(b"\n") {
            self.reader.skip_until(b'\n')?;
        }
        Ok(Some(line))
    }

    /// The next document that is not blank.
    pub fn next(&mut self) -> io::Result<Option<Document>> {
        loop {
            let Some(bytes) = self.next_line()? else { return Ok(None) };
            self.line += 1;
            let line = self.line;
            let bytes = if line == 1 { bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).to_vec() } else { bytes };
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            let text = if opens_bracket(&bytes) && self.wasted_bytes <= MAX_DOCUMENT_BYTES {
                self.multi_line(bytes)?
            } else {
                decode(bytes)
            };
            return Ok(Some(Document { line, text }));
        }
    }

    /// A document over several lines. If it never ends, only its first line is rejected.
    fn multi_line(&mut self, first: Vec<u8>) -> io::Result<Result<String, &'static str>> {
        let mut nesting = Nesting::default();
        nesting.read(&first);
        let (mut whole, mut rest) = (first, Vec::new());
        while nesting.depth > 0 && whole.len() <= MAX_DOCUMENT_BYTES {
            let Some(line) = self.next_line()? else { break };
            nesting.read(&line);
            whole.extend_from_slice(&line);
            rest.push(line);
        }
        if nesting.depth > 0 {
            self.wasted_bytes += whole.len();
            rest.into_iter().rev().for_each(|line| self.pushed_back.push_front(line));
            return Ok(Err("it ends in the middle of a JSON value"));
        }
        self.line += rest.len() as u64;
        Ok(decode(whole))
    }
}

/// Whether the beginning of a file is binary: more than a twentieth of it is NUL or invalid UTF-8, and no line of it
/// could be a document.
pub fn is_binary(head: &[u8]) -> bool {
    let invalid: usize = head.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    let nuls = head.split(|byte| *byte == 0).count() - 1;
    let could_be_document =
        |line: &[u8]| line.starts_with(b"{") && !line.contains(&0) && std::str::from_utf8(line).is_ok();
    (invalid + nuls) * 20 > head.len() && !head.split(|byte| *byte == b'\n').any(could_be_document)
}

fn decode(bytes: Vec<u8>) -> Result<String, &'static str> {
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return Err("it is longer than 64 MiB");
    }
    String::from_utf8(bytes).map_err(|_| "it is not valid UTF-8")
}

/// Whether a line ends with an opening bracket, as the first line of a pretty-printed document does.
fn opens_bracket(line: &[u8]) -> bool {
    line.trim_ascii_end().ends_with(b"{") || line.trim_ascii_end().ends_with(b"[")
}
