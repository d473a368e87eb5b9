//! What people see of a message who may not see all of it: addresses, numbers and one-time codes are masked; knows no
//! role and no page.

mod address;
mod code;
mod digits;
mod item;
mod text;

pub use address::address;
pub use item::{Masked, masked};
pub use text::{numbers, reason, text};

/// What stands for what is not shown.
const DOT: char = '•';

fn dots(count: usize) -> String {
    DOT.to_string().repeat(count)
}
