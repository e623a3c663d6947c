import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { root } from "./built.ts";

const text = (path: string): string => readFileSync(join(root, path), "utf8");
const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => `src/${name}`);
const pages = [
  "README.md",
  "CHANGELOG.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** Upper snake case that is no error code of ours. */
const NO_CODES = new Set(["IN_PORT", "UNKNOWN_ERROR", "VACANCY_DOWN", "VACANCY_UP"]);

/** Error codes that a source file gives to a call or a constructor. */
function codesIn(path: string): string[] {
  const codes: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) && /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(node.text) && !/^(OFP|NX|OXM|ONF)/.test(node.text)) {
      const { parent } = node;
      const made = ts.isNewExpression(parent) && parent.arguments?.[0] === node;
      const passed = node.text.includes("_") && (ts.isCallExpression(parent) || ts.isConditionalExpression(parent));
      if (made || passed) codes.push(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text(path), ts.ScriptTarget.ES2022, true));
  return codes.filter((code) => !NO_CODES.has(code));
}

describe("docs/errors.md", () => {
  const used = new Set(sources.flatMap(codesIn));
  const listed = new Set(
    [...text("docs/errors.md").matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)`/g)].map((found) => found[1] as string),
  );

  test("lists every code of the sources", () => {
    expect(used.size).toBeGreaterThan(50);
    expect([...used].filter((code) => !listed.has(code)).sort()).toEqual([]);
  });

  test("lists no code that is gone", () => {
    expect([...listed].filter((code) => !used.has(code) && !code.startsWith("OFP")).sort()).toEqual([]);
  });
});

test("every page that is named exists", () => {
  const missing: string[] = [];
  for (const page of pages) {
    for (const [, target] of text(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (!existsSync(join(root, dirname(page), target as string))) missing.push(`${page}: ${target}`);
    }
  }
  for (const source of sources) {
    for (const [target] of text(source).matchAll(/docs\/[\w/-]+\.md/g))
      if (!existsSync(join(root, target))) missing.push(`${source}: ${target}`);
  }
  expect(missing).toEqual([]);
});

test("every command is on its page", () => {
  const names = [...text("src/cli/run.ts").matchAll(/^ {4}name: "(\w+)"/gm)].map((found) => found[1]);
  expect(names.length).toBeGreaterThan(5);
  for (const name of names) expect(text("docs/cli.md")).toContain(`\`ofsync ${name} `);
});

describe("README", () => {
  const programs = [...text("README.md").matchAll(/```ts\n([\s\S]*?)```/g)].map((found) => found[1] as string);

  test("begins with a program of at most 25 lines, and it works", () => {
    const program = programs[0] as string;
    expect(program.trim().split("\n").length).toBeLessThanOrEqual(25);
    expect(run("readme-program.ts", program)).toBe(
      "confirmed revision 2 - flows in the switch: 3\nrefused: 0 - deletes sent: 1\n",
    );
  });

  test("its other examples work too", () => {
    for (const [index, program] of programs.slice(1).entries()) run(`readme-${index}.ts`, program);
  });
});

/** Runs a program that imports the package by name, from the sources. */
function run(name: string, program: string): string {
  const folder = join(root, ".cache/docs");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, name);
  writeFileSync(file, program);
  return execFileSync(process.execPath, ["--import", "tsx", file], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, TSX_TSCONFIG_PATH: join(root, "tsconfig.json") },
  });
}
