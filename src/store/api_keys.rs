//! API keys in the store: their digests and what they allow; knows no key itself.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use subtle::ConstantTimeEq;

use crate::model::key::{KeyDigest, KeyKind, Profile, Project};
use crate::model::{Caller, Grants, Instant, Sight, TenantId};
use crate::store::Connection;
use crate::store::db::connection::on_each;
use crate::store::error::StoreError;
use crate::store::schema::{api_keys, tenants};

/// A key to be stored.
#[derive(Clone)]
pub struct NewKey {
    pub tenant: TenantId,
    pub digest: KeyDigest,
    pub name: String,
    pub kind: KeyKind,
    pub groups: Option<Vec<String>>,
    pub senders: Option<Vec<i64>>,
    pub permissions: Option<Vec<String>>,
    pub oneuptime_profile: Option<String>,
    pub valid_until: Option<NaiveDate>,
}

impl NewKey {
    /// A key that may do everything and never expires.
    pub fn master(tenant: TenantId, digest: KeyDigest, name: &str) -> Self {
        Self {
            tenant,
            digest,
            name: name.into(),
            kind: KeyKind::Master,
            groups: None,
            senders: None,
            permissions: None,
            oneuptime_profile: None,
            valid_until: None,
        }
    }
}

/// A key as a listing shows it.
#[derive(Clone, Debug)]
pub struct ListedKey {
    pub id: i64,
    pub name: String,
    pub kind: String,
    pub groups: Vec<String>,
    pub senders: Vec<i64>,
    pub permissions: Vec<String>,
    pub oneuptime_profile: Option<String>,
    pub valid_until: Option<String>,
    pub last_used_at: Option<Instant>,
    pub revoked_at: Option<Instant>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys)]
struct Row {
    id: i64,
    tenant_id: i64,
    digest: Vec<u8>,
    name: String,
    kind: String,
    method_groups: Option<String>,
    senders: Option<String>,
    permissions: Option<String>,
    oneuptime_profile: Option<String>,
    valid_until: Option<String>,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
}

/// Stores a key; `None` if the same key was issued before, even if it has been revoked.
pub fn issue(connection: &mut Connection, key: &NewKey, now: Instant) -> Result<Option<i64>, StoreError> {
    crate::store::tenants::lock(connection, key.tenant)?;
    let row = (
        api_keys::tenant_id.eq(key.tenant.0),
        api_keys::digest.eq(key.digest.0.as_slice()),
        api_keys::name.eq(&key.name),
        api_keys::kind.eq(key.kind.word()),
        api_keys::method_groups.eq(key.groups.as_ref().map(|list| to_json(list))),
        api_keys::senders.eq(key.senders.as_ref().map(|list| to_json(list))),
        api_keys::permissions.eq(key.permissions.as_ref().map(|list| to_json(list))),
        api_keys::oneuptime_profile.eq(&key.oneuptime_profile),
        api_keys::valid_until.eq(key.valid_until.map(|day| day.to_string())),
        api_keys::created_at.eq(now.0),
    );
    let insert = diesel::insert_into(api_keys::table).values(row).on_conflict_do_nothing().returning(api_keys::id);
    Ok(on_each!(connection, |connection| insert.get_result(connection).optional()?))
}

/// A key's row, to be copied into another store.
pub struct StoredKey {
    row: Row,
    created_at: i64,
}

impl StoredKey {
    /// Whether another row is that of the same key, and revoked if this one is.
    pub fn is_covered_by(&self, other: &Self) -> bool {
        self.row.digest == other.row.digest && (self.row.revoked_at.is_none() || other.row.revoked_at.is_some())
    }
}

/// The rows of a tenant's keys in the order in which they were issued.
pub fn rows(connection: &mut Connection, tenant: TenantId) -> Result<Vec<StoredKey>, StoreError> {
    let rows: Vec<(Row, i64)> = api_keys::table
        .filter(api_keys::tenant_id.eq(tenant.0))
        .select((Row::as_select(), api_keys::created_at))
        .order(api_keys::id)
        .load(connection)?;
    Ok(rows.into_iter().map(|(row, created_at)| StoredKey { row, created_at }).collect())
}

/// Stores a copied key; one that is there already only becomes revoked, and its last use never moves backwards. Returns
/// whether anything changed. Fails if the key is that of another tenant.
pub fn put(
    connection: &mut Connection,
    tenant: TenantId,
    StoredKey { row: key, created_at }: &StoredKey,
) -> Result<bool, StoreError> {
    crate::store::tenants::lock(connection, tenant)?;
    let known: Option<(i64, i64, Option<i64>, Option<i64>)> = api_keys::table
        .filter(api_keys::digest.eq(&key.digest))
        .select((api_keys::id, api_keys::tenant_id, api_keys::last_used_at, api_keys::revoked_at))
        .first(connection)
        .optional()?;
    let Some((id, owner, last_used_at, revoked_at)) = known else {
        let row = (
            (api_keys::tenant_id.eq(tenant.0), api_keys::digest.eq(&key.digest)),
            (api_keys::name.eq(&key.name), api_keys::kind.eq(&key.kind)),
            (api_keys::method_groups.eq(&key.method_groups), api_keys::senders.eq(&key.senders)),
            (api_keys::permissions.eq(&key.permissions), api_keys::oneuptime_profile.eq(&key.oneuptime_profile)),
            (api_keys::valid_until.eq(&key.valid_until), api_keys::created_at.eq(created_at)),
            (api_keys::last_used_at.eq(key.last_used_at), api_keys::revoked_at.eq(key.revoked_at)),
        );
        let insert = diesel::insert_into(api_keys::table).values(row);
        on_each!(connection, |connection| insert.execute(connection)?);
        return Ok(true);
    };
    if owner != tenant.0 {
        return Err(StoreError::TakenKey { tenant: TenantId(owner) });
    }
    let (last, revoked) = (last_used_at.max(key.last_used_at), revoked_at.or(key.revoked_at));
    if (last, revoked) == (last_used_at, revoked_at) {
        return Ok(false);
    }
    let columns = (api_keys::last_used_at.eq(last), api_keys::revoked_at.eq(revoked));
    diesel::update(api_keys::table.find(id)).set(columns).execute(connection)?;
    Ok(true)
}

/// Finds what the key with a digest allows; `None` if there is no such key or it is revoked. The expiry date is not
/// checked here.
pub fn find(connection: &mut Connection, digest: KeyDigest) -> Result<Option<Caller>, StoreError> {
    let row: Option<(Row, String, String)> = api_keys::table
        .inner_join(tenants::table.on(tenants::id.eq(api_keys::tenant_id)))
        .filter(api_keys::digest.eq(digest.0.as_slice()))
        .select((Row::as_select(), tenants::project_id, tenants::name))
        .first(connection)
        .optional()?;
    let Some((row, id, name)) = row else { return Ok(None) };
    // The index compares byte by byte, so a comparison in constant time decides.
    let is_same = bool::from(row.digest.as_slice().ct_eq(digest.0.as_slice()));
    if !is_same || row.revoked_at.is_some() { Ok(None) } else { caller(&row, Project { id, name }).map(Some) }
}

/// Lists the keys of a tenant in the order in which they were issued.
pub fn list(connection: &mut Connection, tenant: TenantId) -> Result<Vec<ListedKey>, StoreError> {
    crate::store::tenants::require(connection, tenant)?;
    let rows = api_keys::table
        .filter(api_keys::tenant_id.eq(tenant.0))
        .select(Row::as_select())
        .order(api_keys::id)
        .load(connection)?;
    rows.into_iter()
        .map(|row| {
            Ok(ListedKey {
                id: row.id,
                name: row.name,
                kind: row.kind,
                groups: from_json(row.method_groups.as_deref())?.unwrap_or_default(),
                senders: from_json(row.senders.as_deref())?.unwrap_or_default(),
                permissions: from_json(row.permissions.as_deref())?.unwrap_or_default(),
                oneuptime_profile: row.oneuptime_profile,
                valid_until: row.valid_until,
                last_used_at: row.last_used_at.map(Instant),
                revoked_at: row.revoked_at.map(Instant),
            })
        })
        .collect()
}

/// The name and kind of a revoked key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokedKey {
    pub name: String,
    pub kind: String,
}

/// Revokes a key of a tenant permanently; `None` if the tenant has no such key. Revoking it again changes nothing.
pub fn revoke(
    connection: &mut Connection,
    tenant: TenantId,
    id: i64,
    now: Instant,
) -> Result<Option<RevokedKey>, StoreError> {
    crate::store::tenants::require(connection, tenant)?;
    let key = api_keys::table.find(id).filter(api_keys::tenant_id.eq(tenant.0));
    let revoked: Option<(String, String)> =
        key.select((api_keys::name, api_keys::kind)).first(connection).optional()?;
    diesel::update(key.filter(api_keys::revoked_at.is_null()))
        .set(api_keys::revoked_at.eq(now.0))
        .execute(connection)?;
    Ok(revoked.map(|(name, kind)| RevokedKey { name, kind }))
}

/// Records when keys were last used. A recorded time never moves backwards.
pub fn save_last_uses(connection: &mut Connection, uses: &BTreeMap<i64, Instant>) -> Result<(), StoreError> {
    for (id, at) in uses {
        let is_earlier = api_keys::last_used_at.is_null().or(api_keys::last_used_at.lt(at.0));
        diesel::update(api_keys::table.find(id).filter(is_earlier))
            .set(api_keys::last_used_at.eq(at.0))
            .execute(connection)?;
    }
    Ok(())
}

fn caller(row: &Row, project: Project) -> Result<Caller, StoreError> {
    let last_day = row.valid_until.as_deref().map(str::parse::<NaiveDate>).transpose().map_err(unreadable)?;
    Ok(Caller {
        key_id: row.id,
        grants: Grants {
            sight: Sight::Whole,
            tenant: TenantId(row.tenant_id),
            senders: from_json::<BTreeSet<i64>>(row.senders.as_deref())?.filter(|senders| !senders.is_empty()),
        },
        project,
        kind: KeyKind::from_word(&row.kind).ok_or_else(|| unreadable("its kind is not known"))?,
        groups: from_json(row.method_groups.as_deref())?.unwrap_or_default(),
        permissions: from_json(row.permissions.as_deref())?.unwrap_or_default(),
        profile: row
            .oneuptime_profile
            .as_deref()
            .map(|word| Profile::from_word(word).ok_or_else(|| unreadable("its profile is not known")))
            .transpose()?,
        valid_before: last_day.and_then(Instant::end_of_day),
    })
}

fn to_json<T: serde::Serialize>(list: &[T]) -> String {
    // Serializing a list of numbers or strings cannot fail.
    serde_json::to_string(list).unwrap_or_default()
}

fn from_json<T: serde::de::DeserializeOwned>(text: Option<&str>) -> Result<Option<T>, StoreError> {
    text.map(serde_json::from_str).transpose().map_err(unreadable)
}

fn unreadable(error: impl std::fmt::Display) -> StoreError {
    StoreError::DamagedRow(format!("a key's row cannot be read: {error}"))
}
