// The page on writing a transport shows its example whole; the example keeps the contract.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

test("the example on the page is the one that is compiled and checked", () => {
  const [, shown] = /```ts\n(\/\/ A transport[\s\S]*?)```/.exec(read("docs/custom-transport.md")) ?? [];
  expect(shown).toBe(read("docs/custom-transport.ts"));
});

test("the example passes the conformance suite", () => {
  const output = execFileSync(process.execPath, ["--import", "tsx", "test/transport/agent-conformance.ts"], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, TSX_TSCONFIG_PATH: "tsconfig.json" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const lines = output.trim().split("\n");
  expect(lines.filter((line) => line.startsWith("failed"))).toEqual([]);
  expect(lines.filter((line) => line.startsWith("passed")).length).toBeGreaterThan(25);
});
