// Writes src/table/packed-core-code.ts, the compiled packed-core.ts and packed-core-base.ts:  npm run core:update
// A test demands that it is up to date.
import { readFileSync, writeFileSync } from "node:fs";
import * as scan from "../../src/table/instruction-scan.ts";
import * as layout from "../../src/table/layout.ts";
import { compileCore } from "./compile-core.ts";
import { memoryKindAt } from "./wasm-module.ts";

const SOURCES = ["packed-core-base.ts", "packed-core.ts"];
export const target: URL = new URL("../../src/table/packed-core-code.ts", import.meta.url);

/** What the file should contain. */
export function coreCode(): string {
  const constants = new Map<string, number>();
  for (const [name, value] of [...Object.entries(scan), ...Object.entries(layout)]) {
    if (typeof value === "number") constants.set(name, value);
  }
  const module = compileCore(
    SOURCES.map((name) => ({ name, text: readFileSync(new URL(`../../src/table/${name}`, import.meta.url), "utf8") })),
    constants,
  );
  // Other ways are shorter, but this one is shortest when a package or a page is compressed.
  const lines =
    Buffer.from(module)
      .toString("hex")
      .match(/.{1,120}/g) ?? [];
  return `// Compiled from packed-core.ts and packed-core-base.ts by test/core-compiler: npm run core:update.

/** WebAssembly of ${module.length} bytes, in hexadecimal digits. */
export const CORE_CODE: string =
${lines.map((line) => `  "${line}"`).join(" +\n")};

/** Where it says what kind of memory it works on: 3 = shared, 1 = not. */
export const MEMORY_KIND_AT = ${memoryKindAt(module)};
`;
}

if (process.argv[1] === new URL(import.meta.url).pathname) writeFileSync(target, coreCode());
