// The messages that most tests look at: a long conversation with one person, and what failed on one day.
"use strict";

const NOW = "2026-03-10T12:00:00Z";

// Has 65 messages, and one of an order.
const ANNA = { phone: "79001112233", masked: "+7 900 ••• •• 33", subscriber: 7001 };
// Has two messages that failed.
const BORIS = { phone: "79005556677", masked: "+7 900 ••• •• 77", subscriber: 7002 };

const CLARA = { phone: "79007778899", subscriber: 7003 };

const LONG = { first: 100001, count: 65 };
const ORDER = { id: 200001, comment: "A-5501", words: "blue bicycle" };
// Two messages of one order.
const SHARED_ORDER = "B-77";
const NO_WHATSAPP = 200002;
const BLOCKED = 200003;

// What no address and no title may contain.
const SECRETS = [ANNA.phone, "9001112233", "900 111", "111-22", BORIS.phone, ORDER.comment, SHARED_ORDER, "bicycle", "велосипед"];

function message(id, person, at, fields) {
  const subject = { SMS: [511, "sandbox_SMS"], WHATSAPP: [501, "sandbox_WA"], VIBER: [521, "sandbox_VIBER"] };
  const { channelType = "SMS", direction = "OUT", text, ...others } = fields;
  const [subjectId, subjectName] = subject[channelType] ?? [];
  return {
    messageId: id,
    channelType,
    direction,
    address: person.phone,
    content: JSON.stringify({ type: "TEXT", text }),
    sentOrReceivedAt: at,
    subjectId,
    subjectName,
    subscriberId: person.subscriber,
    ...others,
  };
}

function delivered(at) {
  return { deliveryStatus: "DELIVERED", deliveryStatusAt: at };
}

function failed(at, reason) {
  return { deliveryStatus: "UNDELIVERED", deliveryStatusAt: at, deliveryStatusMessage: reason };
}

// One message in three hours, the last one on 9 March; texts of different lengths.
function longConversation() {
  const end = Date.parse("2026-03-09T21:00:00Z");
  return Array.from({ length: LONG.count }, (_, place) => {
    const at = new Date(end - (LONG.count - 1 - place) * 3 * 3600 * 1000).toISOString();
    const text = `Line ${place + 1} of the talk. ${"More of it. ".repeat(place % 9)}`;
    const isIncoming = place % 3 === 0;
    const fields = isIncoming ? { direction: "IN", channelType: "WHATSAPP" } : { channelType: "WHATSAPP", ...delivered(at) };
    return message(LONG.first + place, ANNA, at, { text, ...fields });
  });
}

const messages = [
  ...longConversation(),
  message(ORDER.id, ANNA, "2026-03-10T08:00:00Z", {
    text: "Your blue bicycle is ready. Ваш велосипед готов.",
    comment: ORDER.comment,
    ...delivered("2026-03-10T08:00:05Z"),
  }),
  message(200004, CLARA, "2026-03-01T08:00:00Z", { text: "Your lamp is packed", comment: SHARED_ORDER }),
  message(200005, CLARA, "2026-03-01T09:00:00Z", { text: "Your lamp is sent", comment: SHARED_ORDER }),
  message(NO_WHATSAPP, BORIS, "2026-03-10T09:00:00Z", {
    text: "Your table is booked",
    channelType: "WHATSAPP",
    ...failed("2026-03-10T09:00:03Z", "not-whatsapp-user"),
  }),
  message(BLOCKED, BORIS, "2026-03-10T09:10:00Z", {
    text: "Your table is waiting",
    channelType: "VIBER",
    ...failed("2026-03-10T09:10:03Z", "user-blocked"),
  }),
];

module.exports = { ANNA, BLOCKED, BORIS, LONG, NOW, NO_WHATSAPP, ORDER, SECRETS, SHARED_ORDER, message, messages };
