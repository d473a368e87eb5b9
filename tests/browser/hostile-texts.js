// Tests that texts which try to be scripts, elements or links, or to break the layout, are shown as texts everywhere.
"use strict";
const assert = require("node:assert/strict");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");
const { Console, summary } = require("./support/console");
const { CASES, FIRST, IMAGE, SCRIPT, messages } = require("./support/hostile");

const gateway = new Console(messages);
const PERSON = `/console/people/${FIRST}`;

// What no page of the console has in its content, and no text may bring along.
const FORBIDDEN = "img, svg, script, style, iframe, object, embed, title, base, [onerror], [onload], [onmouseover]";

function injected(page) {
  return page.getByRole("main").evaluate((main, forbidden) => {
    const elements = [...main.querySelectorAll(forbidden)].map((element) => element.outerHTML);
    const links = [...main.querySelectorAll("a[href]")].map((link) => link.protocol).filter((name) => !/^https?:$/.test(name));
    return [...elements, ...links];
  }, FORBIDDEN);
}

// A page that is safe, and no wider than the screen.
async function check(page, path) {
  await page.goto(gateway.address(path));
  await page.getByRole("group").evaluateAll((groups) => groups.forEach((group) => (group.open = true)));
  assert.deepEqual(await injected(page), [], path);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= page.viewportSize().width, `${path} is ${width} px wide`);
}

const NARROW = { user: "agent", viewport: { width: 320, height: 640 } };

gateway.test("in a conversation", NARROW, async ({ page, texts }) => {
  await check(page, PERSON);
  const items = page.getByRole("region", { name: texts.conversation }).getByRole("listitem");
  for (const [place, [shown]] of CASES.entries()) {
    const text = await items.nth(place).evaluate((item) => item.textContent);
    assert.ok(text.includes(shown), `${place}: ${text.slice(0, 200)}`);
  }
  const reason = CASES.findIndex(([shown]) => shown === "reason");
  await items.nth(reason).filter({ hasText: IMAGE }).waitFor();
});

gateway.test("on the page of each message", NARROW, async ({ page }) => {
  for (const [place, [shown]] of CASES.entries()) {
    await check(page, `/console/messages/${FIRST + place}`);
    const text = await page.getByRole("main").evaluate((main) => main.textContent);
    assert.ok(text.includes(shown), `${place}: ${text.slice(0, 200)}`);
  }
});

gateway.test("in lists, counts, evidence and what was searched", NARROW, async ({ page, texts }) => {
  for (const path of ["/console/messages", "/console/counts", `/console/evidence/people/${FIRST}`, "/console/"]) {
    await check(page, path);
  }
  for (const text of [SCRIPT, IMAGE, "<b>nothing</b>"]) {
    await page.getByRole("searchbox", { name: texts.findMessages }).fill(text);
    await page.getByRole("searchbox", { name: texts.findMessages }).press("Enter");
    await page.waitForURL(/\/console\/(find|messages|people)/);
    assert.deepEqual(await injected(page), []);
  }
});

gateway.test("as a reason in the audit log", { ...NARROW, fresh: true }, async ({ page, texts }) => {
  await page.goto(gateway.address(PERSON));
  await summary(page, texts.maskedNote).click();
  await page.getByRole("textbox", { name: texts.revealReason }).fill(`${IMAGE}${"w".repeat(400)}`);
  await page.getByRole("button", { name: texts.reveal, exact: true }).click();
  await page.getByRole("status").filter({ hasText: texts.revealedUntil }).waitFor();
  await check(page, PERSON);
  await check(page, "/console/audit");
  await page.getByRole("row").filter({ hasText: IMAGE }).waitFor();
});

gateway.test("a channel with any name leads to its messages", { user: "agent" }, async ({ page, texts }) => {
  await page.goto(gateway.address("/console/"));
  await page.getByRole("link", { name: "A&direction=IN" }).click();
  await page.getByRole("heading", { name: texts.messages, level: 1 }).waitFor();
  await page.getByRole("link", { name: "channel", exact: true }).waitFor();
  assert.equal(await page.getByRole("row").count(), 2);
});

gateway.test("marks of direction turn no other text round", { user: "agent" }, async ({ page, texts }) => {
  await page.goto(gateway.address(PERSON));
  const times = page.getByRole("region", { name: texts.conversation }).getByRole("time");
  const turned = await times.evaluateAll((all) => {
    const left = (node, place) => {
      const range = document.createRange();
      range.setStart(node, place);
      range.setEnd(node, place + 1);
      return range.getBoundingClientRect().left;
    };
    // The hours stand before the minutes.
    const isTurned = ({ firstChild }) => left(firstChild, 0) > left(firstChild, 4);
    return all.filter(isTurned).map((time) => time.closest("li").textContent.slice(0, 100));
  });
  assert.deepEqual(turned, []);
});

gateway.test("in a file of evidence, opened by itself", { user: "agent" }, async ({ page, texts }) => {
  await page.goto(gateway.address(`/console/evidence/people/${FIRST}`));
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: texts.download }).click(),
  ]);
  const file = join(gateway.server.folder, "evidence.html");
  await download.saveAs(file);

  const context = await gateway.context({});
  const opened = await context.newPage();
  const problems = [];
  opened.on("dialog", (dialog) => problems.push(dialog.message()) && dialog.dismiss());
  opened.on("pageerror", (error) => problems.push(error.message));
  const address = pathToFileURL(file).href;
  opened.on("request", (request) => request.url() !== address && problems.push(request.url()));
  await opened.goto(address);
  const forbidden = "img, svg, iframe, script:not(#data), [onerror]";
  assert.equal(await opened.evaluate((all) => document.querySelectorAll(all).length, forbidden), 0);
  assert.ok((await opened.evaluate(() => document.body.innerText)).includes(SCRIPT));
  assert.deepEqual(problems, []);
  await context.close();
});
