//! Blocks: for some thousand consecutive message ids, the values of their messages by property. Filters, sorts and
//! offsets of any size read these few bytes a message instead of the messages; knows no statement itself.
//!
//! A block is built in the background (`build`) from a range of ids that has enough messages. What is written into its
//! range later is listed with it (`ranges`), and then read from the messages; if that is much, the block is built again.
//! So a page is exact whatever has been built.
//!
//! | file | what it does |
//! |---|---|
//! | `encoding` | values as bytes |
//! | `ranges` | which ids have a block, and which of its messages were written since |
//! | `columns` | the columns of one block |
//! | `build`, `next_build` | build blocks |
//! | `selection` | the messages of a block that a query selects |
//! | `order` | the order of the messages of a block, and between blocks |
//! | `check` | finds blocks that differ from their messages |
//! | `by_id` | pages sorted by id |
//! | `sorted` | pages in any other order |

pub mod build;
pub mod by_id;
pub mod check;
pub mod columns;
pub mod encoding;
mod next_build;
pub mod order;
pub mod ranges;
pub mod selection;
pub mod sorted;
