//! Reads one window to its end and records it page by page; knows no other window.

use super::page::Cursor;
use super::state::{Observer, Pull, PullError};
use super::upstream::{PageRequest, UpstreamPage};
use crate::ingest::{Event, OutcomeCounts};
use crate::model::{Instant, Provenance, Source};
use crate::store::pulls::WindowProgress;

/// The maximum number of fingerprints of rejected messages, which keep a message from being reported in every poll.
const MAX_FINGERPRINTS: usize = 10_000;

/// About how many bytes of text one batch may have.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// Why a window is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// It follows everything that is complete.
    Forward,
    /// It is read again because it may be incomplete.
    Recheck,
}

/// The outcome of reading a window.
pub(super) enum WindowOutcome {
    /// It was read to its end: when its first page was requested, how many messages it has, and what did not match to
    /// the last, if anything.
    Read { since: Instant, read: u64, fault: Option<&'static str> },
    /// A window that is shorter by a factor is to be read instead.
    Shorten { by: i64 },
}

/// By which factor a window with too many messages is shortened.
const TOO_MANY_FACTOR: i64 = 2;
/// By which factor a window whose pages do not match is shortened.
const MISMATCH_FACTOR: i64 = 8;

impl<Now: Fn() -> Instant, O: Observer> Pull<Now, O> {
    pub(super) async fn copy_window(
        &mut self,
        from: Instant,
        to: Instant,
        resumed: Option<WindowProgress>,
        pass: Pass,
    ) -> Result<WindowOutcome, PullError> {
        let limits = self.options.limits;
        let since = resumed.map_or_else(&self.now, |resumed| resumed.since);
        let can_be_shorter = to.0 - from.0 >= limits.min_window;
        // If the previous window had too many messages, check the depth before a page is fetched that may be discarded.
        let mut is_depth_checked = resumed.is_some();
        if self.previous_was_dense && can_be_shorter && !is_depth_checked {
            is_depth_checked = true;
            if self.is_deep(from, to).await? {
                return Ok(WindowOutcome::Shorten { by: TOO_MANY_FACTOR });
            }
        }
        let mut cursor = resumed.map_or_else(Cursor::default, |resumed| Cursor::at(resumed.offset, resumed.last_id));
        let (mut restarts, mut pages, mut fault) = (0, 0, None);
        loop {
            let request = PageRequest { from, to, offset: cursor.offset, limit: limits.page_size };
            let page = self.request_page(request).await?;
            pages += 1;
            if fault.is_none() {
                fault = cursor.fault(&page, &request);
                if fault.is_some() && restarts < limits.max_restarts {
                    restarts += 1;
                    (cursor, fault) = (Cursor::default(), None);
                    continue;
                }
            }
            if fault.is_none() && page.has_next && can_be_shorter && !is_depth_checked {
                is_depth_checked = true;
                if self.is_deep(from, to).await? {
                    return Ok(WindowOutcome::Shorten { by: TOO_MANY_FACTOR });
                }
            }
            let is_endless = page.has_next
                && (pages >= limits.max_pages_per_window || can_be_shorter && cursor.offset > limits.max_offset);
            if is_endless {
                fault = fault.or(Some("its pages do not come to an end"));
            }
            // A shorter window has fewer pages that could fail to match.
            if fault.is_some() && can_be_shorter {
                return Ok(WindowOutcome::Shorten { by: MISMATCH_FACTOR });
            }
            let next = cursor.after(&page).filter(|_| !is_endless);
            let read = cursor.offset + page.entries.len() as u64;
            self.record(from, to, cursor, page).await?;
            let Some(next) = next else {
                self.previous_was_dense = false;
                return Ok(WindowOutcome::Read { since, read, fault });
            };
            cursor = next;
            if let (Pass::Forward, Some(last_id), None) = (pass, cursor.expected_first_id, fault) {
                self.progress.window = Some(WindowProgress { from, to, since, offset: cursor.offset, last_id });
                self.save_progress().await?;
            }
        }
    }

    /// Whether a window has more messages than should be read with offsets.
    async fn is_deep(&mut self, from: Instant, to: Instant) -> Result<bool, PullError> {
        let page =
            self.request_page(PageRequest { from, to, offset: self.options.limits.max_offset, limit: 1 }).await?;
        self.previous_was_dense = !page.entries.is_empty();
        Ok(self.previous_was_dense)
    }

    /// Records a page durably, without the message that the previous page ended with.
    async fn record(
        &mut self,
        from: Instant,
        to: Instant,
        cursor: Cursor,
        page: UpstreamPage,
    ) -> Result<(), PullError> {
        let is_known = cursor.expected_first_id.is_some()
            && cursor.expected_first_id == page.entries.first().and_then(|entry| entry.id);
        if page.entries.is_empty() {
            return Ok(());
        }
        let provenance = Provenance { source: Source::Pull, received_at: Some((self.now)()) };
        let (mut batches, mut bytes): (Vec<Vec<Event>>, usize) = (vec![Vec::new()], 0);
        for (place, entry) in (cursor.offset + 1..).zip(page.entries).skip(usize::from(is_known)) {
            match entry.item {
                Ok(item) => {
                    self.stats.unknown_fields += item.extra().len();
                    let event = Event::message(item, provenance);
                    bytes += event.bytes();
                    if bytes > BATCH_BYTES {
                        bytes = event.bytes();
                        batches.push(Vec::new());
                    }
                    if let Some(batch) = batches.last_mut() {
                        batch.push(event);
                    }
                }
                Err(reason) => {
                    let is_new =
                        self.fingerprints.len() >= MAX_FINGERPRINTS || self.fingerprints.insert(entry.fingerprint);
                    if is_new {
                        self.stats.rejected += 1;
                        let place = format!("message {place} of {} to {}", from.iso(), to.iso());
                        self.observer.rejected(&place, &reason);
                    }
                }
            }
        }
        for batch in batches.into_iter().filter(|batch| !batch.is_empty()) {
            self.stats.recorded += OutcomeCounts::of(&self.queue.record(self.upstream.tenant(), batch).await?.outcomes);
        }
        Ok(())
    }
}
