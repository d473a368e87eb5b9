// Tests that every job can be done with the keyboard alone, and that the focus can always be seen; there is no click here.
"use strict";
const assert = require("node:assert/strict");
const { Console } = require("./support/console");
const { enter, isFocused, tabTo, type, waitForFocus } = require("./support/keys");
const { ANNA, BLOCKED, BORIS, ORDER, messages } = require("./support/messages");
const { TEXTS } = require("./support/texts");

const gateway = new Console(messages);

function button(page, name) {
  return page.getByRole("button", { name, exact: true });
}

function field(page, name) {
  return page.getByRole("textbox", { name, exact: true });
}

function title(page, name) {
  return page.getByRole("heading", { name, level: 1 }).waitFor();
}

// Opens what a text stands for, which no role is known for.
async function open(page, text) {
  await enter(page, page.getByText(text, { exact: true }));
}

gateway.test("signing in and out", {}, async ({ page, texts }) => {
  await page.goto(gateway.address("/console/"));
  // The cursor is in the first field already.
  await waitForFocus(field(page, texts.login));
  await page.keyboard.type("agent");
  await type(page, field(page, texts.password), "sandbox-agent");
  await page.keyboard.press("Enter");
  await title(page, texts.start);
  await enter(page, button(page, texts.signOut));
  await title(page, texts.signInTitle);
});

const agent = { user: "agent" };

gateway.test("the first stop skips to the content", agent, async ({ page, texts }) => {
  for (const path of ["/console/", "/console/messages", `/console/people/${ORDER.id}`, `/console/messages/${ORDER.id}`]) {
    await page.goto(gateway.address(path));
    if (path === "/console/") await page.getByRole("heading", { name: texts.today }).waitFor();
    await page.keyboard.press("Tab");
    const skip = page.getByRole("link", { name: texts.skip });
    assert.ok(await skip.evaluate(isFocused));
    assert.ok((await skip.boundingBox()).x >= 0, "the link cannot be seen");
    await page.keyboard.press("Enter");
    await waitForFocus(page.getByRole("main"));
    await page.keyboard.press("Tab");
    const isInside = await page.getByRole("main").evaluate((main) => main.contains(document.activeElement));
    assert.ok(isInside, `${path}: the next stop is not in the content`);
  }
});

gateway.test("revealing, and evidence of it", { ...agent, fresh: true }, async ({ page, texts }) => {
  await page.goto(gateway.address(`/console/people/${BLOCKED}`));
  await open(page, texts.maskedNote);
  await type(page, field(page, texts.revealReason), "asked for a refund");
  await enter(page, button(page, texts.reveal));
  await page.getByRole("paragraph").filter({ hasText: BORIS.phone }).waitFor();
  await enter(page, page.getByRole("link", { name: texts.printEvidence }));
  await title(page, texts.evidence);
  const download = page.waitForEvent("download");
  await enter(page, button(page, texts.download));
  assert.equal((await download).suggestedFilename(), `evidence-${BLOCKED}.html`);
});

gateway.test("older messages, and those of a date", agent, async ({ page, texts }) => {
  await page.goto(gateway.address(`/console/people/${ORDER.id}`));
  const conversation = page.getByRole("region", { name: texts.conversation });
  await enter(page, page.getByRole("link", { name: texts.older }));
  await conversation.getByRole("listitem").nth(39).waitFor();
  await page.goto(gateway.address(`/console/people/${ORDER.id}`));
  // The same in every order of day and month.
  await type(page, field(page, texts.jumpToDate), "03032026");
  await enter(page, button(page, texts.show));
  await page.waitForURL(/date=2026-03-03#newest$/);
  await conversation.getByRole("heading", { name: "2026-03-03" }).waitFor();
});

gateway.test("the failures of today, and filters", agent, async ({ page, texts }) => {
  await page.goto(gateway.address("/console/"));
  await page.getByRole("heading", { name: texts.today }).waitFor();
  const reason = page.getByRole("listitem").filter({ hasText: texts.blocked });
  await enter(page, reason.getByRole("link"));
  await title(page, texts.messages);
  assert.equal(await page.getByRole("row").count(), 2);
  await open(page, texts.changeFilters);
  const channel = page.getByRole("combobox", { name: "channelType" });
  await tabTo(page, channel);
  await page.keyboard.press("ArrowDown");
  await enter(page, button(page, texts.applyFilters));
  await page.waitForURL(/channelType=/);
  await enter(page, page.getByRole("link", { name: texts.removeFilter("channelType") }));
  await page.getByRole("link", { name: "Your table is waiting" }).waitFor();
});

gateway.test("who read what", { ...agent, user: "auditor" }, async ({ page, texts }) => {
  await page.goto(gateway.address("/console/"));
  await enter(page, page.getByRole("link", { name: texts.audit }));
  await title(page, texts.audit);
  await type(page, field(page, texts.person), ANNA.phone);
  await enter(page, button(page, texts.searchLog));
  await page.waitForURL(/person=/);
});

gateway.test("creating and disabling a user", { ...agent, user: "admin" }, async ({ page, texts }) => {
  const login = "ivan";
  await page.goto(gateway.address("/console/users"));
  await type(page, field(page, texts.login), login);
  await enter(page, button(page, texts.createUser));
  await page.getByRole("status").filter({ hasText: texts.newPassword(login) }).waitFor();
  await enter(page, button(page, texts.disable(login)));
  await page.getByRole("rowheader", { name: texts.disabled(login) }).waitFor();
});

gateway.test("the language", agent, async ({ page, texts }) => {
  await page.goto(gateway.address("/console/messages?channelType=VIBER"));
  await tabTo(page, page.getByRole("combobox", { name: texts.language }));
  await page.keyboard.press("ArrowDown");
  await enter(page, button(page, texts.apply));
  await page.getByRole("heading", { name: TEXTS.ru.messages, level: 1 }).waitFor();
});
