//! Authentication of people: from a login and a password to a session, from a session to its user, and the limits of
//! attempts; knows no cookie and no page.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::Semaphore;

use crate::config::Console;
use crate::keys::{network, wait};
use crate::model::Instant;
use crate::model::key::{KeyDigest, Secret};
use crate::model::user::{Login, Password, PasswordHash, User};
use crate::store::sessions::NewSession;
use crate::store::{LookupFor, Store, StoreError, sessions, users};

/// How many passwords are verified at the same time. Each takes 19 MiB and a core for 20 ms.
const VERIFICATIONS: usize = 2;

/// How long an attempt waits for its turn to be verified.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The number of remembered logins or addresses from which on old ones are evicted.
const KEYS_BEFORE_EVICTION: usize = 10_000;

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
    session: Duration,
    /// By the digest of the login, so that long ones take no memory.
    by_login: Option<DefaultKeyedRateLimiter<KeyDigest>>,
    by_address: Option<DefaultKeyedRateLimiter<IpAddr>>,
    verifications: Arc<Semaphore>,
}

impl SignIn {
    pub fn new(store: Store, settings: &Console) -> Self {
        let quota = |per_minute| NonZeroU32::new(per_minute).map(Quota::per_minute);
        Self {
            store,
            session: Duration::from_secs(settings.session_hours * 3600),
            by_login: quota(settings.attempts_per_login).map(RateLimiter::keyed),
            by_address: quota(settings.attempts_per_address).map(RateLimiter::keyed),
            verifications: Arc::new(Semaphore::new(VERIFICATIONS)),
        }
    }

    /// Begins a session; returns its token. What is wrong shows neither in the error nor in the time it takes.
    pub async fn sign_in(&self, attempt: Attempt, now: Instant) -> Result<Secret, SignInError> {
        let Attempt { login, password, from, replaces } = attempt;
        self.check_limits(&login, from)?;
        // A login that no user can have is looked up too.
        let known = match Login::parse(&login) {
            Ok(login) => self.find(login).await?,
            Err(_) => None,
        };
        let (user, hash) = known.map_or((None, PasswordHash::of_unknown_user()), |(user, hash)| (Some(user), hash));
        let (is_right, hash) = self.verify(password, hash).await?;
        let Some(user) = user.filter(|_| is_right) else { return Err(SignInError::Wrong) };
        let token = Secret::random();
        let session = NewSession {
            digest: token.digest(),
            user: user.id,
            password: hash,
            expires_at: now.plus(self.session),
            replaces: replaces.map(|token| token.digest()),
        };
        let begin = move |connection: &mut _| sessions::begin(connection, user.tenant, &session, now);
        let is_begun = self.store.write(begin).await.map_err(|error| unavailable(&error))?;
        if is_begun { Ok(token) } else { Err(SignInError::Wrong) }
    }

    /// The user of a session; `None` if it has ended. It is looked up for each request, so that one that is revoked ends
    /// at once.
    pub async fn user(&self, token: &Secret, now: Instant) -> Result<Option<User>, StoreError> {
        let digest = token.digest();
        self.store.quick_read(LookupFor::Caller, move |connection| sessions::user(connection, digest, now)).await
    }

    /// Ends a session.
    pub async fn sign_out(&self, user: &User, token: &Secret) -> Result<(), StoreError> {
        let (tenant, digest) = (user.tenant, token.digest());
        self.store.write(move |connection| sessions::end(connection, tenant, digest)).await
    }

    /// Whether anybody may sign in.
    pub async fn has_users(&self) -> Result<bool, StoreError> {
        self.store.quick_read(LookupFor::Gateway, users::any).await
    }

    async fn find(&self, login: Login) -> Result<Option<(User, PasswordHash)>, SignInError> {
        let find = move |connection: &mut _| users::find(connection, &login);
        self.store.quick_read(LookupFor::Caller, find).await.map_err(|error| unavailable(&error))
    }

    /// Every attempt counts, so that the limits tell nothing about logins and passwords.
    fn check_limits(&self, login: &str, from: Option<IpAddr>) -> Result<(), SignInError> {
        let too_many = |early: governor::NotUntil<_>| SignInError::TooMany { retry_after: wait(&early).as_secs() + 1 };
        if let (Some(limiter), Some(from)) = (&self.by_address, from) {
            if limiter.len() >= KEYS_BEFORE_EVICTION {
                limiter.retain_recent();
            }
            limiter.check_key(&network(from)).map_err(too_many)?;
        }
        if let Some(limiter) = &self.by_login {
            if limiter.len() >= KEYS_BEFORE_EVICTION {
                limiter.retain_recent();
            }
            limiter.check_key(&KeyDigest::of(login.trim().to_lowercase().as_bytes())).map_err(too_many)?;
        }
        Ok(())
    }

    async fn verify(&self, password: Password, hash: PasswordHash) -> Result<(bool, PasswordHash), SignInError> {
        let place = tokio::time::timeout(MAX_WAIT, Arc::clone(&self.verifications).acquire_owned()).await;
        let Ok(Ok(place)) = place else { return Err(SignInError::Unavailable) };
        let verify = move || {
            let _place = place;
            (hash.matches(&password), hash)
        };
        tokio::task::spawn_blocking(verify).await.map_err(|_| SignInError::Unavailable)
    }
}

fn unavailable(error: &StoreError) -> SignInError {
    error.log("a user could not be signed in");
    SignInError::Unavailable
}
