//! What administrators do with the users of their tenant; knows no page.

use std::collections::BTreeSet;

use super::{ViewError, Viewer};
use crate::model::audit::{Action, AuditRecord};
use crate::model::user::{Login, Password, PasswordHash, Role};
use crate::store::users::{self, ListedUser, NewUser};
use crate::store::{Connection, StoreError, audit, subjects};

/// A change of one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Disable,
    Enable,
    EndSessions,
}

impl Viewer {
    pub fn may_manage_users(&self) -> bool {
        self.user.role == Role::Admin && self.user.grants.senders.is_none()
    }

    /// Fails if the user does not manage users.
    pub fn require_admin(&self) -> Result<(), ViewError> {
        if self.may_manage_users() { Ok(()) } else { Err(ViewError::NotAllowed) }
    }

    /// The users of the tenant. Recorded before they are returned.
    pub async fn users(&self) -> Result<Vec<ListedUser>, ViewError> {
        self.require_admin()?;
        let (tenant, now) = (self.tenant(), self.now);
        let users = self.query(move |connection, _| users::list(connection, tenant, now)).await?;
        let mut record = self.record(Action::Users);
        record.rows = Some(users.len() as u64);
        self.write(record).await?;
        Ok(users)
    }

    /// Adds a user with a new password, which is returned; `None` if the login is taken, or there is no such subject.
    pub async fn create_user(
        &self,
        login: Login,
        role: Role,
        senders: Option<BTreeSet<i64>>,
    ) -> Result<Option<Password>, ViewError> {
        self.require_admin()?;
        if senders.is_some() && !role.may_be_limited() {
            return Err(ViewError::NotValid);
        }
        let (password, hash) = new_password().await?;
        let (tenant, now) = (self.tenant(), self.now);
        let record = self.about(Action::UserCreated, &login).of_user(role, senders.as_ref());
        let create = move |connection: &mut Connection| {
            if let Some(senders) = &senders
                && !subjects::all_exist(connection, tenant, &senders.iter().copied().collect::<Vec<_>>())?
            {
                return Ok(None);
            }
            let user = NewUser { login, role, senders, password: hash };
            let created = users::create(connection, tenant, &user, now)?;
            if created.is_some() {
                audit::append(connection, tenant, &[record], now)?;
            }
            Ok(created)
        };
        Ok(self.app.store.write(create).await?.map(|_| password))
    }

    /// Changes a user of the tenant. Nobody disables themselves.
    pub async fn change_user(&self, login: Login, change: Change) -> Result<(), ViewError> {
        self.require_admin()?;
        if login.as_str() == self.user.login && change == Change::Disable {
            return Err(ViewError::NotValid);
        }
        let (tenant, now) = (self.tenant(), self.now);
        let action = match change {
            Change::Disable => Action::UserDisabled,
            Change::Enable => Action::UserEnabled,
            Change::EndSessions => Action::SessionsEnded,
        };
        let record = self.about(action, &login);
        let apply = move |connection: &mut Connection| {
            let is_known = match change {
                Change::Disable => users::set_disabled(connection, tenant, &login, true, now)?,
                Change::Enable => users::set_disabled(connection, tenant, &login, false, now)?,
                Change::EndSessions => users::end_sessions_of(connection, tenant, &login)?,
            };
            if is_known {
                audit::append(connection, tenant, &[record], now)?;
            }
            Ok(is_known)
        };
        if self.app.store.write(apply).await? { Ok(()) } else { Err(ViewError::NotFound) }
    }

    /// Gives a user of the tenant a new password, which is returned.
    pub async fn renew_password(&self, login: Login) -> Result<Password, ViewError> {
        self.require_admin()?;
        let (password, hash) = new_password().await?;
        let (tenant, now) = (self.tenant(), self.now);
        let record = self.about(Action::PasswordChanged, &login);
        let set = move |connection: &mut Connection| {
            let is_known = users::set_password(connection, tenant, &login, &hash, now)?;
            if is_known {
                audit::append(connection, tenant, &[record], now)?;
            }
            Ok(is_known)
        };
        if self.app.store.write(set).await? { Ok(password) } else { Err(ViewError::NotFound) }
    }

    fn about(&self, action: Action, login: &Login) -> AuditRecord {
        AuditRecord { login: Some(login.as_str().to_owned()), ..self.record(action) }
    }
}

/// Hashing takes a while.
async fn new_password() -> Result<(Password, PasswordHash), ViewError> {
    let failed = |cause: String| ViewError::Store(StoreError::Failed(cause));
    let hashed = tokio::task::spawn_blocking(|| {
        let password = Password::random();
        password.hash().map(|hash| (password, hash))
    });
    hashed.await.map_err(|error| failed(error.to_string()))?.map_err(failed)
}
