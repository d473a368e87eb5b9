// Moves through a page with the Tab key only.
"use strict";
const assert = require("node:assert/strict");

// More stops than any page of the tests has.
const MOST_STOPS = 200;

function isFocused(element) {
  return element === document.activeElement;
}

// Whether the element that is looked for has the focus; and the element that has it, if its outline does not show it.
function stopAt(wanted) {
  const element = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const isUnseen = outlineStyle === "none" || outlineWidth === "0px";
  // At the end of a page, nothing in it has the focus. In a field for a date, one of its own parts shows it.
  const isExcepted = element === document.body || element.type === "date";
  const unseen = isUnseen && !isExcepted ? element.outerHTML.slice(0, 120) : undefined;
  return { isReached: wanted.length === 1 && wanted[0] === element, unseen };
}

// Waits until something, or what is inside it, has the focus.
async function waitForFocus(locator) {
  const isReached = await locator.evaluate(async (element) => {
    const isInside = () => element.contains(document.activeElement);
    for (let frame = 0; frame < 300 && !isInside(); frame += 1) await new Promise(requestAnimationFrame);
    return isInside();
  });
  assert.ok(isReached, `without the focus: ${locator}`);
}

// Presses Tab until something has the focus. Each stop on the way must show that it has it.
async function tabTo(page, locator) {
  await locator.waitFor({ state: "attached" });
  for (let stop = 0; stop < MOST_STOPS; stop += 1) {
    const { isReached, unseen } = await locator.evaluateAll(stopAt);
    assert.equal(unseen, undefined, "the focus cannot be seen");
    if (isReached) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`no Tab stop: ${locator}`);
}

// Goes to a link or a button, and presses Enter there.
async function enter(page, locator) {
  await tabTo(page, locator);
  await page.keyboard.press("Enter");
}

// Goes to a field, and types.
async function type(page, locator, text) {
  await tabTo(page, locator);
  await page.keyboard.type(text);
}

// A key as another layout sends it: its place is the same, its letter is not.
async function pressAs(page, key, code) {
  const session = await page.context().newCDPSession(page);
  await session.send("Input.dispatchKeyEvent", { type: "keyDown", key, code, text: key });
  await session.send("Input.dispatchKeyEvent", { type: "keyUp", key, code });
  await session.detach();
}

module.exports = { enter, isFocused, pressAs, tabTo, type, waitForFocus };
