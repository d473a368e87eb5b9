//! Searching the audit log finds the same entries as a plain list, also if the clocks of gateways differ.

use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{TENANT, TestApp};
use history_gateway::model::audit::{Action, AuditRecord, Who};
use history_gateway::model::{Instant, TenantId};
use history_gateway::store::audit::{self, EntryFilter};
use history_gateway::store::{Connection, StoreError};

const MINUTE: i64 = 60_000;

/// An entry of the log. They are ten minutes apart.
#[derive(Clone, Debug)]
struct Entry {
    /// Milliseconds for which the clock of its gateway is late.
    late: i64,
    user: i64,
}

fn entry() -> impl Strategy<Value = Entry> {
    (0..60 * MINUTE, 1..4_i64).prop_map(|(late, user)| Entry { late, user })
}

fn filter() -> impl Strategy<Value = EntryFilter> {
    let time = || prop::option::weighted(0.5, (-100..700 * MINUTE).prop_map(Instant));
    let before = prop::option::weighted(0.3, select(vec![i64::MIN, -5, 0, 1, 5, 20, 50, i64::MAX]));
    (prop::option::weighted(0.3, 1..4_i64), time(), time(), before).prop_map(|(user, from, to, before)| EntryFilter {
        user,
        from,
        to,
        before,
    })
}

fn write(connection: &mut Connection, tenant: TenantId, at: Instant, user: i64) -> Result<i64, StoreError> {
    let who = Who::User { user, login: format!("user{user}"), role: "agent".into() };
    Ok(audit::append(connection, tenant, &[AuditRecord::new(at, who, Action::Find)], at)?.sequence)
}

fn is_wanted((sequence, at, user): &(i64, Instant, i64), filter: &EntryFilter) -> bool {
    filter.user.is_none_or(|wanted| wanted == *user)
        && filter.from.is_none_or(|from| *at >= from)
        && filter.to.is_none_or(|to| *at <= to)
        && filter.before.is_none_or(|before| *sequence < before)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn log_finds_the_same_entries_as_a_plain_list(
        entries in prop::collection::vec(entry(), 0..60),
        queries in prop::collection::vec((filter(), 1..30_usize), 20),
    ) {
        actix_web::rt::System::new().block_on(async {
            let app = TestApp::new().await;
            app.create_tenant(TenantId(9)).await;
            let write_all = move |connection: &mut _| {
                let mut written = Vec::new();
                for (number, Entry { late, user }) in (0..).zip(entries) {
                    let at = Instant(number * 10 * MINUTE - late);
                    write(connection, TenantId(9), at, user)?;
                    written.push((write(connection, TENANT, at, user)?, at, user));
                }
                Ok(written)
            };
            let written = app.store.write(write_all).await.unwrap();
            for (filter, limit) in queries {
                let (asked, most) = (filter.clone(), i64::try_from(limit).unwrap());
                let find = move |connection: &mut _| audit::last(connection, TENANT, &asked, most);
                let found = app.store.read_primary(find).await.unwrap();
                let expected = written.iter().rev().filter(|entry| is_wanted(entry, &filter)).take(limit);
                let expected: Vec<i64> = expected.map(|(sequence, ..)| *sequence).collect();
                assert_eq!(found.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), expected, "{filter:?}");
            }
        });
    }
}
