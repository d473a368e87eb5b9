//! The users of the console in the store; knows no password in clear text and no cookie.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use crate::model::user::{Login, PasswordHash, Role, User};
use crate::model::{Grants, Instant, Sight, TenantId};
use crate::store::Connection;
use crate::store::db::connection::on_each;
use crate::store::error::StoreError;
use crate::store::schema::{sessions, users};
use crate::store::tenants;

/// A user to be stored.
pub struct NewUser {
    pub login: Login,
    pub role: Role,
    pub senders: Option<BTreeSet<i64>>,
    pub password: PasswordHash,
}

/// A user as a listing shows it.
#[derive(Clone, Debug)]
pub struct ListedUser {
    pub user: User,
    pub created_at: Instant,
    pub disabled_at: Option<Instant>,
    /// How many sessions the user has.
    pub sessions: i64,
}

#[derive(Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = users)]
pub(super) struct Row {
    id: i64,
    tenant_id: i64,
    login: String,
    role: String,
    senders: Option<String>,
    password_hash: String,
    created_at: i64,
    password_set_at: i64,
    disabled_at: Option<i64>,
}

/// Adds a user; `None` if the login is taken, also by a user of another tenant.
pub fn create(
    connection: &mut Connection,
    tenant: TenantId,
    user: &NewUser,
    now: Instant,
) -> Result<Option<i64>, StoreError> {
    tenants::lock(connection, tenant)?;
    let row = (
        users::tenant_id.eq(tenant.0),
        users::login.eq(user.login.as_str()),
        users::role.eq(user.role.word()),
        // Serializing numbers cannot fail.
        users::senders.eq(user.senders.as_ref().map(|senders| serde_json::to_string(senders).unwrap_or_default())),
        users::password_hash.eq(&user.password.0),
        (users::created_at.eq(now.0), users::password_set_at.eq(now.0)),
    );
    let insert = diesel::insert_into(users::table).values(row).on_conflict_do_nothing().returning(users::id);
    Ok(on_each!(connection, |connection| insert.get_result(connection).optional()?))
}

/// Lists the users of a tenant in the order in which they were added.
pub fn list(connection: &mut Connection, tenant: TenantId, now: Instant) -> Result<Vec<ListedUser>, StoreError> {
    tenants::require(connection, tenant)?;
    let of_tenant = users::table.filter(users::tenant_id.eq(tenant.0));
    let rows: Vec<Row> = of_tenant.select(Row::as_select()).order(users::id).load(connection)?;
    let open: HashMap<i64, i64> = sessions::table
        .filter(sessions::user_id.eq_any(of_tenant.select(users::id)).and(sessions::expires_at.gt(now.0)))
        .group_by(sessions::user_id)
        .select((sessions::user_id, diesel::dsl::count_star()))
        .load(connection)?
        .into_iter()
        .collect();
    let listed = |row: Row| {
        Ok(ListedUser {
            sessions: open.get(&row.id).copied().unwrap_or_default(),
            created_at: Instant(row.created_at),
            disabled_at: row.disabled_at.map(Instant),
            user: row.into_user()?,
        })
    };
    rows.into_iter().map(listed).collect()
}

/// The ids of a tenant's users, disabled or not.
pub fn ids(connection: &mut Connection, tenant: TenantId) -> Result<Vec<i64>, StoreError> {
    Ok(users::table.filter(users::tenant_id.eq(tenant.0)).select(users::id).order(users::id).load(connection)?)
}

/// Whether there is a user of any tenant, disabled or not.
pub fn any(connection: &mut Connection) -> Result<bool, StoreError> {
    Ok(diesel::select(diesel::dsl::exists(users::table.select(users::id))).get_result(connection)?)
}

/// Disables a user and ends their sessions, or lets a disabled one sign in again; `false` if the tenant has no such user.
pub fn set_disabled(
    connection: &mut Connection,
    tenant: TenantId,
    login: &Login,
    is_disabled: bool,
    now: Instant,
) -> Result<bool, StoreError> {
    let Some(id) = id_of(connection, tenant, login)? else { return Ok(false) };
    let user = users::table.find(id);
    if is_disabled {
        // The time at which a user was first disabled stays.
        let enabled = user.filter(users::disabled_at.is_null());
        diesel::update(enabled).set(users::disabled_at.eq(now.0)).execute(connection)?;
        end_sessions(connection, id)?;
    } else {
        diesel::update(user).set(users::disabled_at.eq(None::<i64>)).execute(connection)?;
    }
    Ok(true)
}

/// Gives a user another password and ends their sessions; `false` if the tenant has no such user.
pub fn set_password(
    connection: &mut Connection,
    tenant: TenantId,
    login: &Login,
    password: &PasswordHash,
    now: Instant,
) -> Result<bool, StoreError> {
    let Some(id) = id_of(connection, tenant, login)? else { return Ok(false) };
    let columns = (users::password_hash.eq(&password.0), users::password_set_at.eq(now.0));
    diesel::update(users::table.find(id)).set(columns).execute(connection)?;
    end_sessions(connection, id)?;
    Ok(true)
}

/// Ends the sessions of a user; `false` if the tenant has no such user.
pub fn end_sessions_of(connection: &mut Connection, tenant: TenantId, login: &Login) -> Result<bool, StoreError> {
    let Some(id) = id_of(connection, tenant, login)? else { return Ok(false) };
    end_sessions(connection, id)?;
    Ok(true)
}

/// The user of a login with the hash of their password; of a disabled one, with a hash that no password has.
pub fn find(connection: &mut Connection, login: &Login) -> Result<Option<(User, PasswordHash)>, StoreError> {
    let row: Option<Row> =
        users::table.filter(users::login.eq(login.as_str())).select(Row::as_select()).first(connection).optional()?;
    let Some(row) = row else { return Ok(None) };
    let is_disabled = row.disabled_at.is_some();
    let hash = if is_disabled { PasswordHash::of_unknown_user() } else { PasswordHash(row.password_hash.clone()) };
    Ok(Some((row.into_user()?, hash)))
}

/// A user's row, to be copied into another store.
pub struct StoredUser(Row);

impl StoredUser {
    /// Whether another row is that of the same user, with a password that is not older, and disabled if this one is.
    pub fn is_covered_by(&self, other: &Self) -> bool {
        let is_newer = self.0.login == other.0.login && self.0.password_set_at <= other.0.password_set_at;
        is_newer && (self.0.disabled_at.is_none() || other.0.disabled_at.is_some())
    }
}

/// The rows of a tenant's users in the order in which they were added.
pub fn rows(connection: &mut Connection, tenant: TenantId) -> Result<Vec<StoredUser>, StoreError> {
    let of_tenant = users::table.filter(users::tenant_id.eq(tenant.0));
    let rows: Vec<Row> = of_tenant.select(Row::as_select()).order(users::id).load(connection)?;
    Ok(rows.into_iter().map(StoredUser).collect())
}

/// Stores a copied user. Of one that is there already, the row with the later password counts, and it is disabled if either
/// is; its sessions end if that changes anything. Returns whether anything changed. Fails if the login is that of a user of another tenant.
pub fn put(connection: &mut Connection, tenant: TenantId, user: &StoredUser) -> Result<bool, StoreError> {
    tenants::lock(connection, tenant)?;
    let StoredUser(row) = user;
    let columns = |row: &Row, disabled_at: Option<i64>| {
        (
            (
                users::role.eq(row.role.clone()),
                users::senders.eq(row.senders.clone()),
                users::password_hash.eq(row.password_hash.clone()),
            ),
            (users::password_set_at.eq(row.password_set_at), users::disabled_at.eq(disabled_at)),
        )
    };
    let known = users::table.filter(users::login.eq(&row.login)).select(Row::as_select()).first(connection);
    let Some(known): Option<Row> = known.optional()? else {
        let new = (
            (users::tenant_id.eq(tenant.0), users::login.eq(&row.login), users::created_at.eq(row.created_at)),
            columns(row, row.disabled_at),
        );
        let insert = diesel::insert_into(users::table).values(new);
        on_each!(connection, |connection| insert.execute(connection)?);
        return Ok(true);
    };
    if known.tenant_id != tenant.0 {
        return Err(StoreError::TakenLogin { tenant: TenantId(known.tenant_id) });
    }
    let known = StoredUser(known);
    if user.is_covered_by(&known) {
        return Ok(false);
    }
    let later = if row.password_set_at > known.0.password_set_at { row } else { &known.0 };
    let columns = columns(later, known.0.disabled_at.or(row.disabled_at));
    diesel::update(users::table.find(known.0.id)).set(columns).execute(connection)?;
    end_sessions(connection, known.0.id)?;
    Ok(true)
}

fn id_of(connection: &mut Connection, tenant: TenantId, login: &Login) -> Result<Option<i64>, StoreError> {
    tenants::lock(connection, tenant)?;
    let user = users::table.filter(users::login.eq(login.as_str())).filter(users::tenant_id.eq(tenant.0));
    Ok(user.select(users::id).first(connection).optional()?)
}

fn end_sessions(connection: &mut Connection, user: i64) -> Result<(), StoreError> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user))).execute(connection)?;
    Ok(())
}

impl Row {
    pub(super) fn into_user(self) -> Result<User, StoreError> {
        let unreadable = |what: &str| StoreError::DamagedRow(format!("a user's row cannot be read: {what}"));
        let senders = self.senders.as_deref().map(serde_json::from_str).transpose();
        Ok(User {
            id: self.id,
            role: Role::from_word(&self.role).ok_or_else(|| unreadable("its role is not known"))?,
            grants: Grants {
                tenant: TenantId(self.tenant_id),
                sight: Sight::Masked,
                senders: senders.map_err(|_| unreadable("its senders are not a list of numbers"))?,
            },
            login: self.login,
        })
    }
}
