//! The state of a tenant's simulated sending; knows no database and no HTTP.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::callbacks::{CallbackChange, Callbacks, Destinations};
use super::life::Life;
use super::posts::{Post, Posted};
use super::timeline::Timeline;
use crate::model::Instant;

/// The first id of a simulated message. Live ids have eleven digits too.
const FIRST_MESSAGE_ID: i64 = 81_000_000_001;

/// How many posts are listed, and how many bytes of them.
const MAX_POSTED: usize = 10_000;
const MAX_POSTED_BYTES: usize = 16 * 1024 * 1024;

/// How many lives a tenant may have.
pub const MAX_LIVES: usize = 1000;

/// A tenant's sendings, and what becomes of them.
pub struct Sending {
    state: Mutex<State>,
    /// Woken when something is scheduled or the clock was moved.
    pub(super) wake: Arc<Notify>,
    /// Woken when a post was answered.
    pub(super) answered: Notify,
    /// Held while changes are made, so that they are made in their order.
    pub(super) changing: tokio::sync::Mutex<()>,
    destinations: Destinations,
}

#[derive(Default)]
pub(super) struct State {
    /// The requests that were scheduled; an id is accepted once.
    pub request_ids: HashSet<String>,
    /// The requests of simulated messages, for replies.
    pub requests: BTreeMap<i64, String>,
    pub callbacks: Callbacks,
    pub lives: Vec<Life>,
    pub timeline: Timeline,
    pub posted: VecDeque<Posted>,
    posted_bytes: usize,
    /// The posts that wait for their answer.
    pub in_flight: BTreeSet<u64>,
    last_post: u64,
    pub has_ended: bool,
    pub messages: i64,
    pub has_ticker: bool,
}

/// A post that waits for its answer from now on.
pub(super) struct TakenPost {
    pub due: Instant,
    pub post: Post,
    pub number: u64,
    pub authorization: Option<String>,
}

impl State {
    /// Takes the next post that is due.
    pub fn take_post(&mut self, now: Instant) -> Option<TakenPost> {
        let (due, post) = self.timeline.next_post(now)?;
        self.last_post += 1;
        self.in_flight.insert(self.last_post);
        Some(TakenPost { due, post, number: self.last_post, authorization: self.callbacks.authorization.clone() })
    }

    /// Lists a post; the oldest ones are dropped if there are too many.
    pub fn list(&mut self, posted: Posted) {
        self.posted_bytes += posted.bytes();
        self.posted.push_back(posted);
        while self.posted.len() > MAX_POSTED || self.posted_bytes > MAX_POSTED_BYTES {
            let Some(oldest) = self.posted.pop_front() else { break };
            self.posted_bytes -= oldest.bytes();
        }
    }
}

impl Sending {
    pub fn new(destinations: Destinations) -> Self {
        Self {
            state: Mutex::default(),
            wake: Arc::default(),
            answered: Notify::new(),
            changing: tokio::sync::Mutex::default(),
            destinations,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a request's id; `false` if it is known.
    pub fn register_request_id(&self, id: &str) -> bool {
        self.state().request_ids.insert(id.to_owned())
    }

    /// The id of a new message.
    pub fn new_message_id(&self) -> i64 {
        let mut state = self.state();
        state.messages += 1;
        FIRST_MESSAGE_ID + state.messages - 1
    }

    /// The request that a simulated message was sent by.
    pub fn request_of(&self, message: i64) -> Option<String> {
        self.state().requests.get(&message).cloned()
    }

    pub fn change_callbacks(&self, change: &CallbackChange) {
        self.state().callbacks.change(change);
    }

    pub fn set_authorization(&self, value: String) {
        self.state().callbacks.authorization = Some(value);
    }

    pub fn destinations(&self) -> &Destinations {
        &self.destinations
    }

    /// Adds a life, the newest of which counts where several fit; `false` if there are too many.
    pub fn add_life(&self, life: Life) -> bool {
        let mut state = self.state();
        let has_room = state.lives.len() < MAX_LIVES;
        if has_room {
            state.lives.push(life);
        }
        has_room
    }

    /// Ends everything: nothing is sent or posted any more.
    pub fn end(&self) {
        let mut state = self.state();
        state.has_ended = true;
        state.timeline = Timeline::default();
        drop(state);
        self.wake();
    }

    pub(super) fn life_of(&self, address: &str) -> Life {
        let state = self.state();
        state.lives.iter().rev().find(|life| life.fits(address)).cloned().unwrap_or_default()
    }

    /// What was posted, oldest first.
    pub fn posted(&self) -> Vec<Posted> {
        self.state().posted.iter().cloned().collect()
    }

    /// Lets the ticker look at the clock again.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Reports an incoming message, if there is a callback for its subject.
    pub fn report_incoming(&self, subject: i64, at: Instant, body: String) {
        let mut state = self.state();
        if let Some(url) = state.callbacks.incoming_url(subject) {
            state.timeline.post(at, Post::new(url, body));
        }
    }
}
