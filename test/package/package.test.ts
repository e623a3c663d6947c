import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { built, root } from "./built.ts";

// The package as a user gets it: packed, unpacked into an empty project, beside its dependencies and nothing else.
let project: string;
let packed: string[];

beforeAll(() => {
  built("index.js");
  project = mkdtempSync(join(tmpdir(), "ofsync-package-"));
  const [report] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", project], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }),
  ) as [{ filename: string; files: { path: string }[] }];
  packed = report.files.map((file) => file.path);
  mkdirSync(join(project, "node_modules/ofsync"), { recursive: true });
  execFileSync("tar", [
    "-xzf",
    join(project, report.filename),
    "-C",
    join(project, "node_modules/ofsync"),
    "--strip-components=1",
  ]);
  for (const name of ["immer", "fast-deep-equal"]) link(name);
  writeFileSync(join(project, "package.json"), '{"type":"module"}');
});

afterAll(() => {
  if (project !== undefined) rmSync(project, { recursive: true, force: true });
});

function link(name: string): void {
  symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name));
}

function runScript(file: string, text: string, flags: readonly string[] = []): string {
  writeFileSync(join(project, file), text);
  return execFileSync(process.execPath, [...flags, join(project, file)], { cwd: project, encoding: "utf8" }).trim();
}

describe("what is in the package", () => {
  test("the builds, the types, the papers, and nothing else", () => {
    for (const name of ["index", "openflow", "testing"]) {
      expect(packed).toEqual(
        expect.arrayContaining([`dist/${name}.js`, `dist/${name}.cjs`, `dist/${name}.d.ts`, `dist/${name}.d.cts`]),
      );
    }
    expect(packed).toEqual(expect.arrayContaining(["dist/cli.js", "LICENSE", "README.md", "CHANGELOG.md", "package.json"]));
    expect(
      packed.filter(
        (path) => !/^(dist\/[^/]+\.(js|cjs|d\.ts|d\.cts|map)|LICENSE|README\.md|CHANGELOG\.md|package\.json)$/.test(path),
      ),
    ).toEqual([]);
    expect(packed).not.toContain("dist/cli.cjs");
  });
});

describe("how it is built", () => {
  const dist = (name: string): string => readFileSync(join(project, "node_modules/ofsync/dist", name), "utf8");
  const loaded = (name: string): string[] =>
    [...dist(name).matchAll(/(?:from|import|require\()"(\.\/[^"]+)"/g)].map(([, path = ""]) => path);

  test.each(["index.js", "index.cjs"])("%s loads one file, which loads none: each takes a millisecond at the start", (name) => {
    const [first = "", ...more] = loaded(name);
    expect(first).toMatch(/^\.\/chunk-/);
    expect(more).toEqual([]);
    expect(loaded(first)).toEqual([]);
  });

  test("CommonJS has the syntax of the source, not helpers in its place", () => {
    const chunks = packed.filter((path) => /\/chunk-[^/]+\.cjs$/.test(path)).map((path) => dist(path.slice("dist/".length)));
    expect(chunks.some((text) => text.includes("?."))).toBe(true);
    for (const text of chunks) expect(text).not.toMatch(/_optionalChain|_nullishCoalesce|__init\d/);
  });

  test.each([
    ["esm", 'import { parseFlow, DesiredFlowTable } from "ofsync";'],
    ["cjs", 'const { parseFlow, DesiredFlowTable } = require("ofsync");'],
  ])("what is printed still has its name, %s", (format, load) => {
    const text = `${load} console.log(parseFlow("actions=drop"), DesiredFlowTable.name);`;
    const printed = runScript(`printed.${format === "esm" ? "mjs" : "cjs"}`, text);
    expect(printed).toMatch(/^Flow \{.*match: Match \{.*instructions: Instructions \{.*\} DesiredFlowTable$/s);
  });
});

// Errors made by one entry are known to the other, and to the other module format.
const CHECK = `
  const error = (run) => { try { run(); } catch (caught) { return caught; } throw new Error("did not throw"); };
  const bad = error(() => new root.Flow({ priority: 70000 }));
  console.log(bad instanceof root.OfsyncError, bad.code, new root.Flow({ priority: 7 }).priority);
`;

describe("both module formats", () => {
  test("import, of the root and of openflow", () => {
    const text = `import * as root from "ofsync"; import * as openflow from "ofsync/openflow"; ${CHECK} console.log(typeof openflow);`;
    expect(runScript("esm.mjs", text)).toBe("true FLOW_VALUE 7\nobject");
  });

  test("require, also where ES modules cannot be required", () => {
    const text = `const root = require("ofsync"); const openflow = require("ofsync/openflow"); ${CHECK} console.log(typeof openflow);`;
    const [major, minor] = process.versions.node.split(".").map(Number) as [number, number];
    const flags =
      major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19) ? ["--no-experimental-require-module"] : [];
    expect(runScript("cjs.cjs", text, flags)).toBe("true FLOW_VALUE 7\nobject");
  });

  test.each([
    [
      "esm",
      'import * as root from "ofsync"; import * as openflow from "ofsync/openflow"; import * as testing from "ofsync/testing";',
      "both.mjs",
    ],
    [
      "cjs",
      'const root = require("ofsync"); const openflow = require("ofsync/openflow"); const testing = require("ofsync/testing");',
      "both.cjs",
    ],
  ])("classes are the same across the entries (%s)", (_name, head, file) => {
    if (!readdirSync(join(project, "node_modules")).includes("fast-check")) {
      link("fast-check");
      link("pure-rand");
    }
    const text = `${head}
      const shared = (a, b) => Object.keys(a).filter((name) => typeof a[name] === "function" && name in b);
      const apart = [["openflow", openflow], ["testing", testing]].flatMap(([name, entry]) =>
        shared(root, entry).filter((key) => root[key] !== entry[key]).map((key) => name + "." + key));
      console.log(JSON.stringify(apart));`;
    expect(runScript(file, text)).toBe("[]");
  });

  test("an error of one module format is an OfsyncError of the other", () => {
    const text = `
      import { createRequire } from "node:module";
      import { OfsyncError } from "ofsync";
      const cjs = createRequire(import.meta.url)("ofsync");
      try { new cjs.Flow({ table: 999 }); } catch (error) { console.log(error instanceof OfsyncError, OfsyncError === cjs.OfsyncError); }`;
    expect(runScript("mixed.mjs", text)).toBe("true false");
  });

  test("the command starts from the package", () => {
    const text = execFileSync(process.execPath, [join(project, "node_modules/ofsync/dist/cli.js"), "--version"], {
      encoding: "utf8",
    });
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    expect(text).toBe(`ofsync ${version}\n`);
  });
});
