// Messages whose every text tries to be more than a text, and the texts themselves.
"use strict";
const { message } = require("./messages");

const MALLORY = { phone: "79003334455", subscriber: 7666 };
const FIRST = 300001;

const SCRIPT = "<script>alert(1)</script>";
const IMAGE = "<img src=x onerror=alert(1)>";
const QUOTED = `"><svg onload=alert(1)> ' onmouseover='alert(1)`;
const ENDING = "</textarea></pre></title><script>alert(1)</script>";
const WORD = "w".repeat(100_000);
// With a mark that turns round what follows it.
const TURNED = "\u202eمرحبا evil";
const EMOJI = "👩‍👩‍👧‍👦🏳️‍🌈 e\u0301\u0302\u0303";
const NUL = "before\u0000after";
const LINK = "javascript:alert(1)";

const AT = "2026-03-10T10:00:00Z";

function failed(reason) {
  return { deliveryStatus: "UNDELIVERED", deliveryStatusAt: AT, deliveryStatusMessage: reason };
}

// Each with what its message must show as a text.
const CASES = [
  [SCRIPT, { text: SCRIPT }],
  [IMAGE, { text: IMAGE }],
  [QUOTED, { text: QUOTED }],
  [ENDING, { content: ENDING }],
  [WORD.slice(0, 1000), { text: WORD }],
  [TURNED, { text: TURNED }],
  [EMOJI, { text: EMOJI }],
  ["before\ufffdafter", { text: NUL }],
  [LINK, { content: JSON.stringify({ type: "IMAGE", attachment: { url: LINK } }) }],
  ["data:text/html,", { content: JSON.stringify({ type: "FILE", file: { url: `data:text/html,${SCRIPT}` } }) }],
  ["comment", { text: "comment", comment: `${SCRIPT}${NUL}` }],
  ["subject", { text: "subject", subjectId: 901, subjectName: `${IMAGE}${TURNED}` }],
  ["long subject", { text: "long subject", subjectId: 902, subjectName: WORD }],
  ["reason", { text: "reason", ...failed(`${IMAGE}${TURNED}`) }],
  ["long reason", { text: "long reason", ...failed(WORD.slice(0, 5000)) }],
  ["names", { text: "names", broadcastId: 41, broadcastName: QUOTED, cascadeId: 42, cascadeName: SCRIPT }],
  ["unknown", { text: "unknown", [IMAGE]: { [SCRIPT]: QUOTED }, [`${WORD.slice(0, 500)}`]: WORD.slice(0, 500) }],
  ["channel", { text: "channel", channelType: `A&direction=IN#${IMAGE}` }],
];

const messages = CASES.map(([, fields], place) => message(FIRST + place, MALLORY, AT, fields));

module.exports = { CASES, FIRST, IMAGE, SCRIPT, messages };
