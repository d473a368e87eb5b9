//! The sessions of users who are signed in to the console; knows no password and no cookie.

use diesel::prelude::*;

use super::users::Row;
use crate::model::key::KeyDigest;
use crate::model::user::{PasswordHash, User};
use crate::model::{Instant, TenantId};
use crate::store::Connection;
use crate::store::db::connection::on_each;
use crate::store::error::StoreError;
use crate::store::schema::{sessions, users};

/// A session to be stored.
#[derive(Clone)]
pub struct NewSession {
    pub digest: KeyDigest,
    pub user: i64,
    /// The password that was verified.
    pub password: PasswordHash,
    pub expires_at: Instant,
    /// The session that it replaces.
    pub replaces: Option<KeyDigest>,
}

/// Begins a session, and deletes those of the same user that have ended; `false` if the user was disabled, or got another
/// password, meanwhile.
///
/// It does not wait for the tenant's other writers. The lock on the user's row makes it take turns with a change of that
/// user; one that is being changed is `Busy`.
pub fn begin(
    connection: &mut Connection,
    tenant: TenantId,
    session: &NewSession,
    now: Instant,
) -> Result<bool, StoreError> {
    let user = users::table.find(session.user).filter(users::tenant_id.eq(tenant.0)).select(users::id);
    let verified = user.filter(users::disabled_at.is_null()).filter(users::password_hash.eq(&session.password.0));
    let found: Option<i64> = on_each!(
        connection,
        // A writer on SQLite has locked the whole file.
        |file| verified.first(file).optional()?,
        |server| verified.for_no_key_update().no_wait().first(server).optional()?
    );
    if found.is_none() {
        return Ok(false);
    }
    let ended = sessions::table.filter(sessions::user_id.eq(session.user)).filter(sessions::expires_at.le(now.0));
    diesel::delete(ended).execute(connection)?;
    if let Some(replaced) = session.replaces {
        // Of whichever user and tenant: the browser has shown its token.
        diesel::delete(sessions::table.find(replaced.0.as_slice())).execute(connection)?;
    }
    let row = (
        sessions::digest.eq(session.digest.0.as_slice()),
        sessions::tenant_id.eq(tenant.0),
        sessions::user_id.eq(session.user),
        sessions::created_at.eq(now.0),
        sessions::expires_at.eq(session.expires_at.0),
    );
    diesel::insert_into(sessions::table).values(row).execute(connection)?;
    Ok(true)
}

/// The user of a session that has not ended, unless they are disabled.
pub fn user(connection: &mut Connection, digest: KeyDigest, now: Instant) -> Result<Option<User>, StoreError> {
    let row: Option<Row> = sessions::table
        .inner_join(users::table.on(users::id.eq(sessions::user_id)))
        .filter(sessions::digest.eq(digest.0.as_slice()))
        .filter(sessions::expires_at.gt(now.0))
        .filter(users::disabled_at.is_null())
        .select(Row::as_select())
        .first(connection)
        .optional()?;
    row.map(Row::into_user).transpose()
}

/// Ends a session of a tenant's user.
pub fn end(connection: &mut Connection, tenant: TenantId, digest: KeyDigest) -> Result<(), StoreError> {
    let session = sessions::table.find(digest.0.as_slice()).filter(sessions::tenant_id.eq(tenant.0));
    diesel::delete(session).execute(connection)?;
    Ok(())
}
