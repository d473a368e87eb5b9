//! Tests that are only about PostgreSQL. The suite itself runs on it with `HISTORY_GATEWAY_TEST_DATABASE=postgres`.

mod concurrent_gateways;
mod locale;
mod locks;
mod partitions;
mod pooler;
mod schema;
mod server;
mod startup_errors;
mod tls;
mod unresponsive_server;
mod upgrade;

use crate::support::cluster::Cluster;
use crate::support::{Database, NOW, TestApp};

/// The tests' cluster; if none can be started, a line is printed and the test is skipped.
macro_rules! cluster_or_skip {
    () => {
        match crate::support::postgres_cluster() {
            Some(cluster) => cluster,
            None => return,
        }
    };
}
use cluster_or_skip;

/// An app on the cluster, whatever the suite runs on.
async fn app_on(cluster: &'static Cluster) -> TestApp {
    TestApp::on(Database::on(cluster, "template1"), NOW, |_| {}).await
}
