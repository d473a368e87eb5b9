// Tests the keys of the console: finding, moving over messages, opening them, going back, copying, and the list of keys.
"use strict";
const assert = require("node:assert/strict");
const { Console } = require("./support/console");
const { isFocused, pressAs } = require("./support/keys");
const { LONG, ORDER, messages } = require("./support/messages");

const gateway = new Console(messages);
const CLIPBOARD = { permissions: ["clipboard-read", "clipboard-write"] };

// The links to the messages of a conversation or a list, in their order.
function opens(page, name) {
  return page.getByRole("main").getByRole("link", { name });
}

for (const language of ["en", "ru"]) {
  const options = { language, user: "agent", ...CLIPBOARD };

  gateway.test(`${language}: / leads to the box, Enter finds`, options, async ({ page, texts }) => {
    await page.goto(gateway.address("/console/messages"));
    await page.keyboard.press("/");
    const box = page.getByRole("searchbox", { name: texts.findMessages });
    assert.ok(await box.evaluate(isFocused));
    await page.keyboard.type(`${ORDER.id}`);
    // Letters are only letters there.
    await page.keyboard.type("jkc?");
    assert.equal(await box.inputValue(), `${ORDER.id}jkc?`);
    for (let letter = 0; letter < 4; letter += 1) await page.keyboard.press("Backspace");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: texts.message(ORDER.id), level: 1 }).waitFor();
  });

  gateway.test(`${language}: j and k move, Enter opens, Escape goes back`, options, async ({ page, texts }) => {
    await page.goto(gateway.address(`/console/people/${ORDER.id}`));
    const items = page.getByRole("region", { name: texts.conversation }).getByRole("listitem");
    const focused = (place) => items.nth(place).getByRole("link").first().evaluate(isFocused);
    await page.keyboard.press("j");
    assert.ok(await focused(0));
    await page.keyboard.press("k");
    assert.ok(await focused(0));
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    assert.ok(await focused(2));
    await page.keyboard.press("k");
    assert.ok(await focused(1));
    const outline = await items.nth(1).getByRole("link").first().evaluate((link) => getComputedStyle(link).outlineStyle);
    assert.notEqual(outline, "none");
    await page.keyboard.press("Enter");
    const id = LONG.first + LONG.count - 18;
    await page.getByRole("heading", { name: texts.message(id), level: 1 }).waitFor();
    // A page listens to keys once its scripts have run.
    await page.waitForLoadState();
    await page.keyboard.press("Escape");
    await page.getByRole("heading", { name: texts.conversation, level: 1 }).waitFor();
  });

  gateway.test(`${language}: j and k move over the rows of a list`, options, async ({ page, texts }) => {
    await page.goto(gateway.address("/console/messages?channelType=VIBER"));
    await page.keyboard.press("j");
    assert.ok(await opens(page, "Your table is waiting").evaluate(isFocused));
    await page.keyboard.press("Enter");
    await page.getByRole("region").getByRole("button", { name: texts.copyLink }).waitFor();
  });

  gateway.test(`${language}: g s leads to the start page, c copies the link`, options, async ({ page, texts }) => {
    await page.goto(gateway.address(`/console/messages/${ORDER.id}`));
    await page.keyboard.press("c");
    await page.getByRole("status").filter({ hasText: texts.copied }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, gateway.address(`/console/messages/${ORDER.id}`));
    // An s without a g before it is nothing.
    await page.keyboard.press("s");
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.getByRole("heading", { name: texts.start, level: 1 }).waitFor();
  });

  gateway.test(`${language}: ? opens the list of keys, Escape closes it`, options, async ({ page, texts }) => {
    await page.goto(gateway.address("/console/messages"));
    const entry = page.getByRole("definition").filter({ hasText: texts.keyNext });
    assert.equal(await entry.isVisible(), false);
    await page.keyboard.press("?");
    await entry.waitFor();
    await page.keyboard.press("Escape");
    await entry.waitFor({ state: "hidden" });
    assert.equal(page.url(), gateway.address("/console/messages"));
  });
}

gateway.test("with a Russian layout, the same keys do the same", { language: "ru", user: "agent" }, async ({ page, texts }) => {
  await page.goto(gateway.address("/console/messages?channelType=VIBER"));
  await pressAs(page, "о", "KeyJ");
  assert.ok(await opens(page, "Your table is waiting").evaluate(isFocused), "о, the key of j, does not move");
  await pressAs(page, ".", "Slash");
  const box = page.getByRole("searchbox", { name: texts.findMessages });
  assert.ok(await box.evaluate(isFocused), "the key of / does not lead to the box");
  await page.keyboard.press("Escape");
  await pressAs(page, "п", "KeyG");
  await pressAs(page, "ы", "KeyS");
  await page.getByRole("heading", { name: texts.start, level: 1 }).waitFor();
});
