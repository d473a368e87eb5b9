// Tests that older messages load above those that are read, which stay where they are, and that the focus is kept.
"use strict";
const assert = require("node:assert/strict");
const { Console, signIn } = require("./support/console");
const { waitForFocus } = require("./support/keys");
const { LONG, ORDER, messages } = require("./support/messages");

const gateway = new Console(messages);
const TOTAL = LONG.count + 1;

for (const language of ["en", "ru"]) {
  for (const height of [900, 400]) {
    const options = { language, user: "viewer", viewport: { width: 1200, height } };
    gateway.test(`${language}, ${height} px high: older messages do not move what is read`, options, async ({ page, texts }) => {
      await page.goto(gateway.address(`/console/people/${ORDER.id}`));
      const conversation = page.getByRole("region", { name: texts.conversation });
      const items = conversation.getByRole("listitem");
      const older = page.getByRole("link", { name: texts.older });
      const address = page.url();
      let shown = await items.count();
      assert.equal(shown, 20);
      while (shown < TOTAL) {
        await older.scrollIntoViewIfNeeded();
        const first = items.filter({ hasText: await firstVisible(items) });
        const before = await first.boundingBox();
        await older.click();
        const more = Math.min(TOTAL, shown + 20);
        await items.nth(more - 1).waitFor();
        assert.equal(await items.count(), more);
        await waitForFocus(more < TOTAL ? older : conversation);
        await settled(page);
        const after = await first.boundingBox();
        assert.ok(Math.abs(after.y - before.y) <= 3, `moved from ${before.y} to ${after.y}`);
        shown = more;
      }
      assert.equal(await older.count(), 0);
      assert.equal(page.url(), address);
      const lines = await items.evaluateAll((all) => all.map((item) => Number(/Line (\d+) /.exec(item.textContent)?.[1])));
      assert.deepEqual(lines.slice(0, LONG.count), Array.from({ length: LONG.count }, (_, place) => place + 1));
    });
  }
}

gateway.test("a day has one heading, however its messages were loaded", { user: "viewer" }, async ({ page, texts }) => {
  await page.goto(gateway.address(`/console/people/${ORDER.id}`));
  const conversation = page.getByRole("region", { name: texts.conversation });
  await page.getByRole("link", { name: texts.older }).click();
  await conversation.getByRole("listitem").nth(39).waitFor();
  await settled(page);
  const days = await conversation.getByRole("heading").allInnerTexts();
  assert.deepEqual(days, [...new Set(days)]);
});

gateway.test("after older messages, j goes on from what is in view", { user: "viewer" }, async ({ page, texts }) => {
  await page.goto(gateway.address(`/console/people/${ORDER.id}`));
  const items = page.getByRole("region", { name: texts.conversation }).getByRole("listitem");
  for (let step = 0; step < 3; step += 1) await page.keyboard.press("j");
  const older = page.getByRole("link", { name: texts.older });
  await older.click();
  await items.nth(39).waitFor();
  await waitForFocus(older);
  await page.keyboard.press("j");
  await waitForFocus(page.locator("main a.open:focus"));
  const { y } = await page.locator("main a.open:focus").boundingBox();
  assert.ok(y >= 0 && y < page.viewportSize().height);
});

// The text by which the first item that is in view is known.
function firstVisible(items) {
  return items.evaluateAll((all) => {
    const item = all.find((item) => item.getBoundingClientRect().top >= 0);
    return /Line \d+ |blue bicycle/.exec(item.textContent)[0];
  });
}

// After the next two frames, whatever was to be moved has been moved.
function settled(page) {
  return page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

gateway.test("after the end of a session, older messages lead to sign in and back", { user: "viewer" }, async ({ page, context, texts }) => {
  await page.goto(gateway.address(`/console/people/${ORDER.id}`));
  const address = page.url();
  await context.clearCookies();
  await page.getByRole("link", { name: texts.older }).click();
  await page.getByRole("heading", { name: texts.signInTitle, level: 1 }).waitFor();
  await signIn(page, texts, "viewer");
  assert.equal(page.url(), address);
});
