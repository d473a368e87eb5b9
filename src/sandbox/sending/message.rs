//! A simulated message that was sent, and the rest of its life; knows no clock.

use std::sync::Mutex;

use super::life::{Life, Step};
use super::posts::Post;
use super::request::Scheduled;
use crate::model::Instant;

pub struct SentMessage {
    pub id: i64,
    pub sent_at: Instant,
    pub scheduled: Scheduled,
    pub life: Life,
    pub steps: Vec<Step>,
    /// The callbacks that are held until the last step.
    pub held: Mutex<Vec<Post>>,
}
