// Tests that what is forbidden to pages is noticed, and that every link of the pages leads to one that does nothing forbidden.
"use strict";
const assert = require("node:assert/strict");
const { Console } = require("./support/console");
const { NO_WHATSAPP, ORDER, messages } = require("./support/messages");

const gateway = new Console(messages);

gateway.test("what a page may not do is noticed", { user: "viewer" }, async ({ page, guard }) => {
  await page.goto(gateway.address("/console/messages"));
  const noticed = async (what, act) => {
    const before = guard.problems.length;
    await page.evaluate(act);
    while (!guard.problems.slice(before).some((problem) => what.test(problem))) {
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
  };
  await noticed(/^policy: script-src/, () => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
  });
  assert.equal(await page.evaluate(() => window.ran), undefined);
  await noticed(/^policy: style-src/, () => document.body.setAttribute("style", "color: red"));
  await noticed(/^policy: img-src/, () => (new Image().src = "https://other.example/x.png"));
  await noticed(/^policy: connect-src/, () => fetch("https://other.example/").catch(() => {}));
  await noticed(/^console: .*Content Security Policy/, () => document.body.setAttribute("style", "color: blue"));
  await noticed(/^dialog: 1/, () => alert(1));
  await noticed(/^error: .*unknown/, () => setTimeout(() => unknown()));
  await noticed(/^address with a secret/, () => history.replaceState(null, "", "?q=%2B79001112233"));
  guard.problems.length = 0;
  await page.goto(gateway.address("/console/messages"));
  await page.evaluate(() => (document.title = "79001112233"));
  await assert.rejects(guard.verify(page.context()), /title with a secret/);
  guard.problems.length = 0;
  await page.evaluate(() => (document.title = ""));
});

// Of addresses that differ only in numbers, in values, or in what else they filter by, one is visited.
function form(address) {
  const { pathname, searchParams } = new URL(address);
  return `${pathname.replace(/\d+/g, "N")}?${searchParams.keys().next().value ?? ""}`;
}

for (const user of ["viewer", "auditor", "admin"]) {
  gateway.test(`every link that a user sees leads to a page: ${user}`, { user }, async ({ page, texts }) => {
    const paths = ["/console/", `/console/people/${ORDER.id}`, `/console/people/${NO_WHATSAPP}`];
    const waiting = paths.map((path) => gateway.address(path));
    const seen = new Set(waiting.map(form));
    while (waiting.length > 0) {
      const address = waiting.shift();
      const response = await page.goto(address);
      assert.equal(response.status(), 200, address);
      if (address.endsWith("/console/")) await page.getByRole("heading", { name: texts.today }).waitFor();
      const links = await page.getByRole("link").evaluateAll((all) => all.map((link) => link.href));
      for (const link of links) {
        if (seen.has(form(link))) continue;
        seen.add(form(link));
        waiting.push(link);
      }
    }
    assert.ok(seen.size >= 9, `only ${[...seen].join(" ")}`);
  });
}
