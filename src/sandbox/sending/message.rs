//! A simulated message that was sent, and the rest of its life; knows no clock.

use std::sync::Mutex;

use super::life::{Life, Step};
use super::posts::Post;
use super::request::Scheduled;

pub struct SentMessage {
    pub id: i64,
    pub scheduled: Scheduled,
    pub life: Life,
    /// In the order of their times.
    pub steps: Vec<Step>,
    /// The callbacks that are held until the last step.
    pub held: Mutex<Vec<Post>>,
}
