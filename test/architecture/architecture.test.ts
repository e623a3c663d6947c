import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { breaches, type SourceFile } from "./rules.ts";

const root = new URL("../..", import.meta.url).pathname;

function sources(): SourceFile[] {
  return readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => ({ path: `src/${name}`, text: readFileSync(join(root, "src", name), "utf8") }));
}

test("the sources keep the rules of their rooms", () => {
  expect(breaches(sources())).toEqual([]);
});

test("source files are small: half of them have no more than 250 lines", () => {
  const lines = sources()
    .map((file) => file.text.split("\n").length)
    .sort((a, b) => a - b);
  expect(lines[lines.length >> 1]).toBeLessThanOrEqual(250);
});

test("source files are named as kebab-case", () => {
  const odd = sources()
    .map((file) => file.path.split("/").pop() as string)
    .filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(name));
  expect(odd).toEqual([]);
});

describe("the rules see", () => {
  const flow = { path: "src/flow/match.ts", text: "export const a = 1;" };
  const cases: readonly [name: string, path: string, text: string, expected: RegExp][] = [
    ["an import that goes up", "src/errors.ts", 'import { a } from "./flow/match.ts";', /floor\(0\) -> flow\(1\) goes up/],
    ["a type import that goes up", "src/errors.ts", 'import type { a } from "./flow/match.ts";', /goes up/],
    ["a dynamic import that goes up", "src/errors.ts", 'const a = await import("./flow/match.ts");', /goes up/],
    ["a file that is not there", "src/text/a.ts", 'import { a } from "../flow/none.ts";', /no source file/],
    ["Node in a browser room", "src/table/a.ts", 'import { readFile } from "node:fs";', /must run in a browser/],
    ["Node in the root entry", "src/index.ts", 'import "node:fs";', /must run in a browser/],
    ["Buffer in a browser room", "src/wire/a.ts", "export const a = Buffer.alloc(1);", /line 1 uses Buffer/],
    ["a package in the wrong room", "src/flow/a.ts", 'import { produce } from "immer";', /package immer/],
    ["an unknown package", "src/table/a.ts", 'import _ from "lodash";', /package lodash/],
    ["fast-check outside testing", "src/sync/a.ts", 'import fc from "fast-check";', /package fast-check/],
    ["a star export", "src/index.ts", 'export * from "./flow/match.ts";', /exports everything/],
    ["any", "src/flow/a.ts", "export const a: any = 1;", /uses any/],
    ["a silenced checker", "src/flow/a.ts", "// @ts-ignore\nexport const a = 1;", /silences/],
    ["a file that is too long", "src/flow/a.ts", "\n".repeat(701), /702 lines/],
    ["the command reaching inside", "src/cli/main.ts", 'import { a } from "../flow/match.ts";', /public surface only/],
    ["a room using the surface", "src/table/a.ts", 'import { a } from "../index.ts";', /imports the public surface/],
    ["an unknown room", "src/utils/a.ts", "export const a = 1;", /no known room/],
    ["a surface showing too much", "src/openflow.ts", 'export { a } from "./table/b.ts";', /shows something of the room table/],
  ];
  test.each(cases)("%s", (_name, path, text, expected) => {
    const others = [flow, { path: "src/index.ts", text: "" }, { path: "src/table/b.ts", text: "" }];
    const found = breaches([{ path, text }, ...others.filter((file) => file.path !== path)]);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(expected);
  });

  test("nothing wrong in what is right", () => {
    const good: SourceFile[] = [
      flow,
      {
        path: "src/table/b.ts",
        text: 'import { a } from "../flow/match.ts";\nimport { produce } from "immer";\nexport const b = [a, produce];',
      },
      { path: "src/index.ts", text: 'export { b } from "./table/b.ts";' },
      { path: "src/cli/main.ts", text: 'import { b } from "../index.ts";\nimport { readFile } from "node:fs/promises";' },
      { path: "src/wire/c.ts", text: "// a Buffer is not used here\nexport const x = { process: 1 }.process;" },
    ];
    expect(breaches(good)).toEqual([]);
  });
});
