//! Authentication of people: from a login and a password to a session, from a session to its user, and the limits of
//! attempts; knows no cookie and no page.

use std::net::IpAddr;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::audit::Audit;
use crate::config::Console;
use crate::model::Instant;
use crate::model::audit::{Action, AuditRecord, Who};
use crate::model::key::{KeyDigest, Secret};
use crate::model::user::{Login, Password, PasswordHash, User};
use crate::rate_limit::{RateLimit, client_network};
use crate::store::sessions::NewSession;
use crate::store::{LookupFor, Store, StoreError, audit, sessions, users};

/// How many attempts are verified or wait for it at the same time. Each takes a core for 20 ms.
const MAX_PENDING: usize = 64;

/// From all addresses together, a login may be tried this many times as often as from one, so that a few strangers cannot
/// lock its user out.
const ALL_ADDRESSES_FACTOR: u32 = 10;

/// Why somebody is not signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInError {
    /// The login is unknown or disabled, or the password is another.
    Wrong,
    /// There were too many attempts, for `retry_after` more seconds.
    TooMany {
        retry_after: u64,
    },
    Unavailable,
}

/// What somebody presents to sign in.
pub struct Attempt {
    pub login: String,
    pub password: Password,
    pub from: Option<IpAddr>,
    /// The session that a browser has already, and that ends.
    pub replaces: Option<Secret>,
}

/// Signs users in, and finds those who are.
pub struct SignIn {
    store: Store,
    audit: Arc<Audit>,
    session: Duration,
    /// By the digest of the login, so that long ones take no memory.
    by_login: Option<RateLimit<KeyDigest>>,
    by_login_and_address: Option<RateLimit<(KeyDigest, Option<IpAddr>)>>,
    by_address: Option<RateLimit<IpAddr>>,
    pending: Arc<Semaphore>,
    verifying: Arc<Semaphore>,
}

impl SignIn {
    pub fn new(store: Store, audit: Arc<Audit>, settings: &Console) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            store,
            audit,
            session: Duration::from_secs(settings.session_hours * 3600),
            by_login: RateLimit::per_minute(settings.attempts_per_login.saturating_mul(ALL_ADDRESSES_FACTOR)),
            by_login_and_address: RateLimit::per_minute(settings.attempts_per_login),
            by_address: RateLimit::per_minute(settings.attempts_per_address),
            pending: Arc::new(Semaphore::new(MAX_PENDING)),
            verifying: Arc::new(Semaphore::new((cores / 2).max(1))),
        }
    }

    /// Begins a session; returns its token. What is wrong shows neither in the error nor in the time it takes.
    pub async fn sign_in(&self, attempt: Attempt, now: Instant) -> Result<Secret, SignInError> {
        let Attempt { login, password, from, replaces } = attempt;
        self.check_limits(&login, from)?;
        let known = match Login::parse(&login) {
            Ok(login) => self.find(login, from).await?,
            Err(_) => None,
        };
        // Whoever is unknown has a hash to verify too.
        let (user, hash) = known.map_or((None, PasswordHash::of_unknown_user()), |(user, hash)| (Some(user), hash));
        let (is_right, hash) = self.verify(password, hash).await?;
        let record = move |user: &User, action| AuditRecord { from, ..AuditRecord::new(now, Who::user(user), action) };
        if let Some(user) = user.as_ref().filter(|_| !is_right) {
            // Nobody waits for it, so that a known login takes no longer than an unknown one.
            let _ = self.audit.queue(user.grants.tenant, &record(user, Action::SignInFailed));
        }
        let Some(user) = user.filter(|_| is_right) else { return Err(SignInError::Wrong) };
        let token = Secret::random();
        let session = NewSession {
            digest: token.digest(),
            user: user.id,
            password: hash,
            expires_at: now.plus(self.session),
            replaces: replaces.map(|token| token.digest()),
        };
        let begin = move |connection: &mut _| {
            let (tenant, record) = (user.grants.tenant, record(&user, Action::SignedIn));
            let is_begun = sessions::begin(connection, tenant, &session, now)?;
            if is_begun {
                audit::append(connection, tenant, &[record], now)?;
            }
            Ok(is_begun)
        };
        let is_begun = self.store.write(begin).await.map_err(|error| unavailable(&error))?;
        if is_begun { Ok(token) } else { Err(SignInError::Wrong) }
    }

    /// The user of a session; `None` if it has ended. It is looked up for each request, so that one that is revoked ends
    /// at once.
    pub async fn user(&self, token: &Secret, from: Option<IpAddr>, now: Instant) -> Result<Option<User>, StoreError> {
        let digest = token.digest();
        self.store.quick_read(lookup_for(from), move |connection| sessions::user(connection, digest, now)).await
    }

    /// Ends a session.
    pub async fn sign_out(
        &self,
        user: &User,
        token: &Secret,
        (from, now): (Option<IpAddr>, Instant),
    ) -> Result<(), StoreError> {
        let (tenant, digest) = (user.grants.tenant, token.digest());
        let record = AuditRecord { from, ..AuditRecord::new(now, Who::user(user), Action::SignedOut) };
        let end = move |connection: &mut _| {
            sessions::end(connection, tenant, digest)?;
            audit::append(connection, tenant, &[record], now).map(|_| ())
        };
        self.store.write(end).await
    }

    /// Whether there is a user.
    pub async fn has_users(&self, from: Option<IpAddr>) -> Result<bool, StoreError> {
        self.store.quick_read(lookup_for(from), users::any).await
    }

    async fn find(&self, login: Login, from: Option<IpAddr>) -> Result<Option<(User, PasswordHash)>, SignInError> {
        let find = move |connection: &mut _| users::find(connection, &login);
        self.store.quick_read(lookup_for(from), find).await.map_err(|error| unavailable(&error))
    }

    /// Every attempt counts, so that the limits tell nothing about logins and passwords.
    fn check_limits(&self, login: &str, from: Option<IpAddr>) -> Result<(), SignInError> {
        let from = from.map(client_network);
        let login = KeyDigest::of(login.trim().to_lowercase().as_bytes());
        let too_many = |wait: Duration| SignInError::TooMany { retry_after: wait.as_secs() + 1 };
        if let (Some(limit), Some(from)) = (&self.by_address, from) {
            limit.check(&from).map_err(too_many)?;
        }
        if let Some(limit) = &self.by_login_and_address {
            limit.check(&(login, from)).map_err(too_many)?;
        }
        if let Some(limit) = &self.by_login {
            limit.check(&login).map_err(too_many)?;
        }
        Ok(())
    }

    async fn verify(&self, password: Password, hash: PasswordHash) -> Result<(bool, PasswordHash), SignInError> {
        let unavailable = |_| SignInError::Unavailable;
        // Those who come to a full queue are told at once.
        let _pending = self.pending.try_acquire().map_err(|_| SignInError::Unavailable)?;
        let place = Arc::clone(&self.verifying).acquire_owned().await.map_err(|_| SignInError::Unavailable)?;
        let verify = move || {
            let _place = place;
            (hash.matches(&password), hash)
        };
        tokio::task::spawn_blocking(verify).await.map_err(unavailable)
    }
}

/// Look-ups for the console take turns by address, and delay nobody else.
fn lookup_for(from: Option<IpAddr>) -> LookupFor {
    LookupFor::Console(from.map(client_network))
}

fn unavailable(error: &StoreError) -> SignInError {
    error.log("a user could not be signed in");
    SignInError::Unavailable
}
