//! Generates OneUptime's own rows: alerts about incidents, with costs and related objects; knows no message.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use crate::model::instant::DAY;
use crate::model::whatsapp_log::Relation;
use crate::model::{Instant, WhatsAppLog};

/// What to generate.
#[derive(Clone, Copy, Debug)]
pub struct LogPlan {
    pub logs: u64,
    pub seed: u64,
    pub days: u32,
    pub until: Instant,
}

/// The rows of a plan, the oldest first.
pub struct Logs {
    plan: LogPlan,
    random: ChaCha8Rng,
    generated: u64,
}

const TEXTS: [&str; 5] = [
    "Incident #{}: database down. Acknowledge at https://status.example/i/{}",
    "Incident #{} is resolved.",
    "Alert #{}: response time of checkout is above 2 s.",
    "You are on call for payments from now on. Handover #{}.",
    "Инцидент №{}: не отвечает личный кабинет. Подробнее: https://status.example/i/{}",
];

/// The statuses, with how many of a hundred rows have each.
const STATUSES: [(&str, u32); 8] = [
    ("Success", 20),
    ("Sent", 15),
    ("Delivered", 30),
    ("Read", 25),
    ("Failed", 5),
    ("Error", 2),
    ("Queued", 2),
    ("Low Balance", 1),
];

impl Logs {
    pub fn new(plan: LogPlan) -> Self {
        Self { plan, random: ChaCha8Rng::seed_from_u64(plan.seed ^ 0x6c6f_6773), generated: 0 }
    }

    fn log(&mut self) -> WhatsAppLog {
        let random = &mut self.random;
        let span = i64::from(self.plan.days) * DAY;
        let passed = i128::from(span) * i128::from(self.generated) / i128::from(self.plan.logs.max(1));
        let created_at = Instant(self.plan.until.0 - span + i64::try_from(passed).unwrap_or(span));
        let mut roll = random.random_range(0..100);
        let known = STATUSES.iter().find(|(_, share)| {
            let found = roll < *share;
            roll = roll.saturating_sub(*share);
            found
        });
        let status = known.map_or("Unknown", |(word, _)| *word);
        let incident = random.random_range(0..1 + self.plan.logs / 20);
        let text = TEXTS[random.random_range(0..TEXTS.len())].replace("{}", &incident.to_string());
        let mut related = [None; Relation::COUNT];
        let person = random.random_range(0..200_u64);
        related[Relation::User as usize] = Some(id(self.plan.seed, "user", person));
        match random.random_range(0..10) {
            0 => related[Relation::Alert as usize] = Some(id(self.plan.seed, "alert", incident)),
            1 => related[Relation::OnCallDutyPolicy as usize] = Some(id(self.plan.seed, "policy", incident % 5)),
            2 => {}
            _ => related[Relation::Incident as usize] = Some(id(self.plan.seed, "incident", incident)),
        }
        let has_failed = matches!(status, "Failed" | "Error" | "Low Balance");
        let mut bits = [0; 16];
        random.fill_bytes(&mut bits);
        WhatsAppLog {
            id: uuid::Builder::from_random_bytes(bits).into_uuid(),
            created_at,
            updated_at: Instant(created_at.0 + random.random_range(200..60_000)),
            version: 2,
            to_number: format!("+1555{:07}", person * 7919 % 10_000_000),
            from_number: Some("+15550001000".into()),
            message_text: Some(text),
            status_message: has_failed.then(|| "Message undeliverable".into()),
            whatsapp_message_id: (!has_failed).then(|| format!("wamid.{:016x}", random.random::<u64>())),
            status: status.into(),
            cost_in_usd_cents: if has_failed { 0 } else { random.random_range(1..4) },
            related,
        }
    }
}

/// An id that is the same for the same seed.
fn id(seed: u64, kind: &str, number: u64) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{seed}:{kind}:{number}").as_bytes())
}

impl Iterator for Logs {
    type Item = WhatsAppLog;

    fn next(&mut self) -> Option<WhatsAppLog> {
        if self.generated >= self.plan.logs {
            return None;
        }
        let log = self.log();
        self.generated += 1;
        Some(log)
    }
}
