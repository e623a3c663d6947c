import { closeSync, openSync, writeSync } from "node:fs";
import { flowLines } from "./flow-lines.ts";

/** Of a hundred desired flows, so many are not installed, are installed with other actions, and with another cookie. */
const MISSING = 1;
const OTHER_ACTIONS = 1;
const OTHER_COOKIE = 1;

/**
 * Writes two files that hold nearly the same flows, as one has them after a change: what is desired in the order and form of whoever
 * wrote it, what is installed as a switch dumps it, by table and with statistics. One in a hundred flows is missing, one has other
 * actions, one another cookie, and one more is installed that nobody desires any more. The same for each run.
 */
export function writeDumpPair(count: number, installed: string, desired: string): void {
  const lines = flowLines(count);
  writeLines(desired, lines);
  const byTable: string[][] = Array.from({ length: 256 }, () => []);
  const put = (line: string, i: number, changed: number): void => {
    const [, cookie, table, priority, rest] = /^cookie=(\w+),table=(\d+),priority=(\d+),(.*)$/.exec(line) as unknown as string[];
    const shown = changed >= MISSING + OTHER_ACTIONS && changed < MISSING + OTHER_ACTIONS + OTHER_COOKIE ? "0x1" : cookie;
    const statistics = `n_packets=${(i * 7) % 5000}, n_bytes=${(i * 420) % 300_000}, idle_age=${i % 60}`;
    const text = ` cookie=${shown}, duration=${i % 9000}.${100 + (i % 900)}s, table=${table}, ${statistics}, priority=${priority},${rest}`;
    byTable[Number(table)]?.push(changed >= MISSING && changed < MISSING + OTHER_ACTIONS ? `${text},output:7` : text);
  };
  lines.forEach((line, i) => {
    const changed = (i * 37) % 100;
    if (changed >= MISSING) put(line, i, changed);
    // Under another priority than any flow has, so that nobody desires it.
    else put(line.replace(/priority=\d+/, "priority=4000"), i, 99);
  });
  writeLines(installed, byTable.flat());
}

function writeLines(path: string, lines: readonly string[]): void {
  const file = openSync(path, "w");
  try {
    for (let at = 0; at < lines.length; at += 10_000) writeSync(file, `${lines.slice(at, at + 10_000).join("\n")}\n`);
  } finally {
    closeSync(file);
  }
}
