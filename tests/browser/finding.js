// Tests that one box finds a person by any spelling of a number, a message by its id or its order, and texts by their words.
"use strict";
const assert = require("node:assert/strict");
const { Console, find, paragraph } = require("./support/console");
const { ANNA, BORIS, ORDER, messages } = require("./support/messages");

const gateway = new Console(messages);
const SPELLINGS = ["+7 (900) 111-22-33", "8 900 111 22 33", "8(900)111-22-33", "79001112233", " +79001112233 "];

for (const language of ["en", "ru"]) {
  const options = { language, user: "viewer" };

  gateway.test(`${language}: any spelling of a number leads to the conversation`, options, async ({ page, texts }) => {
    await page.goto(gateway.address("/console/"));
    for (const spelling of SPELLINGS) {
      const found = page.waitForEvent("load");
      await find(page, texts, spelling);
      await found;
      await page.getByRole("region", { name: texts.conversation }).waitFor();
      await paragraph(page, ANNA.masked).waitFor();
      assert.match(page.url(), /\/console\/people\/\d+#newest$/);
    }
  });

  gateway.test(`${language}: the id of a message leads to it`, options, async ({ page, texts }) => {
    await page.goto(gateway.address("/console/"));
    await find(page, texts, String(ORDER.id));
    await page.getByRole("heading", { name: texts.message(ORDER.id), level: 1 }).waitFor();
    assert.equal(page.url(), gateway.address(`/console/messages/${ORDER.id}`));
  });

  gateway.test(`${language}: the number of an order leads to its message`, options, async ({ page, texts }) => {
    await page.goto(gateway.address("/console/"));
    await find(page, texts, ORDER.comment);
    // It may be found as more than one thing, and is listed then.
    const heading = page.getByRole("heading", { name: texts.message(ORDER.id), level: 1 });
    const listed = page.getByRole("link", { name: /^Your blue bicycle/ }).first();
    await heading.or(listed).waitFor();
    if (await listed.isVisible()) await listed.click();
    await heading.waitFor();
    await page.getByRole("definition").filter({ hasText: ORDER.comment }).waitFor();
  });

  gateway.test(`${language}: words lead to the messages that have them`, options, async ({ page, texts }) => {
    await page.goto(gateway.address("/console/"));
    await find(page, texts, "велосипед");
    await page.getByRole("heading", { name: texts.message(ORDER.id), level: 1 }).waitFor();

    await find(page, texts, "your table");
    await page.getByRole("heading", { name: texts.found, level: 1 }).waitFor();
    const rows = page.getByRole("table", { name: texts.messages }).getByRole("row");
    assert.equal(await rows.count(), 3);
    await rows.getByRole("link", { name: "Your table is booked" }).waitFor();
    await rows.getByRole("link", { name: BORIS.masked }).first().click();
    await page.getByRole("region", { name: texts.conversation }).waitFor();
  });

  gateway.test(`${language}: what is not found is told, with what else to try`, options, async ({ page, texts }) => {
    await page.goto(gateway.address("/console/"));
    await find(page, texts, "helicopter");
    await page.getByRole("status").filter({ hasText: texts.nothingFound }).waitFor();
    await page.getByRole("main").getByRole("link").first().waitFor();
  });
}

gateway.test("an empty box leads to the start page", { user: "viewer" }, async ({ page, texts }) => {
  await page.goto(gateway.address("/console/messages"));
  await find(page, texts, "  ");
  await page.getByRole("heading", { name: texts.start, level: 1 }).waitFor();
});

gateway.test("a link of another session is told apart from an empty result", { user: "viewer" }, async ({ page, texts }) => {
  await page.goto(gateway.address("/console/"));
  await find(page, texts, "helicopter");
  await page.getByRole("status").waitFor();
  const address = page.url();
  await gateway.session("viewer", true).then(async (storageState) => {
    const other = await gateway.context({ storageState });
    const there = await other.newPage();
    const response = await there.goto(address);
    assert.equal(response.status(), 404);
    await there.getByRole("alert").waitFor();
    await other.close();
  });
});
