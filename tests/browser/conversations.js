// Tests what a conversation tells: why a message did not arrive, what is masked, other days, and a link to it.
"use strict";
const assert = require("node:assert/strict");
const { Console, find, paragraph, summary } = require("./support/console");
const { ANNA, BLOCKED, BORIS, LONG, NO_WHATSAPP, ORDER, messages } = require("./support/messages");

const gateway = new Console(messages);

for (const language of ["en", "ru"]) {
  gateway.test(`${language}: a conversation says why messages failed`, { language, user: "viewer" }, async ({ page, texts }) => {
    await page.goto(gateway.address(`/console/people/${BLOCKED}`));
    const items = page.getByRole("region", { name: texts.conversation }).getByRole("listitem");
    for (const [text, reason] of [["booked", texts.noWhatsApp], ["waiting", texts.blocked]]) {
      const item = items.filter({ hasText: `Your table is ${text}` });
      await item.filter({ hasText: texts.notDelivered }).filter({ hasText: reason }).waitFor();
    }
    await page.goto(gateway.address(`/console/messages/${NO_WHATSAPP}`));
    const row = page.getByRole("row").filter({ hasText: texts.notDelivered });
    await row.filter({ hasText: texts.noWhatsApp }).filter({ hasText: "not-whatsapp-user" }).waitFor();
  });

  const fresh = { language, user: "agent", fresh: true };
  gateway.test(`${language}: a reason shows the full number`, fresh, async ({ page, texts }) => {
    await page.goto(gateway.address(`/console/people/${BLOCKED}`));
    await paragraph(page, BORIS.masked).waitFor();
    assert.equal((await page.content()).includes(BORIS.phone), false);
    await summary(page, texts.maskedNote).click();
    await page.getByRole("textbox", { name: texts.revealReason }).fill("asked for a refund");
    await page.getByRole("button", { name: texts.reveal, exact: true }).click();
    await page.getByRole("status").filter({ hasText: texts.revealedUntil }).waitFor();
    await paragraph(page, BORIS.phone).waitFor();
    assert.equal(page.url(), gateway.address(`/console/people/${BLOCKED}#newest`));
    // Another person stays masked.
    await page.goto(gateway.address(`/console/people/${ORDER.id}`));
    await paragraph(page, ANNA.masked).waitFor();
  });

  gateway.test(`${language}: a date leads to the messages of its day`, { language, user: "viewer" }, async ({ page, texts }) => {
    await page.goto(gateway.address(`/console/people/${ORDER.id}`));
    await page.getByRole("textbox", { name: texts.jumpToDate }).fill("2026-03-05");
    await page.getByRole("button", { name: texts.show, exact: true }).click();
    const conversation = page.getByRole("region", { name: texts.conversation });
    await page.waitForURL(/date=2026-03-05#newest$/);
    const days = await conversation.getByRole("heading").allInnerTexts();
    assert.equal(days.at(-1), "2026-03-05");
    const { y } = await conversation.getByRole("listitem").last().boundingBox();
    assert.ok(y >= 0 && y < page.viewportSize().height, `the day is not in view: ${y}`);
    await conversation.getByRole("link", { name: texts.newer }).click();
    await conversation.getByRole("heading", { name: "2026-03-06" }).waitFor();
  });

  const withClipboard = { language, user: "viewer", permissions: ["clipboard-read", "clipboard-write"] };
  gateway.test(`${language}: the link of a page can be copied`, withClipboard, async ({ page, texts }) => {
    for (const path of [`/console/people/${ORDER.id}`, `/console/messages/${ORDER.id}`]) {
      await page.goto(gateway.address(path));
      await page.getByRole("button", { name: texts.copyLink }).click();
      const status = page.getByRole("status").filter({ hasText: texts.copied });
      await status.waitFor();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), gateway.address(path));
      // Not only a screen reader tells it.
      const { width, x } = await status.boundingBox();
      assert.ok(width > 0 && x >= 0, "that it was copied cannot be seen");
    }
  });
}

gateway.test("a person who was found is shown with the newest messages in view", { user: "viewer" }, async ({ page, texts }) => {
  await page.goto(gateway.address("/console/"));
  await find(page, texts, ANNA.phone);
  await page.getByRole("region", { name: texts.conversation }).waitFor();
  await page.waitForLoadState();
  const newest = page.getByRole("listitem").filter({ hasText: "blue bicycle" });
  for (const part of [newest, paragraph(page, ANNA.masked)]) {
    const { y, height } = await part.boundingBox();
    assert.ok(y >= 0 && y + height <= page.viewportSize().height, `not in view: ${y}`);
  }
});

gateway.test("a link from a list leads to the message in its conversation", { user: "viewer" }, async ({ page, texts }) => {
  const id = LONG.first + 30;
  await page.goto(gateway.address("/console/messages?channelType=WHATSAPP&to=2026-03-05"));
  const row = page.getByRole("row").filter({ hasText: "Line 31 " });
  await row.getByRole("link", { name: ANNA.masked }).click();
  const item = page.getByRole("region", { name: texts.conversation }).getByRole("listitem").filter({ hasText: "Line 31 " });
  await item.waitFor();
  assert.equal(page.url(), gateway.address(`/console/people/${id}?at=${id}#m${id}`));
  const box = await item.boundingBox();
  assert.ok(box.y >= 0 && box.y + box.height <= page.viewportSize().height, "the message is not in view");
});
