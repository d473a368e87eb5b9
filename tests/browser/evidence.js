// Tests that evidence can be seen and downloaded, with its data inside, masked until it is revealed.
"use strict";
const assert = require("node:assert/strict");
const { createHash } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { Console, paragraph, summary } = require("./support/console");
const { BLOCKED, BORIS, NO_WHATSAPP, messages } = require("./support/messages");

const gateway = new Console(messages);

// The file that a page of evidence offers.
async function downloaded(page, texts) {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: texts.download }).click(),
  ]);
  const file = join(gateway.server.folder, download.suggestedFilename());
  await download.saveAs(file);
  return { name: download.suggestedFilename(), text: readFileSync(file, "utf8") };
}

// The data inside a file, whose digest stands in it too.
function data(file) {
  const [, json] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(file.text);
  assert.ok(file.text.includes(createHash("sha256").update(json).digest("hex")));
  return JSON.parse(json);
}

for (const language of ["en", "ru"]) {
  const options = { language, user: "agent", fresh: true };
  gateway.test(`${language}: a conversation's evidence is downloaded`, options, async ({ page, texts }) => {
    await page.goto(gateway.address(`/console/people/${BLOCKED}`));
    await page.getByRole("link", { name: texts.printEvidence }).click();
    await page.getByRole("heading", { name: texts.evidence, level: 1 }).waitFor();
    await paragraph(page, texts.evidenceMade).waitFor();
    assert.equal(await page.getByRole("article").count(), 2);
    await page.getByRole("article").filter({ hasText: "Your table is booked" }).filter({ hasText: texts.noWhatsApp }).waitFor();

    const masked = await downloaded(page, texts);
    assert.equal(masked.name, `evidence-${BLOCKED}.html`);
    assert.deepEqual(data(masked).map(({ item }) => item.messageId), [NO_WHATSAPP, BLOCKED]);
    assert.equal(data(masked)[0].item.address, BORIS.masked);
    assert.ok(masked.text.includes("Your table is booked") && masked.text.includes(texts.noWhatsApp));
    assert.ok(!masked.text.includes(BORIS.phone));

    await summary(page, texts.maskedNote).click();
    await page.getByRole("textbox", { name: texts.revealReason }).fill("the court asks for it");
    await page.getByRole("button", { name: texts.reveal, exact: true }).click();
    await paragraph(page, texts.evidenceWhole).waitFor();
    const whole = await downloaded(page, texts);
    assert.equal(data(whole)[0].item.address, BORIS.phone);
  });

  gateway.test(`${language}: a message's evidence is downloaded`, { language, user: "agent" }, async ({ page, texts }) => {
    await page.goto(gateway.address(`/console/messages/${NO_WHATSAPP}`));
    await page.getByRole("link", { name: texts.printEvidence }).click();
    await page.getByRole("heading", { name: texts.evidence, level: 1 }).waitFor();
    const file = await downloaded(page, texts);
    assert.deepEqual(data(file).map(({ item }) => item.deliveryStatusMessage), ["not-whatsapp-user"]);
    assert.equal(data(file)[0].trail[0].status, "UNDELIVERED");
  });
}

gateway.test("a viewer is offered no evidence", { user: "viewer" }, async ({ page, texts }) => {
  await page.goto(gateway.address(`/console/people/${BLOCKED}`));
  await page.getByRole("region", { name: texts.conversation }).waitFor();
  assert.equal(await page.getByRole("link", { name: texts.printEvidence }).count(), 0);
  const response = await page.goto(gateway.address(`/console/evidence/people/${BLOCKED}`));
  assert.equal(response.status(), 403);
});
