// Tests that each job of a support agent takes at most two steps from the start page, with the keyboard alone, in both
// languages, and that each is on record. A step is a text that is sent from the box, a link, or a button.
"use strict";
const assert = require("node:assert/strict");
const { Console } = require("./support/console");
const { enter, type } = require("./support/keys");
const { ANNA, BORIS, LONG, NO_WHATSAPP, ORDER, messages } = require("./support/messages");

const gateway = new Console(messages);

// Each job: what is sent from the box, if anything; a second step; and what is seen at the end.
const JOBS = {
  "the conversation of a customer": {
    find: "8 (900) 111-22-33",
    seen: (page, texts) => item(page, texts, "blue bicycle"),
    record: "lookedAtConversation",
  },
  "why a message did not arrive": {
    find: "+7 900 555 66 77",
    seen: (page, texts) => item(page, texts, "Your table is booked").filter({ hasText: texts.noWhatsApp }),
    record: "lookedAtConversation",
  },
  "what was sent when, as a file": {
    find: BORIS.phone,
    then: async (page, texts) => {
      const download = page.waitForEvent("download");
      await enter(page, page.getByRole("button", { name: texts.download }));
      assert.match((await download).suggestedFilename(), /^evidence-\d+\.html$/);
    },
    seen: (page, texts) => page.getByRole("region", { name: texts.conversation }),
    record: "downloadedEvidence",
  },
  "the same as a sheet": {
    find: BORIS.phone,
    then: (page, texts) => enter(page, page.getByRole("link", { name: texts.printEvidence })),
    seen: (page) => page.getByRole("article").filter({ hasText: "Your table is booked" }),
    record: "lookedAtEvidence",
  },
  "the failures of today": {
    then: (page, texts) => enter(page, page.getByRole("link", { name: texts.noWhatsApp })),
    seen: (page) => page.getByRole("row").filter({ hasText: "Your table is booked" }),
    record: "lookedAtList",
  },
  "a message by its order": {
    find: ORDER.comment,
    seen: (page, texts) => page.getByRole("heading", { name: texts.message(ORDER.id), level: 1 }),
    record: "searched",
  },
  "a message by its words": {
    find: "велосипеда",
    seen: (page, texts) => page.getByRole("heading", { name: texts.message(ORDER.id), level: 1 }),
    record: "searched",
  },
  "a message by its id": {
    find: String(NO_WHATSAPP),
    seen: (page, texts) => page.getByRole("heading", { name: texts.message(NO_WHATSAPP), level: 1 }),
    record: "lookedAtMessage",
  },
  "what was said on a day": {
    find: ANNA.phone,
    then: async (page, texts) => {
      await type(page, page.getByRole("textbox", { name: texts.jumpToDate }), "03032026");
      await enter(page, page.getByRole("button", { name: texts.show, exact: true }));
    },
    seen: (page, texts) => item(page, texts, `Line ${LONG.count - 48} `),
    record: "lookedAtConversation",
  },
};

function item(page, texts, text) {
  return page.getByRole("region", { name: texts.conversation }).getByRole("listitem").filter({ hasText: text });
}

for (const language of ["en", "ru"]) {
  for (const [name, { find, then, seen, record }] of Object.entries(JOBS)) {
    gateway.test(`${language}: ${name}`, { language, user: "agent" }, async ({ page, texts }) => {
      await page.goto(gateway.address("/console/"));
      await page.getByRole("heading", { name: texts.today }).waitFor();
      if (find) {
        await page.keyboard.press("/");
        await page.keyboard.type(find);
        await page.keyboard.press("Enter");
        await page.waitForURL((url) => url.pathname !== "/console/");
      }
      await then?.(page, texts);
      await seen(page, texts).first().waitFor();
      // The newest record of each kind stands on the first page of the log.
      await page.goto(gateway.address("/console/audit"));
      await page.getByRole("cell", { name: texts[record], exact: true }).first().waitFor();
    });
  }
}
