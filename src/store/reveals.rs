//! Whose addresses a session shows unmasked; knows no message.

use std::collections::BTreeSet;

use diesel::prelude::*;

use crate::model::key::KeyDigest;
use crate::model::{Instant, TenantId};
use crate::store::Connection;
use crate::store::db::connection::on_each;
use crate::store::db::fragments::any_of;
use crate::store::error::StoreError;
use crate::store::schema::reveals;

/// Shows recipients unmasked to a session until a time. What has ended is deleted.
pub fn add(
    connection: &mut Connection,
    tenant: TenantId,
    (session, recipients): (KeyDigest, &[i64]),
    (now, until): (Instant, Instant),
) -> Result<(), StoreError> {
    let ended = reveals::table.filter(reveals::tenant_id.eq(tenant.0).and(reveals::expires_at.le(now.0)));
    diesel::delete(ended).execute(connection)?;
    for recipient in recipients {
        let row = (
            reveals::session_digest.eq(session.0.as_slice()),
            reveals::tenant_id.eq(tenant.0),
            reveals::recipient_id.eq(recipient),
            reveals::expires_at.eq(until.0),
        );
        let upsert = diesel::insert_into(reveals::table)
            .values(row)
            .on_conflict((reveals::tenant_id, reveals::session_digest, reveals::recipient_id))
            .do_update()
            .set(reveals::expires_at.eq(until.0));
        on_each!(connection, |connection| upsert.execute(connection)?);
    }
    Ok(())
}

/// Until when a session shows all of some recipients unmasked; `None` if it does not.
pub fn until(
    connection: &mut Connection,
    tenant: TenantId,
    (session, recipients): (KeyDigest, &[i64]),
    now: Instant,
) -> Result<Option<Instant>, StoreError> {
    let rows: Vec<(i64, i64)> = reveals::table
        .filter(reveals::tenant_id.eq(tenant.0))
        .filter(reveals::session_digest.eq(session.0.as_slice()))
        .filter(any_of(reveals::recipient_id, recipients))
        .filter(reveals::expires_at.gt(now.0))
        .select((reveals::recipient_id, reveals::expires_at))
        .load(connection)?;
    let shown: BTreeSet<i64> = rows.iter().map(|(recipient, _)| *recipient).collect();
    if recipients.is_empty() || recipients.iter().any(|recipient| !shown.contains(recipient)) {
        return Ok(None);
    }
    Ok(rows.iter().map(|(_, at)| Instant(*at)).min())
}
