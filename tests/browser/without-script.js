// Tests that the console works in a browser that runs no scripts.
"use strict";
const assert = require("node:assert/strict");
const { Console, find, paragraph, signIn, summary } = require("./support/console");
const { BLOCKED, BORIS, LONG, NO_WHATSAPP, ORDER, messages } = require("./support/messages");

const gateway = new Console(messages);

for (const language of ["en", "ru"]) {
  const anybody = { language, javaScriptEnabled: false };
  const agent = { ...anybody, user: "agent" };

  gateway.test(`${language}: signing in and out`, anybody, async ({ page, texts }) => {
    await page.goto(gateway.address("/console/"));
    await signIn(page, texts, "agent");
    await page.getByRole("heading", { name: texts.start, level: 1 }).waitFor();
    await page.getByRole("button", { name: texts.signOut }).click();
    await page.getByRole("heading", { name: texts.signInTitle, level: 1 }).waitFor();
  });

  gateway.test(`${language}: finding a person, and older messages`, agent, async ({ page, texts }) => {
    await page.goto(gateway.address("/console/"));
    await find(page, texts, "8 900 111-22-33");
    const items = page.getByRole("region", { name: texts.conversation }).getByRole("listitem");
    await items.filter({ hasText: "blue bicycle" }).waitFor();
    assert.equal(await items.count(), 20);
    await page.getByRole("link", { name: texts.older }).click();
    await page.waitForURL(/before=/);
    await items.filter({ hasText: `Line ${LONG.count - 19} ` }).waitFor();
    assert.equal(await items.count(), 20);
    await page.getByRole("link", { name: texts.newer }).click();
    await items.filter({ hasText: "blue bicycle" }).waitFor();
  });

  gateway.test(`${language}: revealing a number, with a reason`, { ...agent, fresh: true }, async ({ page, texts }) => {
    await page.goto(gateway.address(`/console/people/${BLOCKED}`));
    await summary(page, texts.maskedNote).click();
    await page.getByRole("textbox", { name: texts.revealReason }).fill("asked for a refund");
    await page.getByRole("button", { name: texts.reveal, exact: true }).click();
    await paragraph(page, BORIS.phone).waitFor();
  });

  gateway.test(`${language}: the counts, and what failed today`, agent, async ({ page, texts }) => {
    await page.goto(gateway.address("/console/"));
    await page.getByRole("link", { name: texts.showCounts }).click();
    await page.getByRole("heading", { name: texts.today }).waitFor();
    await page.getByRole("link", { name: texts.noWhatsApp }).click();
    await page.getByRole("link", { name: "Your table is booked" }).click();
    await page.getByRole("heading", { name: texts.message(NO_WHATSAPP), level: 1 }).waitFor();
  });

  gateway.test(`${language}: the link of a page stands in it`, agent, async ({ page, texts }) => {
    await page.goto(gateway.address(`/console/messages/${ORDER.id}`));
    await summary(page, texts.copyLinkText).click();
    const field = page.getByRole("textbox", { name: texts.copyLink });
    assert.equal(await field.inputValue(), gateway.address(`/console/messages/${ORDER.id}`));
  });
}
