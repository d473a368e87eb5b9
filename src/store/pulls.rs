//! How far the histories of other endpoints are copied; knows no message and no request.

use diesel::prelude::*;

use crate::model::{Instant, TenantId};
use crate::store::Connection;
use crate::store::db::connection::on_each;
use crate::store::error::StoreError;
use crate::store::schema::pulls;
use crate::store::tenants;

/// How far one upstream's history is copied: one row, written whole, so that it is always what one pull says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullProgress {
    /// The first instant that was asked for; `None` for as far back as there is.
    pub asked_from: Option<Instant>,
    /// The last instant that was asked for; `None` for until now.
    pub asked_to: Option<Instant>,
    /// Up to when everything that was asked for is here, except what `incomplete` names.
    pub complete_up_to: Option<Instant>,
    /// Up to when it was read so long after it was sent that nothing of it will change any more.
    pub settled_up_to: Option<Instant>,
    /// The window in progress.
    pub window: Option<WindowProgress>,
    /// First and last instants of windows that could not be read to their end with certainty.
    pub incomplete: Vec<(Instant, Instant)>,
}

/// A window of which a part is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowProgress {
    pub from: Instant,
    pub to: Instant,
    /// When its first page was asked for.
    pub since: Instant,
    /// Which message to go on with, and that message's id.
    pub offset: u64,
    pub last_id: i64,
}

type Row = (
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    String,
);

/// How far an upstream's history is copied; `None` where that was never begun.
pub fn load(connection: &mut Connection, tenant: TenantId, upstream: &str) -> Result<Option<PullProgress>, StoreError> {
    let row: Option<Row> = pulls::table
        .find((tenant.0, upstream))
        .select((
            pulls::asked_from,
            pulls::asked_to,
            pulls::complete_up_to,
            pulls::settled_up_to,
            pulls::window_from,
            pulls::window_to,
            pulls::window_since,
            pulls::window_offset,
            pulls::window_last_id,
            pulls::incomplete,
        ))
        .first(connection)
        .optional()?;
    Ok(row.map(|(asked_from, asked_to, complete, settled, from, to, since, offset, last_id, incomplete)| {
        PullProgress {
            asked_from: asked_from.map(Instant),
            asked_to: asked_to.map(Instant),
            complete_up_to: complete.map(Instant),
            settled_up_to: settled.map(Instant),
            window: window(from, to, since, offset, last_id),
            incomplete: incomplete.split_whitespace().filter_map(ends).collect(),
        }
    }))
}

/// Notes how far an upstream's history is copied.
pub fn save(
    connection: &mut Connection,
    tenant: TenantId,
    upstream: &str,
    progress: &PullProgress,
) -> Result<(), StoreError> {
    // Of a tenant that is deleted meanwhile nothing is to stay.
    tenants::lock(connection, tenant)?;
    let incomplete: Vec<String> =
        progress.incomplete.iter().map(|(from, to)| format!("{}..{}", from.0, to.0)).collect();
    let millis = |instant: Option<Instant>| instant.map(|instant| instant.0);
    let window = progress.window;
    let said = (
        pulls::asked_from.eq(millis(progress.asked_from)),
        pulls::asked_to.eq(millis(progress.asked_to)),
        pulls::complete_up_to.eq(millis(progress.complete_up_to)),
        pulls::settled_up_to.eq(millis(progress.settled_up_to)),
        pulls::window_from.eq(window.map(|window| window.from.0)),
        pulls::window_to.eq(window.map(|window| window.to.0)),
        pulls::window_since.eq(window.map(|window| window.since.0)),
        pulls::window_offset.eq(window.and_then(|window| i64::try_from(window.offset).ok())),
        pulls::window_last_id.eq(window.map(|window| window.last_id)),
        pulls::incomplete.eq(incomplete.join(" ")),
    );
    let upsert = diesel::insert_into(pulls::table)
        .values((pulls::tenant_id.eq(tenant.0), pulls::upstream.eq(upstream), said.clone()))
        .on_conflict((pulls::tenant_id, pulls::upstream))
        .do_update()
        .set(said);
    on_each!(connection, |connection| upsert.execute(connection)?);
    Ok(())
}

fn window(
    from: Option<i64>,
    to: Option<i64>,
    since: Option<i64>,
    offset: Option<i64>,
    last_id: Option<i64>,
) -> Option<WindowProgress> {
    Some(WindowProgress {
        from: Instant(from?),
        to: Instant(to?),
        since: Instant(since?),
        offset: u64::try_from(offset?).ok()?,
        last_id: last_id?,
    })
}

fn ends(text: &str) -> Option<(Instant, Instant)> {
    let (from, to) = text.split_once("..")?;
    Some((Instant(from.parse().ok()?), Instant(to.parse().ok()?)))
}
