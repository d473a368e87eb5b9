// Tests that people sign in and out in both languages, and choose the other language.
"use strict";
const assert = require("node:assert/strict");
const { Console, signIn } = require("./support/console");
const { messages } = require("./support/messages");
const { TEXTS } = require("./support/texts");

const gateway = new Console(messages);

for (const language of ["en", "ru"]) {
  gateway.test(`${language}: a user signs in and out`, { language }, async ({ page, texts }) => {
    await page.goto(gateway.address("/console/"));
    await page.getByRole("heading", { name: texts.signInTitle, level: 1 }).waitFor();
    assert.match(await page.title(), new RegExp(`^${texts.signInTitle} `));
    await signIn(page, texts, "agent");
    await page.getByText(texts.signedInAs("agent")).waitFor();
    await page.getByRole("heading", { name: texts.start, level: 1 }).waitFor();

    await page.getByRole("button", { name: texts.signOut }).click();
    await page.getByRole("heading", { name: texts.signInTitle, level: 1 }).waitFor();
    await page.goto(gateway.address("/console/messages"));
    await page.getByRole("heading", { name: texts.signInTitle, level: 1 }).waitFor();
    // Back from there, nothing of the session is left.
    await page.goBack();
    await page.getByRole("textbox", { name: texts.login }).waitFor();
  });

  gateway.test(`${language}: a wrong password is told, and the login kept`, { language }, async ({ page, texts }) => {
    await page.goto(gateway.address("/console/login"));
    const login = page.getByRole("textbox", { name: texts.login });
    await login.fill("agent");
    await page.getByRole("textbox", { name: texts.password }).fill("sandbox-viewer");
    await page.getByRole("button", { name: texts.signIn }).click();
    await page.getByRole("alert").filter({ hasText: texts.wrongLogin }).waitFor();
    assert.equal(await login.inputValue(), "agent");
    // The cursor is where the next attempt begins.
    const password = page.getByRole("textbox", { name: texts.password });
    assert.ok(await password.evaluate((field) => field === document.activeElement));
  });
}

gateway.test("signing in leads to the page that was asked for", {}, async ({ page, texts }) => {
  await page.goto(gateway.address("/console/messages?channelType=SMS"));
  await signIn(page, texts, "viewer");
  await page.getByRole("heading", { name: texts.messages, level: 1 }).waitFor();
  assert.equal(page.url(), gateway.address("/console/messages?channelType=SMS"));
});

gateway.test("the other language is kept for later pages", { user: "viewer" }, async ({ page, texts }) => {
  await page.goto(gateway.address("/console/messages"));
  await page.getByRole("combobox", { name: texts.language }).selectOption("Русский");
  await page.getByRole("button", { name: texts.apply, exact: true }).click();
  await page.getByRole("heading", { name: TEXTS.ru.messages, level: 1 }).waitFor();
  assert.equal(page.url(), gateway.address("/console/messages"));
  await page.getByRole("link", { name: TEXTS.ru.start, exact: true }).click();
  await page.getByRole("heading", { name: TEXTS.ru.start, level: 1 }).waitFor();
});

gateway.test("an address that the console does not have is one of its pages", { user: "viewer" }, async ({ page, texts }) => {
  for (const path of ["/console/messages/999999", "/console/nothing"]) {
    const response = await page.goto(gateway.address(path));
    assert.equal(response.status(), 404);
    await page.getByRole("heading", { name: texts.notFound, level: 1 }).waitFor();
    await page.getByRole("link", { name: texts.start, exact: true }).first().waitFor();
  }
});
