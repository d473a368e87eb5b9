//! Reads one window to its end, recording page after page; knows no other window.

use super::page::Cursor;
use super::upstream::{PageRequest, UpstreamPage};
use super::{MOST_FINGERPRINTS, Observer, Pull, PullError};
use crate::ingest::{Event, OutcomeCounts};
use crate::model::{Instant, Provenance, Source};
use crate::store::pulls::WindowProgress;

/// How many bytes of text one durable write takes.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// Why a window is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// It comes after everything that is complete.
    Forward,
    /// It may have been incomplete.
    Recheck,
}

/// What came of a window.
pub(super) enum WindowOutcome {
    /// It is read to its end: since when, how many messages, and what did not fit together to the last.
    Read { since: Instant, read: u64, fault: Option<&'static str> },
    /// A shorter one is to be read instead.
    Shorten { by: i64 },
}

/// How much shorter a window becomes that has too many messages, and one whose pages do not fit together.
const TOO_MANY: i64 = 2;
const UNFIT: i64 = 8;

impl<N: Fn() -> Instant, W: Observer> Pull<N, W> {
    pub(super) async fn copy_window(
        &mut self,
        from: Instant,
        to: Instant,
        begun: Option<WindowProgress>,
        pass: Pass,
    ) -> Result<WindowOutcome, PullError> {
        let limits = self.options.limits;
        let since = begun.map_or_else(&self.now, |begun| begun.since);
        let can_be_shorter = to.0 - from.0 >= limits.shortest;
        // Where the window before had too many, it is cheaper to ask before a page is fetched in vain.
        let mut looked = begun.is_some();
        if self.dense && can_be_shorter && !looked {
            looked = true;
            if self.is_deep(from, to).await? {
                return Ok(WindowOutcome::Shorten { by: TOO_MANY });
            }
        }
        let mut cursor = begun.map_or_else(Cursor::default, |begun| Cursor::at(begun.offset, begun.last_id));
        let (mut restarts, mut pages, mut fault) = (0, 0, None);
        loop {
            let request = PageRequest { from, to, offset: cursor.offset, limit: limits.page };
            let page = self.request_page(request).await?;
            pages += 1;
            if fault.is_none() {
                fault = cursor.fault(&page, &request);
                if fault.is_some() && restarts < limits.restarts {
                    restarts += 1;
                    (cursor, fault) = (Cursor::default(), None);
                    continue;
                }
            }
            if fault.is_none() && page.has_next && can_be_shorter && !looked {
                looked = true;
                if self.is_deep(from, to).await? {
                    return Ok(WindowOutcome::Shorten { by: TOO_MANY });
                }
            }
            let is_endless = page.has_next && (pages >= limits.pages || can_be_shorter && cursor.offset > limits.deep);
            if is_endless {
                fault = fault.or(Some("its pages do not come to an end"));
            }
            // A shorter window has fewer pages that could fail to fit together.
            if fault.is_some() && can_be_shorter {
                return Ok(WindowOutcome::Shorten { by: UNFIT });
            }
            let next = cursor.after(&page).filter(|_| !is_endless);
            let read = cursor.offset + page.entries.len() as u64;
            self.record(from, to, cursor, page).await?;
            let Some(next) = next else {
                self.dense = false;
                return Ok(WindowOutcome::Read { since, read, fault });
            };
            cursor = next;
            if let (Pass::Forward, Some(last_id), None) = (pass, cursor.mark, fault) {
                self.progress.window = Some(WindowProgress { from, to, since, offset: cursor.offset, last_id });
                self.save_progress().await?;
            }
        }
    }

    /// Whether a window has more messages than should be read with offsets.
    async fn is_deep(&mut self, from: Instant, to: Instant) -> Result<bool, PullError> {
        let page = self.request_page(PageRequest { from, to, offset: self.options.limits.deep, limit: 1 }).await?;
        self.dense = !page.entries.is_empty();
        Ok(self.dense)
    }

    /// Makes a page durable, without the message that the page before ended with.
    async fn record(
        &mut self,
        from: Instant,
        to: Instant,
        cursor: Cursor,
        page: UpstreamPage,
    ) -> Result<(), PullError> {
        let is_known = cursor.mark.is_some() && cursor.mark == page.entries.first().and_then(|entry| entry.id);
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
                        self.fingerprints.len() >= MOST_FINGERPRINTS || self.fingerprints.insert(entry.fingerprint);
                    if is_new {
                        self.stats.rejected += 1;
                        let place = format!("message {place} of {} to {}", from.iso(), to.iso());
                        self.observer.rejected(&place, &reason);
                    }
                }
            }
        }
        for batch in batches.into_iter().filter(|batch| !batch.is_empty()) {
            self.stats.recorded += OutcomeCounts::of(&self.door.record(self.upstream.tenant(), batch).await?);
        }
        Ok(())
    }
}
