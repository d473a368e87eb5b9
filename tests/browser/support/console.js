// A sandbox and a browser for the tests of one file, and a guarded page for each of them.
"use strict";
const { after, before, test } = require("node:test");
const { chromium } = require("playwright-core");
const { Guard } = require("./guard");
const { NOW, SECRETS, messages } = require("./messages");
const { startServer } = require("./server");
const { TEXTS } = require("./texts");

const BROWSER = {
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

const WIDE = { width: 1200, height: 900 };

class Console {
  constructor(loaded) {
    this.loaded = loaded;
    this.sessions = new Map();
    before(async () => {
      this.server = await startServer({ messages: this.loaded, now: NOW });
      this.browser = await chromium.launch(BROWSER);
    });
    after(async () => {
      await this.browser?.close();
      await this.server?.stop();
    });
  }

  address(path) {
    return `${this.server.url}${path}`;
  }

  // A test with a page of its own. `user` is signed in already, with a session that tests share unless it is `fresh`; other
  // options are those of a browser's context.
  test(name, { user, fresh = false, language = "en", ...options }, body) {
    test(name, { timeout: 60_000 }, async () => {
      const storageState = user && (await this.session(user, fresh));
      const context = await this.context({ language, storageState, ...options });
      const guard = new Guard(this.server.url, SECRETS);
      await guard.watch(context);
      try {
        const page = await context.newPage();
        await body({ page, context, guard, texts: TEXTS[language] }).catch((error) => explain(error, page));
        await guard.verify(context);
      } finally {
        await context.close();
      }
    });
  }

  async context({ language = "en", ...options }) {
    const context = await this.browser.newContext({ locale: language, timezoneId: "UTC", viewport: WIDE, ...options });
    context.setDefaultTimeout(10_000);
    return context;
  }

  // The cookies of a user who is signed in, without a page: other tests are about signing in.
  async session(user, fresh) {
    if (!fresh && this.sessions.has(user)) return this.sessions.get(user);
    const context = await this.browser.newContext();
    const address = this.address("/console/login");
    const page = await (await context.request.get(address)).text();
    const [, token] = /name="token" value="([^"]+)"/.exec(page);
    const form = { token, login: user, password: `sandbox-${user}` };
    await context.request.post(address, { form, headers: { origin: this.server.url }, maxRedirects: 0 });
    const session = await context.storageState();
    await context.close();
    if (!fresh) this.sessions.set(user, session);
    return session;
  }
}

// Adds what stood on the page to an error.
async function explain(error, page) {
  const snapshot = await page.ariaSnapshot().catch(() => "the page cannot be read");
  const main = snapshot.slice(Math.max(0, snapshot.indexOf("- main:"))).split("\n");
  error.stack += `\n\n${page.url()}\n${main.slice(0, 20).join("\n")}`;
  throw error;
}

// Fills in the form for signing in, which is shown.
async function signIn(page, texts, user, password = `sandbox-${user}`) {
  await page.getByRole("textbox", { name: texts.login }).fill(user);
  await page.getByRole("textbox", { name: texts.password }).fill(password);
  await page.getByRole("button", { name: texts.signIn }).click();
  await page.getByRole("button", { name: texts.signOut }).waitFor();
}

// Types a text into the box and sends it.
async function find(page, texts, text) {
  const box = page.getByRole("searchbox", { name: texts.findMessages });
  await box.fill(text);
  await box.press("Enter");
}

// What opens a part of a page. It has no role of its own, only its text.
function summary(page, text) {
  return page.getByText(text, { exact: true });
}

// A paragraph that has a text.
function paragraph(page, text) {
  return page.getByRole("paragraph").filter({ hasText: text });
}

module.exports = { Console, find, paragraph, signIn, summary };
