//! What is true of PostgreSQL alone. The suite itself runs there too: `HISTORY_GATEWAY_TEST_DATABASE=postgres`.

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

use crate::support::cluster::Cluster;
use crate::support::{Database, NOW, TestApp};

/// The tests' cluster; where none can be started, the test is passed over with a printed line.
macro_rules! cluster_or_skip {
    () => {
        match crate::support::server() {
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
