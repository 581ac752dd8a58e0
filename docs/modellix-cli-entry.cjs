#!/usr/bin/env node
// Starts modellix-cli for programs that run `node ENTRY …`; see docs/compatibility.md.
"use strict";

const { spawn } = require("node:child_process");
const { isatty } = require("node:tty");

const program = process.env.MODELLIX_CLI_PROGRAM || "modellix-cli";
let child;

// A terminal sends Ctrl-C and a hang-up to both processes: passing them on would send them twice.
// Not process.stdin.isTTY: that opens the stream, which is the program's to read.
const toBoth = isatty(0) ? ["SIGINT", "SIGHUP"] : [];
for (const signal of ["SIGINT", "SIGHUP", "SIGTERM"]) {
  process.on(signal, () => {
    if (!toBoth.includes(signal)) child.kill(signal);
  });
}

child = spawn(program, process.argv.slice(2), { stdio: "inherit", windowsHide: true });

child.on("error", (error) => {
  const reason = error.code === "ENOENT" ? "it is not on PATH" : error.message;
  console.error(`Error: Cannot start ${program}: ${reason}.`);
  console.error("Install it with pipx install modellix-cli, or name it in MODELLIX_CLI_PROGRAM.");
  process.exit(127);
});

child.on("exit", (status, signal) => {
  if (signal === null) process.exit(status);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
