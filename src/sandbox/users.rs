//! The users of the demo tenant, one for each role, with passwords that everybody knows; knows no request.

use crate::model::user::{Login, PasswordHash, Role};
use crate::model::{Instant, TenantId};
use crate::store::users::NewUser;
use crate::store::{Connection, StoreError, users};

/// A user whose login is the name of their role.
pub struct DemoUser {
    pub role: Role,
    pub password: &'static str,
    /// The password's hash, because hashing takes time at every start.
    hash: &'static str,
}

pub const USERS: [DemoUser; 4] = [
    DemoUser {
        role: Role::Viewer,
        password: "sandbox-viewer",
        hash: "$argon2id$v=19$m=19456,t=2,p=1$PczWhMLaIEdW7J30dA3NYA$jqneQozA8+6a3/kZ22H8q2FnTvlFGXuqrB9zf6lPGXM",
    },
    DemoUser {
        role: Role::Agent,
        password: "sandbox-agent",
        hash: "$argon2id$v=19$m=19456,t=2,p=1$w6ROcnhWb5rgefb+h8FVZg$XIcvLeFuyrQ90Jqlu1ARthILX9FU781QLnlNOGBj+9g",
    },
    DemoUser {
        role: Role::Auditor,
        password: "sandbox-auditor",
        hash: "$argon2id$v=19$m=19456,t=2,p=1$TYkfDBVO5+sTrG9n64PZTw$FSaLbO5m4yuhF151jmRrPsPueCdfiEJTd4TRvkDyhoc",
    },
    DemoUser {
        role: Role::Admin,
        password: "sandbox-admin",
        hash: "$argon2id$v=19$m=19456,t=2,p=1$NK1P/36dBeLz2thaTHtBGw$+O4bhjAuKzJutKsmLrvTRXgyqN3U7zY7Ts2G3OVhLQA",
    },
];

/// Adds a demo user to a tenant.
pub fn create(connection: &mut Connection, tenant: TenantId, user: &DemoUser, now: Instant) -> Result<(), StoreError> {
    // The name of each role is a login, which the console's tests show.
    let Ok(login) = Login::parse(user.role.word()) else { return Ok(()) };
    let password = PasswordHash(user.hash.into());
    let new = NewUser { login, role: user.role, senders: None, password };
    users::create(connection, tenant, &new, now).map(|_| ())
}
