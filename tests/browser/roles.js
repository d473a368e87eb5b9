// Tests what auditors and administrators do: see who has read what, create users and disable them.
"use strict";
const assert = require("node:assert/strict");
const { Console, signIn, summary } = require("./support/console");
const { ANNA, BORIS, NO_WHATSAPP, ORDER, messages } = require("./support/messages");
const { TEXTS } = require("./support/texts");

const gateway = new Console(messages);

// Looks at two people as somebody else, and reveals one of them.
async function look() {
  const context = await gateway.context({ storageState: await gateway.session("agent", true) });
  const page = await context.newPage();
  for (const id of [ORDER.id, NO_WHATSAPP]) await page.goto(gateway.address(`/console/people/${id}`));
  await summary(page, TEXTS.en.maskedNote).click();
  const reason = page.getByRole("textbox", { name: TEXTS.en.revealReason });
  await reason.fill("a refund, order 17");
  await reason.press("Enter");
  await page.getByRole("status").filter({ hasText: TEXTS.en.revealedUntil }).waitFor();
  await context.close();
}

for (const language of ["en", "ru"]) {
  gateway.test(`${language}: an auditor sees who read what`, { language, user: "auditor" }, async ({ page, texts }) => {
    await look();
    await page.goto(gateway.address("/console/"));
    await page.getByRole("link", { name: texts.audit }).click();
    await page.getByRole("heading", { name: texts.audit, level: 1 }).waitFor();
    const rows = page.getByRole("row").filter({ hasText: "agent" });
    await rows.filter({ hasText: texts.revealedPerson }).filter({ hasText: "a refund, order 17" }).first().waitFor();
    await rows.filter({ hasText: texts.lookedAtConversation }).filter({ hasText: `#${ORDER.id}` }).first().waitFor();
    assert.equal(await page.getByText(BORIS.phone).count(), 0);

    // Who looked at one person.
    await page.getByRole("textbox", { name: texts.person }).fill("+7 900 111-22-33");
    await page.getByRole("textbox", { name: texts.login, exact: true }).fill("agent");
    await page.getByRole("textbox", { name: texts.login, exact: true }).press("Enter");
    await page.waitForURL(/person=/);
    const found = page.getByRole("row").filter({ hasText: "agent" });
    await found.filter({ hasText: `#${ORDER.id}` }).first().waitFor();
    assert.equal(await found.filter({ hasText: `#${NO_WHATSAPP}` }).count(), 0);
    assert.equal(await page.getByText(ANNA.phone).count(), 0);
  });

  const admin = { language, user: "admin" };
  gateway.test(`${language}: an administrator creates and disables a user`, admin, async ({ page, texts }) => {
    const login = `olga-${language}`;
    await page.goto(gateway.address("/console/"));
    await page.getByRole("link", { name: texts.users }).click();
    await page.getByRole("textbox", { name: texts.login, exact: true }).fill(login);
    await page.getByRole("combobox", { name: texts.role, exact: true }).selectOption(texts.viewer);
    await page.getByRole("button", { name: texts.createUser }).click();
    const status = page.getByRole("status").filter({ hasText: texts.newPassword(login) });
    const [, password] = texts.newPassword(login).exec(await status.innerText());

    const other = await gateway.context({ language });
    const theirs = await other.newPage();
    await theirs.goto(gateway.address("/console/messages"));
    await signIn(theirs, texts, login, password);
    await theirs.getByRole("heading", { name: texts.messages, level: 1 }).waitFor();

    await page.getByRole("button", { name: texts.disable(login) }).click();
    await page.getByRole("rowheader", { name: texts.disabled(login) }).waitFor();
    await theirs.reload();
    await theirs.getByRole("textbox", { name: texts.login }).fill(login);
    await theirs.getByRole("textbox", { name: texts.password }).fill(password);
    await theirs.getByRole("button", { name: texts.signIn }).click();
    await theirs.getByRole("alert").filter({ hasText: texts.wrongLogin }).waitFor();
    await other.close();
  });
}

gateway.test("the language can be changed where a new password is shown", { user: "admin" }, async ({ page, texts }) => {
  await page.goto(gateway.address("/console/users"));
  await page.getByRole("button", { name: texts.renew("auditor") }).click();
  await page.getByRole("status").waitFor();
  await page.getByRole("combobox", { name: texts.language }).selectOption("Русский");
  await page.getByRole("button", { name: texts.apply, exact: true }).click();
  await page.getByRole("heading", { name: TEXTS.ru.users, level: 1 }).waitFor();
});

gateway.test("a viewer has no other's pages", { user: "viewer" }, async ({ page, texts }) => {
  await page.goto(gateway.address("/console/"));
  for (const name of [texts.audit, texts.users]) assert.equal(await page.getByRole("link", { name }).count(), 0);
  const response = await page.goto(gateway.address("/console/users"));
  assert.equal(response.status(), 403);
  await page.getByRole("alert").waitFor();
});
