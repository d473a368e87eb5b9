// Starts a sandbox with the messages of a test, and stops it.
"use strict";
const { spawn } = require("node:child_process");
const { mkdtempSync, rmSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const readline = require("node:readline");

// Signing in is limited by the gateway's clock, which stands still here.
const SETTINGS = {
  HISTORY_GATEWAY__LOG__LEVEL: "warn",
  HISTORY_GATEWAY__CONSOLE__ATTEMPTS_PER_LOGIN: "0",
  HISTORY_GATEWAY__CONSOLE__ATTEMPTS_PER_ADDRESS: "0",
};

// Without messages, it has the demo data. Its clock is stopped at `now`, so that "today" is the same day at every run.
async function startServer({ messages, now }) {
  const folder = mkdtempSync(join(tmpdir(), "browser-tests-"));
  const options = ["sandbox", "--port", "0", "--json", "--stop-with-stdin", "--now", now];
  if (messages) {
    const file = join(folder, "messages.ndjson");
    writeFileSync(file, messages.map((message) => JSON.stringify(message)).join("\n") + "\n");
    options.push("--fixtures", file);
  }
  const child = spawn(process.env.BINARY, options, {
    env: { ...process.env, ...SETTINGS },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => {
    child.on("error", resolve);
    child.on("exit", resolve);
  });
  const line = new Promise((resolve) => readline.createInterface({ input: child.stdout }).once("line", resolve));
  const greeting = await Promise.race([line, ended.then(() => undefined)]);
  if (greeting === undefined) {
    rmSync(folder, { recursive: true });
    throw new Error("the sandbox did not start");
  }
  const stop = async () => {
    child.stdin.end();
    await ended;
    rmSync(folder, { recursive: true });
  };
  return { url: JSON.parse(greeting).url, folder, stop };
}

module.exports = { startServer };
