// Watches the pages of a test for what no page may ever do, such as breaking its policy or asking another host.
"use strict";
const assert = require("node:assert/strict");

// Runs in every page before its own scripts.
function report() {
  document.addEventListener("securitypolicyviolation", (event) => {
    window.tellTests("policy", `${event.violatedDirective} forbids ${event.blockedURI}`);
  });
  document.addEventListener("DOMContentLoaded", () => window.tellTests("title", document.title));
}

class Guard {
  // `secrets` are texts that may stand in no address and in no title.
  constructor(origin, secrets) {
    Object.assign(this, { origin, secrets, problems: [] });
  }

  async watch(context) {
    await context.exposeBinding("tellTests", (_, kind, text) => {
      if (kind === "policy") this.problems.push(`policy: ${text}`);
      else this.checkSecrets("title", text);
    });
    await context.addInitScript(report);
    context.on("page", (page) => this.watchPage(page));
    context.on("request", (request) => this.checkAddress(request.url()));
    context.on("requestfailed", (request) => {
      // A page that is left ends its requests, and so does a download.
      const cause = request.failure()?.errorText;
      if (cause !== "net::ERR_ABORTED") this.problems.push(`request: ${cause} ${request.url()}`);
    });
    context.on("response", (response) => {
      if (response.status() >= 500) this.problems.push(`response: ${response.status()} ${response.url()}`);
    });
  }

  watchPage(page) {
    page.on("pageerror", (error) => this.problems.push(`error: ${error.message}`));
    page.on("dialog", (dialog) => {
      this.problems.push(`dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
    page.on("console", (message) => {
      // The browser reports pages that are not found as errors, too.
      const isStatus = message.text().startsWith("Failed to load resource");
      const isPolicy = message.text().includes("Content Security Policy");
      if (isPolicy || (message.type() === "error" && !isStatus)) this.problems.push(`console: ${message.text()}`);
    });
    page.on("framenavigated", (frame) => this.checkAddress(frame.url()));
  }

  checkAddress(address) {
    if (address === "about:blank") return;
    if (!address.startsWith(`${this.origin}/`)) this.problems.push(`another host: ${address}`);
    this.checkSecrets("address", address);
  }

  checkSecrets(place, text) {
    let plain = text;
    try {
      plain = decodeURIComponent(text.replaceAll("+", " "));
    } catch {
      // Not every title is an encoded text.
    }
    for (const secret of this.secrets) {
      if (text.includes(secret) || plain.includes(secret)) this.problems.push(`${place} with a secret: ${text}`);
    }
  }

  // At the end of a test. Scripts may have changed titles and addresses after their pages were loaded.
  async verify(context) {
    for (const page of context.pages()) {
      this.checkAddress(page.url());
      this.checkSecrets("title", await page.title());
    }
    assert.deepEqual(this.problems, []);
  }
}

module.exports = { Guard };
