//! Generates messages and WhatsApp log rows, the same ones for the same seed, with a realistic skew, for demos and
//! benchmarks; knows no store.

pub mod logs;
mod text;

use std::collections::HashMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::model::instant::DAY;
use crate::model::property::{Property as P, Value};
use crate::model::{Instant, Item, TenantId};

/// What to generate.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub tenant: TenantId,
    pub messages: u64,
    pub seed: u64,
    pub days: u32,
    pub until: Instant,
    pub recipients: u64,
}

/// The messages of a plan by ascending id.
pub struct Messages {
    plan: Plan,
    random: ChaCha8Rng,
    generated: u64,
    /// The last OUT message of a recipient on a channel, which an IN one replies to.
    last_out: HashMap<(u64, &'static str), i64>,
}

struct Channel {
    word: &'static str,
    /// How many of a hundred messages are on this channel.
    share: u32,
    /// How many of a hundred messages of this channel are incoming.
    incoming: u32,
    subjects: &'static [(i64, &'static str)],
    traffic_types: &'static [(&'static str, u32)],
}

/// The resolution of the random choice of a recipient.
const ROLLS: u64 = 1 << 21;

const CHANNELS: [Channel; 4] = [
    Channel {
        word: "SMS",
        share: 45,
        incoming: 2,
        subjects: &[(50192, "subject_sms"), (50193, "shop_sms"), (50194, "alerts_sms")],
        traffic_types: &[("SERVICE", 70), ("AD", 30)],
    },
    Channel {
        word: "WHATSAPP",
        share: 35,
        incoming: 30,
        subjects: &[(501, "shop_WA"), (502, "support_WA")],
        traffic_types: &[("HSM", 65), ("CHAT", 35)],
    },
    Channel {
        word: "VIBER",
        share: 12,
        incoming: 8,
        subjects: &[(601, "shop_viber")],
        traffic_types: &[("AD", 60), ("SERVICE", 40)],
    },
    Channel {
        word: "PUSH",
        share: 8,
        incoming: 0,
        subjects: &[(701, "shop_app")],
        traffic_types: &[("AD", 50), ("SERVICE", 50)],
    },
];

impl Messages {
    pub fn new(plan: Plan) -> Self {
        Self { plan, random: ChaCha8Rng::seed_from_u64(plan.seed), generated: 0, last_out: HashMap::new() }
    }

    /// A random element of a list, weighted by shares that sum to a hundred.
    fn pick<T: Copy>(&mut self, list: &[(T, u32)]) -> T {
        let mut roll = self.random.random_range(0..100);
        for (value, share) in list {
            if roll < *share {
                return *value;
            }
            roll -= share;
        }
        list[list.len() - 1].0
    }

    /// Ids of eleven digits with gaps, like one tenant's ids in a sequence that all tenants share.
    fn message_id(&mut self) -> i64 {
        let step = (1_000_000_000 / self.plan.messages.max(1)).clamp(1, 1000);
        let base = (10 + self.plan.seed % 80) * 1_000_000_000;
        let id = base + self.generated * step + self.random.random_range(0..step);
        i64::try_from(id).unwrap_or(i64::MAX)
    }

    /// Times increase with the ids, except that a few messages are out of order.
    fn sent_at(&mut self) -> Instant {
        let span = i64::from(self.plan.days) * DAY;
        let passed = i128::from(span) * i128::from(self.generated) / i128::from(self.plan.messages.max(1));
        let at = self.plan.until.0 - span + i64::try_from(passed).unwrap_or(span);
        let late = if self.random.random_range(0..1000) == 0 { self.random.random_range(0..DAY / 4) } else { 0 };
        let jitter = self.random.random_range(0..2000);
        Instant((at - late - jitter).max(self.plan.until.0 - span))
    }

    fn message(&mut self) -> Vec<(P, Value)> {
        let id = self.message_id();
        let sent_at = self.sent_at();
        let shares: [(usize, u32); 4] = std::array::from_fn(|index| (index, CHANNELS[index].share));
        let channel = &CHANNELS[self.pick(&shares)];
        let incoming = self.random.random_range(0..100) < channel.incoming;
        // The third power makes a few recipients get most of the messages.
        let roll = u128::from(self.random.random_range(0..ROLLS));
        let person = roll.pow(3) * u128::from(self.plan.recipients.max(1)) / u128::from(ROLLS).pow(3);
        let person = u64::try_from(person).unwrap_or_default();
        let subject = channel.subjects[usize::try_from(person).unwrap_or_default() % channel.subjects.len()];
        let text = |text: &str| Value::Text(text.to_owned());
        let mut values = vec![
            (P::MessageId, Value::Integer(id)),
            (P::TenantId, Value::Integer(self.plan.tenant.0)),
            (P::ChannelType, text(channel.word)),
            (P::Direction, text(if incoming { "IN" } else { "OUT" })),
            (P::Address, Value::Text(address(self.plan.seed, person, channel.word))),
            (P::SentOrReceivedAt, Value::Instant(sent_at)),
            (P::SubjectId, Value::Integer(subject.0)),
            (P::SubjectName, text(subject.1)),
        ];
        // Some messages have no subscriber id.
        if person % 10 != 7 {
            values.push((P::SubscriberId, Value::Integer(subscriber_id(self.plan.seed, person))));
        }
        if incoming {
            values.push((P::Content, Value::Text(text::incoming(&mut self.random))));
            if let Some(out) = self.last_out.get(&(person, channel.word)) {
                values.push((P::ReplyOutMessageId, Value::Integer(*out)));
            }
        } else {
            self.outgoing(channel, id, sent_at, &mut values);
            self.last_out.insert((person, channel.word), id);
        }
        values
    }

    fn outgoing(&mut self, channel: &Channel, id: i64, sent_at: Instant, values: &mut Vec<(P, Value)>) {
        let text = |text: &str| Value::Text(text.to_owned());
        let traffic_type = self.pick(channel.traffic_types);
        let status = self.status(channel, sent_at);
        let after = self.random.random_range(500..90_000);
        let template = self.random.random_range(0..text::TEMPLATES.len());
        let number = i64::try_from(template).unwrap_or_default();
        let body = text::outgoing(&mut self.random, template);
        values.extend([
            (P::TrafficType, text(traffic_type)),
            (P::DeliveryStatus, text(status)),
            (P::DeliveryStatusAt, Value::Instant(Instant(sent_at.0 + after))),
            (P::CascadeId, Value::Integer(32_000 + number)),
            (P::CascadeName, Value::Text(format!("cascade_{}", text::TEMPLATES[template].name))),
            (P::CascadeStageUuid, Value::Text(stage_uuid(self.plan.seed, template))),
            (P::Segments, Value::Integer(1 + i64::from(body.len() > 300))),
            (P::Content, Value::Text(body)),
        ]);
        if matches!(status, "UNDELIVERED" | "FAILED") {
            values.push((P::DeliveryStatusMessage, text("error-address-unknown")));
        }
        if matches!(traffic_type, "HSM" | "SERVICE") {
            values.push((P::MatcherId, Value::Integer(6_000 + number)));
            values.push((P::MatcherName, text(text::TEMPLATES[template].name)));
        }
        if traffic_type == "AD" {
            let broadcast = 318_000 + sent_at.day() - self.plan.until.day() + i64::from(self.plan.days);
            values.push((P::BroadcastId, Value::Integer(broadcast)));
            values.push((P::BroadcastName, Value::Text(format!("sale {}", sent_at.date()))));
        } else if self.random.random_range(0..100) < 40 {
            values.push((P::Comment, Value::Text(format!("order-{:08x}", id % 0xffff_ffff))));
        }
    }

    fn status(&mut self, channel: &Channel, sent_at: Instant) -> &'static str {
        // The newest messages are not delivered yet.
        if self.plan.until.0 - sent_at.0 < 60_000 {
            return self.pick(&[("ENQUEUED", 50), ("SENT", 50)]);
        }
        match channel.word {
            "SMS" => self.pick(&[("DELIVERED", 88), ("SENT", 4), ("UNDELIVERED", 6), ("EXPIRED", 2)]),
            "PUSH" => self.pick(&[("DELIVERED", 55), ("SENT", 30), ("READ", 5), ("FAILED", 10)]),
            _ => self.pick(&[("READ", 60), ("DELIVERED", 28), ("SENT", 5), ("UNDELIVERED", 5), ("FAILED", 2)]),
        }
    }
}

impl Iterator for Messages {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        if self.generated >= self.plan.messages {
            return None;
        }
        let values = self.message();
        self.generated += 1;
        Item::from_values(values)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.plan.messages - self.generated).unwrap_or(usize::MAX);
        (left, Some(left))
    }
}

/// A person's address: the same phone number on every phone channel, a device token for push.
fn address(seed: u64, person: u64, channel_type: &str) -> String {
    match channel_type {
        "PUSH" => format!("device-{:016x}-{person:08x}", seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ person),
        _ => format!("79{:09}", (person.wrapping_mul(7_919).wrapping_add(seed)) % 1_000_000_000),
    }
}

fn subscriber_id(seed: u64, person: u64) -> i64 {
    i64::try_from(11_000_000 + seed % 1000 * 10_000_000 + person).unwrap_or(i64::MAX)
}

fn stage_uuid(seed: u64, template: usize) -> String {
    let bits = u128::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834) ^ (template as u128 + 1) << 64;
    uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
}
