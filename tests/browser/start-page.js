// Tests that the start page counts the messages of today, and leads to those that failed and to the people looked at last.
"use strict";
const assert = require("node:assert/strict");
const { Console } = require("./support/console");
const { BORIS, NO_WHATSAPP, messages } = require("./support/messages");

const gateway = new Console(messages);

for (const language of ["en", "ru"]) {
  const options = { language, user: "agent" };
  gateway.test(`${language}: the failures of today lead to their list`, options, async ({ page, texts }) => {
    await page.goto(gateway.address("/console/"));
    await page.getByRole("heading", { name: texts.today }).waitFor();
    await page.getByRole("link", { name: texts.noWhatsApp }).click();
    await page.getByRole("heading", { name: texts.messages, level: 1 }).waitFor();
    const rows = page.getByRole("table", { name: texts.messages }).getByRole("row");
    assert.equal(await rows.count(), 2);
    await rows.filter({ hasText: texts.notDelivered }).getByRole("link", { name: "Your table is booked" }).click();
    await page.getByRole("heading", { name: texts.message(NO_WHATSAPP), level: 1 }).waitFor();

    // Without the filter of the reason, the other failure is listed too.
    await page.goBack();
    await page.getByRole("link", { name: texts.removeFilter("deliveryError") }).click();
    await rows.nth(2).waitFor();
    assert.equal(await rows.count(), 3);
  });

  gateway.test(`${language}: a channel of today leads to its messages`, options, async ({ page, texts }) => {
    await page.goto(gateway.address("/console/"));
    const row = page.getByRole("row").filter({ hasText: "Viber" }).first();
    await row.getByRole("link", { name: "Viber" }).click();
    await page.getByRole("heading", { name: texts.messages, level: 1 }).waitFor();
    await page.getByRole("link", { name: "Your table is waiting" }).waitFor();
    assert.equal(await page.getByRole("row").count(), 2);
  });

  gateway.test(`${language}: the counts do not change the title of the page`, options, async ({ page, texts }) => {
    await page.goto(gateway.address("/console/"));
    const title = await page.title();
    assert.match(title, new RegExp(`^${texts.start} `));
    await page.getByRole("heading", { name: texts.today }).waitFor();
    assert.equal(await page.title(), title);
  });
}

gateway.test("people looked at last are listed, masked", { user: "viewer" }, async ({ page, texts }) => {
  await page.goto(gateway.address(`/console/people/${NO_WHATSAPP}`));
  await page.getByRole("link", { name: texts.start, exact: true }).click();
  await page.getByRole("link", { name: BORIS.masked }).click();
  await page.getByRole("region", { name: texts.conversation }).waitFor();
  assert.equal(page.url(), gateway.address(`/console/people/${NO_WHATSAPP}#newest`));
});
