// Tests that no page scrolls sideways on a screen of 320 px.
"use strict";
const assert = require("node:assert/strict");
const { Console, find } = require("./support/console");
const { BLOCKED, NO_WHATSAPP, ORDER, SHARED_ORDER, messages } = require("./support/messages");

const gateway = new Console(messages);
const WIDTH = 320;

const ADDRESSES = [
  "/console/",
  "/console/counts",
  `/console/people/${ORDER.id}`,
  `/console/people/${BLOCKED}`,
  `/console/messages/${NO_WHATSAPP}`,
  "/console/messages",
  "/console/messages?deliveryStatus=UNDELIVERED&channelType=WHATSAPP&from=2026-03-10T00:00:00Z",
  `/console/evidence/people/${ORDER.id}`,
  "/console/audit",
  "/console/users",
  "/console/messages/999999",
];

// How wide a page is, with what can be opened closed and open.
async function widths(page) {
  const width = () => page.evaluate(() => document.documentElement.scrollWidth);
  const closed = await width();
  await page.getByRole("group").evaluateAll((groups) => groups.forEach((group) => (group.open = true)));
  return Math.max(closed, await width());
}

for (const language of ["en", "ru"]) {
  const options = { language, viewport: { width: WIDTH, height: 640 } };

  gateway.test(`${language}: the page for signing in`, options, async ({ page }) => {
    await page.goto(gateway.address("/console/login"));
    assert.ok((await widths(page)) <= WIDTH);
  });

  gateway.test(`${language}: all other pages`, { ...options, user: "admin" }, async ({ page, texts }) => {
    const wide = [];
    const look = async (name) => {
      const width = await widths(page);
      if (width > WIDTH) wide.push(`${name}: ${width} px`);
    };
    for (const address of ADDRESSES) {
      await page.goto(gateway.address(address));
      if (address === "/console/") await page.getByRole("heading", { name: texts.today }).waitFor();
      await look(address);
    }
    for (const text of [SHARED_ORDER, "helicopter"]) {
      await find(page, texts, text);
      await page.getByRole("status").first().waitFor();
      await look(`finding ${text}`);
    }
    assert.deepEqual(wide, []);
  });
}
