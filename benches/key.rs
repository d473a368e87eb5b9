//! The key of the benchmarks that query a server.

use history_gateway::model::key::Secret;
use history_gateway::store::Store;
use history_gateway::store::api_keys::{self, NewKey};

use crate::data;

pub const KEY: &str = "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10";

/// Issues the key.
pub async fn issue(store: &Store) {
    let key = NewKey::master(data::TENANT, Secret::parse(KEY).expect("a key").digest(), "bench");
    // It has been issued already if the database was filled before.
    store.write(move |connection| api_keys::issue(connection, &key, data::until())).await.expect("a key");
}
