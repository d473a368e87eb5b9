//! What a query for a recipient names (docs/edna.md §3); knows no statement.

use crate::model::history::Recipient;
use crate::model::subscriber::{self, AddressType, ChannelClass};
use crate::store::db::text::encode;

/// What a query names.
pub enum Target {
    Subscriber(i64),
    Address {
        column: AddressColumn,
        address: String,
        /// The number of the channel class.
        class: i32,
        /// Narrow the result to the address itself.
        address_only: bool,
    },
}

impl Target {
    /// `None` if no recipient can have the address.
    pub fn new(recipient: &Recipient) -> Option<Self> {
        let address = encode(&recipient.address);
        let by_address = |column, address, class: ChannelClass| Target::Address {
            column,
            address,
            class: class as i32,
            address_only: recipient.address_only,
        };
        Some(match recipient.address_type {
            AddressType::EdnaId => Target::Subscriber(recipient.address.parse().ok()?),
            AddressType::Phone => by_address(AddressColumn::Exact, address.into_owned(), ChannelClass::Phone),
            AddressType::Email => {
                by_address(AddressColumn::Folded, subscriber::case_fold(&address), ChannelClass::Other)
            }
            AddressType::Other => by_address(AddressColumn::Exact, address.into_owned(), ChannelClass::Other),
        })
    }
}

/// The column that an address is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressColumn {
    Exact,
    /// To ignore case.
    Folded,
}

impl AddressColumn {
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "address",
            Self::Folded => "folded_address",
        }
    }
}
