// Writes the compiled WebAssembly code of the table and of the scanner of text beside their sources:  npm run core:update
// A test of each room demands that it is up to date.
import { readFileSync, writeFileSync } from "node:fs";
import * as scan from "../../src/table/instruction-scan.ts";
import * as layout from "../../src/table/layout.ts";
import * as scanLayout from "../../src/text/fast/scan-layout.ts";
import { compileCore } from "./compile-core.ts";
import { memoryKindAt } from "./wasm-module.ts";

/** Sources that become one module. */
interface Core {
  /** Folder in src/. */
  readonly folder: string;
  readonly sources: readonly string[];
  /** The file to write, and the constant in it. */
  readonly target: string;
  readonly constant: string;
  /** What the sources import constants from. */
  readonly imported: readonly object[];
}

export const TABLE_CORE: Core = {
  folder: "table",
  sources: ["packed-core-base.ts", "packed-core.ts"],
  target: "packed-core-code.ts",
  constant: "CORE_CODE",
  imported: [scan, layout],
};

export const SCAN_CORE: Core = {
  folder: "text/fast",
  sources: ["scan-core-base.ts", "scan-core-match.ts", "scan-core.ts"],
  target: "scan-core-code.ts",
  constant: "SCAN_CODE",
  imported: [scanLayout],
};

/** The file that should contain the code. */
export function targetOf({ folder, target }: Core): URL {
  return new URL(`../../src/${folder}/${target}`, import.meta.url);
}

/** What the file should contain. */
export function coreCode({ folder, sources, constant, imported }: Core): string {
  const constants = new Map<string, number>();
  for (const [name, value] of imported.flatMap((each) => Object.entries(each))) {
    if (typeof value === "number") constants.set(name, value);
  }
  const read = (name: string): string => readFileSync(new URL(`../../src/${folder}/${name}`, import.meta.url), "utf8");
  const module = compileCore(
    sources.map((name) => ({ name, text: read(name) })),
    constants,
  );
  // Other ways are shorter, but this one is shortest when a package or a page is compressed.
  const lines =
    Buffer.from(module)
      .toString("hex")
      .match(/.{1,120}/g) ?? [];
  return `// Compiled from ${[...sources].reverse().join(" and ")} by test/core-compiler: npm run core:update.

/** WebAssembly of ${module.length} bytes, in hexadecimal digits. */
export const ${constant}: string =
${lines.map((line) => `  "${line}"`).join(" +\n")};

/** Where it says what kind of memory it works on: 3 = shared, 1 = not. */
export const MEMORY_KIND_AT = ${memoryKindAt(module)};
`;
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  for (const core of [TABLE_CORE, SCAN_CORE]) writeFileSync(targetOf(core), coreCode(core));
}
