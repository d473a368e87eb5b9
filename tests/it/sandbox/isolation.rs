//! Nothing is shared between tenants: random steps against fifty of them, compared with one plain list for each.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;

use super::{TestSandbox, TestTenant};

const TENANTS: usize = 50;
const STEPS: usize = 8;

#[derive(Clone, Copy, Debug)]
enum Step {
    Add(i64),
    Empty,
    Reset,
    Stop(u32),
    Advance(u32),
    Fail(u16),
    Heal,
    Ask,
}

/// What a tenant should be like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Expected {
    ids: BTreeSet<i64>,
    now: Option<i64>,
    failing: Option<u16>,
    asked: usize,
}

/// The seconds since this are what tests set clocks to.
const EPOCH: &str = "2026-03-01T12:00:00Z";

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..100_i64).prop_map(Step::Add),
        Just(Step::Empty),
        Just(Step::Reset),
        (0..100_u32).prop_map(Step::Stop),
        (0..100_u32).prop_map(Step::Advance),
        (500..599_u16).prop_map(Step::Fail),
        Just(Step::Heal),
        Just(Step::Ask),
    ]
}

async fn apply(tenant: &TestTenant<'_>, step: Step, expected: &mut Expected) {
    match step {
        Step::Add(id) => {
            tenant.add([id]).await;
            expected.ids.insert(id);
        }
        Step::Empty => {
            tenant.control("DELETE", "/messages", "").await;
            expected.ids.clear();
        }
        Step::Reset => {
            tenant.control("POST", "/reset", "").await;
            *expected = Expected { now: Some(0), ..Expected::default() };
        }
        Step::Stop(seconds) => {
            let now = crate::support::instant(EPOCH).0 + i64::from(seconds) * 1000;
            tenant.control("PUT", "/clock", json!({"now": history_gateway::model::Instant(now).iso()})).await;
            expected.now = Some(i64::from(seconds));
        }
        Step::Advance(seconds) => {
            tenant.control("PUT", "/clock", json!({"advance": format!("PT{seconds}S")})).await;
            expected.now = expected.now.map(|now| now + i64::from(seconds));
        }
        Step::Fail(status) => {
            tenant.control("DELETE", "/faults", "").await;
            tenant.control("POST", "/faults", json!({"then": {"status": status}})).await;
            expected.failing = Some(status);
        }
        Step::Heal => {
            tenant.control("DELETE", "/faults", "").await;
            expected.failing = None;
        }
        Step::Ask => {
            let status = tenant.history(json!({})).await[..3].to_owned();
            assert_eq!(status, expected.failing.unwrap_or(200).to_string());
            expected.asked += 1;
        }
    }
}

async fn found(tenant: &TestTenant<'_>) -> Expected {
    let asked = tenant.json("GET", "/requests", "").await["requests"].as_array().unwrap().len();
    let failing = tenant.json("GET", "/faults", "").await["faults"][0]["then"]["status"].as_u64();
    let now = tenant.json("GET", "/clock", "").await["now"].as_str().unwrap().to_owned();
    tenant.control("DELETE", "/faults", "").await;
    let now = (crate::support::instant(&now).0 - crate::support::instant(EPOCH).0) / 1000;
    let ids = tenant.ids().await.into_iter().collect();
    Expected { ids, now: Some(now), failing: failing.map(|status| u16::try_from(status).unwrap()), asked }
}

#[actix_web::test]
async fn fifty_tenants_in_parallel_share_nothing() {
    let sandbox = TestSandbox::new().await;
    let create = || sandbox.tenant(json!({"now": EPOCH}));
    let tenants: Vec<TestTenant<'_>> = join_all((0..TENANTS).map(|_| create())).await;
    let mut runner = TestRunner::default();
    let steps = prop::collection::vec(step(), STEPS);
    let run = tenants.iter().map(|tenant| {
        let steps = steps.new_tree(&mut runner).unwrap().current();
        async move {
            let mut expected = Expected { now: Some(0), ..Expected::default() };
            for step in &steps {
                apply(tenant, *step, &mut expected).await;
            }
            (steps, expected)
        }
    });
    let ran = join_all(run.collect::<Vec<_>>()).await;
    for (tenant, (steps, expected)) in tenants.iter().zip(ran) {
        assert_eq!(found(tenant).await, expected, "{steps:?}");
    }
}
