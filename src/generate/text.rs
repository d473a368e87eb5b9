//! The contents of generated messages, as JSON; knows no item.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

pub struct Template {
    pub name: &'static str,
    text: &'static str,
}

/// `{}` is replaced with a random number.
pub const TEMPLATES: [Template; 8] = [
    Template { name: "order_paid", text: "Your order {} is paid. We pack it today and write as soon as it leaves." },
    Template { name: "order_sent", text: "Order {} is on its way. Track it at https://shop.example/t/{}" },
    Template { name: "code", text: "Your code: {}. Tell it to nobody." },
    Template {
        name: "order_paid_ru", text: "Ваш заказ {} оплачен. Мы напишем, когда передадим его в доставку."
    },
    Template {
        name: "sale_ru",
        text: "Скидка {} рублей до воскресенья! Промокод {}. Подробнее: https://shop.example/sale",
    },
    Template { name: "visit", text: "We await you tomorrow at 10:30, room {}. Reply 1 to confirm or 2 to cancel." },
    Template {
        name: "balance_ru", text: "На вашем счёте {} бонусов. Их можно потратить до конца месяца."
    },
    Template { name: "survey", text: "How did you like order {}? Tell us: https://shop.example/s/{} 🙂" },
];

const REPLIES: [&str; 8] =
    ["1", "2", "Thanks!", "Спасибо", "When will it arrive?", "Перезвоните мне, пожалуйста", "STOP", "👍"];

/// The content of an outgoing message.
pub fn outgoing(random: &mut ChaCha8Rng, template: usize) -> String {
    let mut text = TEMPLATES[template].text.to_owned();
    while text.contains("{}") {
        text = text.replacen("{}", &random.random_range(1000..1_000_000).to_string(), 1);
    }
    match random.random_range(0..20) {
        0 => json!({"type": "IMAGE", "attachment": {"url": "https://cdn.example/i/1.jpg"}, "caption": text}),
        1 => json!({"type": "DOCUMENT", "attachment": {"url": "https://cdn.example/d/1.pdf", "name": "bill.pdf"}}),
        _ => json!({"type": "TEXT", "text": text}),
    }
    .to_string()
}

/// The content of a reply.
pub fn incoming(random: &mut ChaCha8Rng) -> String {
    let reply = REPLIES[random.random_range(0..REPLIES.len())];
    match random.random_range(0..20) {
        0 => json!({"type": "LOCATION", "location": {"latitude": 55.75, "longitude": 37.62}}).to_string(),
        _ => json!({"type": "TEXT", "text": reply}).to_string(),
    }
}
