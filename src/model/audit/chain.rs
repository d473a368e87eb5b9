//! The hash that links an entry of the audit log to all entries before it; knows no record.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::model::{Instant, TenantId, hexadecimal};

/// The hash of an entry, which depends on everything in it and on the entries before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ChainHash(pub [u8; 32]);

impl ChainHash {
    /// What stands for the hash before the first entry.
    pub const BEFORE_FIRST: Self = Self([0; 32]);

    /// Reads 64 hexadecimal digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (at, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
        }
        Some(Self(hash))
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hexadecimal(&self.0))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainHash({self})")
    }
}

/// An entry, as it is linked.
pub struct Link<'a> {
    pub tenant: TenantId,
    /// Its place in the chain, from 1.
    pub sequence: i64,
    pub recorded_at: Instant,
    /// Its records, as the JSON array that is stored.
    pub records: &'a str,
}

impl Link<'_> {
    /// SHA-256 of the line `history-gateway audit`, of the tenant, the sequence, the time in milliseconds and the previous
    /// hash, each as a line, and of the records. The same for every version of the program.
    pub fn hash(&self, previous: ChainHash) -> ChainHash {
        let head = format!(
            "history-gateway audit\n{}\n{}\n{}\n{previous}\n",
            self.tenant.0, self.sequence, self.recorded_at.0
        );
        ChainHash(Sha256::new_with_prefix(head).chain_update(self.records).finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::{ChainHash, Link};
    use crate::model::{Instant, TenantId};

    #[test]
    fn hash_depends_on_every_part_of_an_entry() {
        let link = |tenant, sequence, at, records, previous: ChainHash| {
            Link { tenant: TenantId(tenant), sequence, recorded_at: Instant(at), records }.hash(previous)
        };
        let first = link(1, 1, 5, "[]", ChainHash::BEFORE_FIRST);
        // Computed with sha256sum.
        assert_eq!(first.to_string(), "5a6a7b64f328296fb3bcb9dfbe903577366e08460335c8cde21f313b3db0dbed");
        assert_eq!(ChainHash::parse(&first.to_string()), Some(first));
        let others = [
            link(2, 1, 5, "[]", ChainHash::BEFORE_FIRST),
            link(1, 2, 5, "[]", ChainHash::BEFORE_FIRST),
            link(1, 1, 6, "[]", ChainHash::BEFORE_FIRST),
            link(1, 1, 5, "[{}]", ChainHash::BEFORE_FIRST),
            link(1, 1, 5, "[]", first),
        ];
        assert!(others.iter().all(|other| *other != first));
    }
}
