//! The progress of pulls: how far other endpoints' histories are copied; knows no message and no request.

use diesel::prelude::*;

use crate::model::{Instant, TenantId};
use crate::store::Connection;
use crate::store::db::connection::on_each;
use crate::store::error::StoreError;
use crate::store::schema::pulls;
use crate::store::tenants;

/// How far one upstream's history is copied. The row is always written as a whole, so it reflects a single pull.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullProgress {
    /// The first instant of the requested range; `None` for no lower bound.
    pub asked_from: Option<Instant>,
    /// The last instant of the requested range; `None` for up to now.
    pub asked_to: Option<Instant>,
    /// Everything that was requested up to this instant is copied, except the windows in `incomplete`.
    pub complete_up_to: Option<Instant>,
    /// Everything up to this instant was read so long after it was sent that it will not change any more.
    pub settled_up_to: Option<Instant>,
    /// The window in progress.
    pub window: Option<WindowProgress>,
    /// First and last instants of the windows that could not be read to the end with certainty.
    pub incomplete: Vec<(Instant, Instant)>,
}

impl PullProgress {
    /// Whether it has come at least as far as another pull of the same upstream.
    pub fn has_reached(&self, other: &Self) -> bool {
        self.complete_up_to >= other.complete_up_to
    }
}

/// A window that is partly copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowProgress {
    pub from: Instant,
    pub to: Instant,
    /// When its first page was requested.
    pub since: Instant,
    /// The offset of the message to continue with, and the id of that message.
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

/// How far each upstream's history is copied.
pub fn all(connection: &mut Connection, tenant: TenantId) -> Result<Vec<(String, PullProgress)>, StoreError> {
    let upstreams: Vec<String> = pulls::table
        .filter(pulls::tenant_id.eq(tenant.0))
        .select(pulls::upstream)
        .order(pulls::upstream)
        .load(connection)?;
    let mut all = Vec::new();
    for upstream in upstreams {
        if let Some(progress) = load(connection, tenant, &upstream)? {
            all.push((upstream, progress));
        }
    }
    Ok(all)
}

/// Loads how far an upstream's history is copied; `None` if no pull of it has begun.
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
            incomplete: incomplete.split_whitespace().filter_map(parse_range).collect(),
        }
    }))
}

/// Saves how far an upstream's history is copied.
pub fn save(
    connection: &mut Connection,
    tenant: TenantId,
    upstream: &str,
    progress: &PullProgress,
) -> Result<(), StoreError> {
    // Fails if the tenant has been deleted meanwhile, so that nothing of it stays.
    tenants::lock(connection, tenant)?;
    let incomplete: Vec<String> =
        progress.incomplete.iter().map(|(from, to)| format!("{}..{}", from.0, to.0)).collect();
    let millis = |instant: Option<Instant>| instant.map(|instant| instant.0);
    let window = progress.window;
    let columns = (
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
        .values((pulls::tenant_id.eq(tenant.0), pulls::upstream.eq(upstream), columns.clone()))
        .on_conflict((pulls::tenant_id, pulls::upstream))
        .do_update()
        .set(columns);
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

fn parse_range(text: &str) -> Option<(Instant, Instant)> {
    let (from, to) = text.split_once("..")?;
    Some((Instant(from.parse().ok()?), Instant(to.parse().ok()?)))
}
