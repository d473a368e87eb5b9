// Tests that times are those of the browser's zone until another is chosen, that the dates of a list are those of the zone, and
// that the list's address means the same times to everybody.
"use strict";
const assert = require("node:assert/strict");
const { Console, signIn } = require("./support/console");
const { ORDER, messages } = require("./support/messages");

const gateway = new Console(messages);

for (const language of ["en", "ru"]) {
  const options = { language, user: "viewer", fresh: true };
  gateway.test(`${language}: the dates of a list are those of its zone`, options, async ({ page, texts }) => {
    await page.goto(gateway.address("/console/messages"));
    await page.getByRole("combobox", { name: texts.zone }).selectOption("Europe/Moscow, UTC+3");
    await page.getByRole("button", { name: texts.apply, exact: true }).click();
    await page.getByRole("textbox", { name: "from" }).fill("2026-03-10");
    await page.getByRole("textbox", { name: "to" }).fill("2026-03-10");
    await page.getByRole("button", { name: texts.applyFilters }).click();
    // The last message of the long conversation was sent at 21:00 UTC on the 9th.
    await page.getByRole("link", { name: /^Line 65 / }).waitFor();
    await page.getByText("2026-03-10 00:00:00 UTC+3").first().waitFor();
    const { searchParams } = new URL(page.url());
    assert.deepEqual([...searchParams], [["from", "2026-03-09T21:00:00.000Z"], ["to", "2026-03-10T20:59:59.999Z"]]);
    assert.equal(await page.getByLabel("from", { exact: true }).inputValue(), "2026-03-10");
  });
}

gateway.test("times are those of the browser's zone", { timezoneId: "Asia/Kabul" }, async ({ page, texts }) => {
  await page.goto(gateway.address(`/console/messages/${ORDER.id}`));
  await signIn(page, texts, "viewer");
  assert.equal(await page.getByRole("combobox", { name: texts.zone }).inputValue(), "Asia/Kabul");
  await page.getByText("UTC+4:30").first().waitFor();
  // It is offered after another was chosen, too.
  await page.getByRole("combobox", { name: texts.zone }).selectOption("UTC");
  await page.getByRole("button", { name: texts.apply, exact: true }).click();
  await page.getByText("UTC+4:30").first().waitFor({ state: "detached" });
  await page.getByRole("combobox", { name: texts.zone }).selectOption("Asia/Kabul");
});
