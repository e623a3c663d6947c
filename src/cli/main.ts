#!/usr/bin/env node
import { run } from "./run.ts";
import { Terminal } from "./terminal.ts";

const terminal = new Terminal();

run(process.argv.slice(2), terminal).then(
  (status) => terminal.leave(status),
  (error: unknown) => {
    // Only a fault of ofsync itself gets here: bad input has been told by `run`.
    process.stderr.write(`ofsync: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  },
);
