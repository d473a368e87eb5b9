//! Does what is due on a tenant's clock: sends, changes statuses, posts callbacks; knows no route.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::callbacks::Destinations;
use super::life::Step;
use super::message::SentMessage;
use super::posts::Post;
use super::request::Scheduled;
use super::state::TakenPost;
use super::timeline::Change;
use crate::api::ingest::{record_messages, record_statuses};
use crate::clock::ClockMode;
use crate::model::{Caller, Instant, TenantId};
use crate::outbound::CheckedClient;
use crate::sandbox::instance::Instance;
use crate::store::StoreError;

/// The longest time after which the ticker looks at the clock again, because the machine's time may have been set.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// How long a receiver may take to answer.
const POST_TIMEOUT: Duration = Duration::from_secs(5);

/// Adds a request whose message is sent at a time, or at once if that has passed.
pub fn schedule(instance: &Arc<Instance>, scheduled: Scheduled) {
    let now = instance.clock.now();
    let at = scheduled.start_time.unwrap_or(now).max(now);
    instance.sending.state().timeline.change(at, Change::Send(Box::new(scheduled)));
}

/// Does everything that is due. Changes of the history never wait for a callback's answer.
async fn run_due(instance: &Arc<Instance>) {
    loop {
        apply_changes(instance).await;
        let taken = instance.sending.state().take_post(instance.clock.now());
        match taken {
            Some(taken) => deliver(instance, taken).await,
            None => return,
        }
    }
}

/// Makes the changes of the history that are due, one after another.
async fn apply_changes(instance: &Arc<Instance>) {
    let _one_at_a_time = instance.sending.changing.lock().await;
    while let Some((at, change)) = next_change(instance) {
        match change {
            Change::Send(scheduled) => send(instance, at, *scheduled).await,
            Change::Step(message, step) => take_step(instance, at, &message, step).await,
        }
    }
}

/// Sends what is due, for a caller that waits until it is in the history. It goes on if the caller does not wait.
pub async fn apply_due_changes(instance: &Arc<Instance>) {
    start_ticker(instance);
    let sending = Arc::clone(instance);
    let applied = tokio::spawn(async move { apply_changes(&sending).await }).await;
    if applied.is_err() {
        tracing::warn!("a simulated message was not sent: the work was cut short");
    }
    if instance.sending.state().timeline.has_post(instance.clock.now()) {
        drop(spawn_run(instance));
    }
    instance.sending.wake();
}

/// Does everything that is due, for a test that waits for it. Returns when all that became due is answered, but no later
/// than a receiver may take; the rest goes on. Posts that already wait for an answer are not waited for: one of them may
/// have led to this very call.
pub async fn catch_up(instance: &Arc<Instance>) {
    let earlier = instance.sending.state().in_flight.clone();
    let all_answered = async {
        drop(spawn_run(instance).await);
        loop {
            let answered = instance.sending.answered.notified();
            let is_done = {
                let state = instance.sending.state();
                !state.timeline.has_post(instance.clock.now()) && state.in_flight.is_subset(&earlier)
            };
            if is_done {
                return;
            }
            answered.await;
        }
    };
    // A timeout leaves the run going.
    let _ = tokio::time::timeout(POST_TIMEOUT, all_answered).await;
    instance.sending.wake();
}

fn spawn_run(instance: &Arc<Instance>) -> JoinHandle<()> {
    let instance = Arc::clone(instance);
    tokio::spawn(async move { run_due(&instance).await })
}

fn next_change(instance: &Instance) -> Option<(Instant, Change)> {
    instance.sending.state().timeline.next_change(instance.clock.now())
}

/// The id of a new message, which no message of the tenant has.
pub async fn free_message_id(instance: &Instance, tenant: TenantId) -> Result<i64, StoreError> {
    loop {
        let id = instance.sending.new_message_id();
        if instance.message(tenant, id).await?.is_none() {
            return Ok(id);
        }
    }
}

async fn send(instance: &Arc<Instance>, at: Instant, scheduled: Scheduled) {
    let Ok(id) = free_message_id(instance, scheduled.tenant).await else {
        return tracing::warn!("a simulated message was not sent: the tenant's store is busy, or gone");
    };
    let life = instance.sending.life_of(&scheduled.address);
    // In the order of their times; what would be after the year 9999 never happens.
    let steps = life.steps(&scheduled.channel).into_iter();
    let mut steps: Vec<(Instant, Step)> = steps.filter_map(|step| Some((step.after.after(at)?, step))).collect();
    steps.sort_by_key(|(due, _)| *due);
    if !record(instance, scheduled.tenant, &scheduled.item(id, at), true).await {
        return;
    }
    let mut state = instance.sending.state();
    if state.has_ended {
        return;
    }
    state.requests.insert(id, scheduled.request_id.clone());
    let (times, steps): (Vec<Instant>, Vec<Step>) = steps.into_iter().unzip();
    let message = Arc::new(SentMessage { id, scheduled, life, steps, held: Mutex::default() });
    for (number, due) in times.into_iter().enumerate() {
        state.timeline.change(due, Change::Step(Arc::clone(&message), number));
    }
}

async fn take_step(instance: &Arc<Instance>, at: Instant, message: &Arc<SentMessage>, number: usize) {
    let Some(step) = message.steps.get(number) else { return };
    let scheduled = &message.scheduled;
    let event = json!({
        "requestId": scheduled.request_id, "messageId": message.id, "cascadeId": scheduled.cascade_id,
        "cascadeStageUUID": scheduled.stage, "subject": scheduled.subject_name, "subjectId": scheduled.subject,
        "status": step.status, "statusAt": at.iso(), "error": step.error, "comment": scheduled.comment,
        "paymentData": null,
    });
    record(instance, scheduled.tenant, &event, false).await;
    let is_last = number + 1 == message.steps.len();
    let mut state = instance.sending.state();
    if state.has_ended {
        return;
    }
    let mut held = message.held.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(url) = state.callbacks.status_url(scheduled.subject) {
        let copies = usize::try_from(message.life.repeat).unwrap_or(1);
        held.extend(std::iter::repeat_n(Post::new(url, event.to_string()), copies));
    }
    if message.life.shuffle && !is_last {
        return;
    }
    let mut posts = std::mem::take(&mut *held);
    if message.life.shuffle {
        shuffle(&mut posts, message.id);
    }
    for post in posts {
        state.timeline.post(at, post);
    }
}

/// Puts callbacks into another order, the same one in every run.
fn shuffle(posts: &mut [Post], message: i64) {
    let before: Vec<Arc<str>> = posts.iter().map(|post| Arc::clone(&post.body)).collect();
    let mut random = ChaCha8Rng::seed_from_u64(message.unsigned_abs());
    posts.shuffle(&mut random);
    if posts.iter().map(|post| &post.body).eq(before.iter()) && !posts.is_empty() {
        posts.reverse();
    }
}

/// The client for a sandbox's callbacks.
fn client(destinations: Destinations) -> CheckedClient {
    CheckedClient::new(POST_TIMEOUT, move |host, address| destinations.allow(host, address))
}

/// Whether a server that callbacks may go to answers a HEAD request for a URL with 200, as edna checks it.
pub async fn is_available(url: &str, destinations: &Destinations) -> bool {
    client(destinations.clone()).head(url.to_owned()).await == Some(200)
}

/// Posts a callback once, and plans its next attempt if it is not answered with 200.
async fn deliver(instance: &Arc<Instance>, TakenPost { due, post, number, authorization }: TakenPost) {
    let sending = &instance.sending;
    // On a clock that is stopped, everything happens at its time, however far the clock was moved.
    let at = if is_stopped(instance) { due } else { due.max(instance.clock.now()) };
    let status =
        client(sending.destinations().clone()).post(post.url.clone(), authorization, post.body.to_string()).await;
    let mut state = sending.state();
    state.in_flight.remove(&number);
    if !state.has_ended {
        state.list(post.posted(at, status));
        if status != Some(200)
            && let Some((due, retry)) = post.retry(at)
        {
            state.timeline.post(due, retry);
        }
    }
    drop(state);
    sending.answered.notify_waiters();
}

/// Records a message, or a status event, as if the tenant's own system had sent it.
/// Returns whether it is in the history.
async fn record(instance: &Instance, tenant: TenantId, entry: &Value, is_message: bool) -> bool {
    let (app, caller, now) = (instance.app(), Caller::master(tenant), instance.clock.now());
    let body = entry.to_string().into_bytes();
    let recorded = if is_message {
        record_messages(app, &caller, now, body).await
    } else {
        record_statuses(app, &caller, now, body).await
    };
    let is_recorded = recorded.is_ok_and(|result| result.status().is_success());
    if !is_recorded {
        tracing::warn!("a simulated message, or its status, was not recorded: the tenant's store is busy, or gone");
    }
    is_recorded
}

/// Starts what does the due things of a running clock, once for each instance. It ends with its instance.
pub fn start_ticker(instance: &Arc<Instance>) {
    let is_started = std::mem::replace(&mut instance.sending.state().has_ticker, true);
    if !is_started {
        tokio::spawn(tick(Arc::downgrade(instance)));
    }
}

async fn tick(instance: Weak<Instance>) {
    loop {
        let (wake, wait) = {
            let Some(instance) = instance.upgrade() else { return };
            if instance.sending.state().has_ended {
                return;
            }
            // On a clock that is stopped, those who move it do what is due.
            if !is_stopped(&instance) {
                run_due(&instance).await;
            }
            (Arc::clone(&instance.sending.wake), until_next(&instance))
        };
        tokio::select! {
            () = wake.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

fn is_stopped(instance: &Instance) -> bool {
    matches!(instance.clock.mode(), ClockMode::Stopped(_))
}

/// How long nothing is due on a clock that runs.
fn until_next(instance: &Instance) -> Duration {
    let next = instance.sending.state().timeline.next_at();
    let wait = next.filter(|_| !is_stopped(instance)).map(|at| at.0.saturating_sub(instance.clock.now().0));
    wait.map_or(LONGEST_SLEEP, |wait| Duration::from_millis(wait.max(0).unsigned_abs()).min(LONGEST_SLEEP))
}
