// Tests every page with axe, in both languages and both colour schemes: it finds nothing to complain of.
"use strict";
const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const { Console, find } = require("./support/console");
const { BLOCKED, NO_WHATSAPP, ORDER, SHARED_ORDER, messages } = require("./support/messages");

const gateway = new Console(messages);
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

// Each page by its name, with what leads to it.
const PAGES = {
  start: async (page, texts) => {
    await page.goto(gateway.address("/console/"));
    await page.getByRole("heading", { name: texts.today }).waitFor();
  },
  found: async (page, texts) => {
    await find(page, texts, SHARED_ORDER);
    await page.getByRole("table", { name: texts.messages }).first().waitFor();
  },
  "nothing found": async (page, texts) => {
    await find(page, texts, "helicopter");
    await page.getByRole("status").filter({ hasText: texts.nothingFound }).waitFor();
  },
  conversation: (page) => page.goto(gateway.address(`/console/people/${ORDER.id}`)),
  "conversation with older messages": async (page, texts) => {
    await page.getByRole("link", { name: texts.older }).click();
    await page.getByRole("region", { name: texts.conversation }).getByRole("listitem").nth(39).waitFor();
  },
  "conversation with failures": (page) => page.goto(gateway.address(`/console/people/${BLOCKED}`)),
  message: (page) => page.goto(gateway.address(`/console/messages/${NO_WHATSAPP}`)),
  list: (page) => page.goto(gateway.address("/console/messages")),
  "list with filters": (page) => page.goto(gateway.address("/console/messages?deliveryStatus=UNDELIVERED&from=2026-03-10")),
  "empty list": (page) => page.goto(gateway.address("/console/messages?channelType=PUSH")),
  evidence: (page) => page.goto(gateway.address(`/console/evidence/people/${BLOCKED}`)),
  audit: (page) => page.goto(gateway.address("/console/audit")),
  users: (page) => page.goto(gateway.address("/console/users")),
  "not found": (page) => page.goto(gateway.address("/console/messages/999999")),
  "no such page": (page) => page.goto(gateway.address("/console/nowhere")),
  "not valid": (page) => page.goto(gateway.address("/console/messages?subjectId=x")),
};

// Colours are all that differs in the dark.
const SCHEMES = [["light", {}], ["dark", { runOnly: ["color-contrast", "link-in-text-block"] }]];

// What axe finds on a page with everything open that can be opened.
async function violations(page, name) {
  await page.getByRole("group").evaluateAll((groups) => groups.forEach((group) => (group.open = true)));
  await page.evaluate(AXE);
  const found = [];
  for (const [colorScheme, rules] of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    const ids = await page.evaluate(async (rules) => {
      const { violations } = await axe.run({ resultTypes: ["violations"], ...rules });
      const html = (nodes) => nodes.slice(0, 3).map((node) => node.html.slice(0, 150));
      return violations.map(({ id, nodes }) => `${id}: ${html(nodes).join(" | ")}`);
    }, rules);
    found.push(...ids.map((id) => `${name}, ${colorScheme}: ${id}`));
  }
  return found;
}

// What axe finds on pages.
async function allViolations(page, texts, names) {
  const found = [];
  for (const name of names) {
    await PAGES[name](page, texts);
    found.push(...(await violations(page, name)));
  }
  return found;
}

for (const language of ["en", "ru"]) {
  // The policy of the pages forbids what the test itself brings along.
  const options = { language, bypassCSP: true };

  gateway.test(`${language}: the pages for signing in`, options, async ({ page, texts }) => {
    await page.goto(gateway.address("/console/login"));
    const found = await violations(page, "signing in");
    await page.getByRole("textbox", { name: texts.login }).fill("nobody");
    await page.getByRole("textbox", { name: texts.password }).fill("nothing");
    await page.getByRole("button", { name: texts.signIn }).click();
    await page.getByRole("alert").waitFor();
    assert.deepEqual([...found, ...(await violations(page, "a wrong password"))], []);
  });

  gateway.test(`${language}: all other pages`, { ...options, user: "admin" }, async ({ page, texts }) => {
    assert.deepEqual(await allViolations(page, texts, Object.keys(PAGES)), []);
  });
}

const NARROW = { user: "admin", bypassCSP: true, viewport: { width: 320, height: 640 } };

gateway.test("pages whose tables are wider than the screen", NARROW, async ({ page, texts }) => {
  const names = ["start", "list", "message", "evidence", "audit", "users"];
  assert.deepEqual(await allViolations(page, texts, names), []);
});
