//! Writes items as CSV with a column for each known field, safe to open in a spreadsheet; knows no command.

use std::io::{self, Write};

use crate::model::{Item, Property, Value};

/// Writes a heading and a row for each item.
pub fn write(out: &mut impl Write, items: &[Item]) -> io::Result<()> {
    let mut table = Table::new(out)?;
    items.iter().try_for_each(|item| table.push(item))?;
    table.finish()
}

/// A table that is being written.
pub struct Table<W: Write>(csv::Writer<W>);

impl<W: Write> Table<W> {
    pub fn new(out: W) -> io::Result<Self> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
        writer.write_record(Property::ALL.iter().map(|property| property.name()))?;
        Ok(Self(writer))
    }

    pub fn push(&mut self, item: &Item) -> io::Result<()> {
        let cell = |property: &Property| match item.get(*property) {
            None => String::new(),
            Some(Value::Integer(number)) => number.to_string(),
            Some(Value::Instant(at)) => at.iso(),
            Some(Value::Text(text)) => defused(text),
        };
        Ok(self.0.write_record(Property::ALL.iter().map(cell))?)
    }

    pub fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A text that no spreadsheet takes for a formula: one that begins like a formula gets an apostrophe before it.
fn defused(text: &str) -> String {
    let first = text.trim_start_matches([' ', '\t', '\r', '\n']).chars().next();
    let is_formula = first.is_some_and(|first| "=+-@".contains(first)) || text.starts_with(['\t', '\r', '\n']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::defused;

    #[test]
    fn text_that_begins_like_a_formula_is_defused() {
        for text in ["=1+1", "+79001112233", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1"] {
            assert_eq!(defused(text), format!("'{text}"), "{text:?}");
        }
        for text in ["", "79001112233", "a=b", "{\"text\":\"=1\"}", "Скидка -50%"] {
            assert_eq!(defused(text), text);
        }
    }
}
