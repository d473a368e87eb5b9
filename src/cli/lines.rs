//! Takes newline-delimited JSON apart into documents, a broken line costing no other; knows no item.

use std::io::{self, BufRead};

use crate::model::wire::Nesting;

/// The longest document that is read; a longer one is rejected.
const LONGEST: usize = 64 * 1024 * 1024;

/// A JSON text and the line it begins on; or why there is none.
pub struct Document {
    pub line: u64,
    pub text: Result<String, &'static str>,
}

/// The documents of a reader: one a line, or one over several lines where a line ends with an open bracket.
pub struct Documents<R> {
    reader: R,
    line: u64,
    /// Lines that were read ahead for a document that never ended.
    ahead: std::collections::VecDeque<Vec<u8>>,
    /// Bytes that were read ahead in vain. Whoever opens brackets on every line must not cost a square of them.
    in_vain: usize,
}

impl<R: BufRead> Documents<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, line: 0, ahead: std::collections::VecDeque::new(), in_vain: 0 }
    }

    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(line) = self.ahead.pop_front() {
            return Ok(Some(line));
        }
        let mut line = Vec::new();
        let mut limited = io::Read::take(&mut self.reader, LONGEST as u64 + 1);
        if limited.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.len() > LONGEST && !line.ends_with(b"\n") {
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
            let text = if is_opened(&bytes) && self.in_vain <= LONGEST { self.joined(bytes)? } else { text(bytes) };
            return Ok(Some(Document { line, text }));
        }
    }

    /// A document over several lines. Where it never ends, its first line alone is rejected.
    fn joined(&mut self, first: Vec<u8>) -> io::Result<Result<String, &'static str>> {
        let mut nesting = Nesting::default();
        nesting.read(&first);
        let (mut whole, mut rest) = (first, Vec::new());
        while nesting.depth > 0 && whole.len() <= LONGEST {
            let Some(line) = self.next_line()? else { break };
            nesting.read(&line);
            whole.extend_from_slice(&line);
            rest.push(line);
        }
        if nesting.depth > 0 {
            self.in_vain += whole.len();
            rest.into_iter().rev().for_each(|line| self.ahead.push_front(line));
            return Ok(Err("it ends in the middle of a JSON value"));
        }
        self.line += rest.len() as u64;
        Ok(text(whole))
    }
}

/// Whether the beginning of a file is no text at all: more than a twentieth of it is NUL or no UTF-8, and no whole line of
/// it could be a document.
pub fn is_binary(head: &[u8]) -> bool {
    let broken: usize = head.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    let nuls = head.split(|byte| *byte == 0).count() - 1;
    let is_good = |line: &[u8]| line.starts_with(b"{") && !line.contains(&0) && std::str::from_utf8(line).is_ok();
    (broken + nuls) * 20 > head.len() && !head.split(|byte| *byte == b'\n').any(is_good)
}

fn text(bytes: Vec<u8>) -> Result<String, &'static str> {
    if bytes.len() > LONGEST {
        return Err("it is longer than 64 MiB");
    }
    String::from_utf8(bytes).map_err(|_| "it is not valid UTF-8")
}

/// Whether a line only begins a document, as the first line of a pretty-printed one does.
fn is_opened(line: &[u8]) -> bool {
    line.trim_ascii_end().ends_with(b"{") || line.trim_ascii_end().ends_with(b"[")
}
