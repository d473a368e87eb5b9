// Draws the pictures of the documentation anew, from the sandbox's demo data:
// .ci/browser tests/browser/support/screenshots.js
"use strict";
const { join } = require("node:path");
const { Console } = require("./console");

const gateway = new Console();
const FOLDER = join(__dirname, "../../../docs/images");

gateway.test("pictures of the documentation", { user: "agent", viewport: { width: 1000, height: 800 } }, async ({ page, texts }) => {
  const draw = (name) => page.screenshot({ path: join(FOLDER, `console-${name}.png`) });
  await page.goto(gateway.address("/console/messages?deliveryStatus=UNDELIVERED"));
  await page.getByRole("table", { name: texts.messages }).getByRole("link").nth(1).click();
  await draw("message");
  await page.getByRole("link", { name: texts.showConversation }).click();
  await page.getByRole("region", { name: texts.conversation }).waitFor();
  // The message that failed stands below those before it.
  await page.getByRole("listitem").filter({ hasText: texts.notDelivered }).evaluate((item) => item.scrollIntoView({ block: "end" }));
  await draw("conversation");
  await page.goto(gateway.address("/console/"));
  await page.getByRole("heading", { name: texts.today }).waitFor();
  await draw("start");
});
