// The programs that the benchmarks start in processes of their own: parts of the library, bundled as users get it, and the C
// programs it is compared with. Each prints one JSON object per line.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { referenceProgram } from "./reference.ts";

const here = new URL(".", import.meta.url).pathname;
const cache = join(here, "../.cache");

export interface Program {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  /** Brings what it prints into lines of JSON. Default: it prints them. */
  readonly translate?: (text: string) => string;
}

/** `bench/<source>.ts` for Node. */
export async function libraryProgram(source: string): Promise<Program> {
  const outfile = join(cache, `${source}.mjs`);
  await build({
    entryPoints: [join(here, `${source}.ts`)],
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    outfile,
    logLevel: "warning",
  });
  return { name: "library", file: process.execPath, args: ["--expose-gc", outfile] };
}

/**
 * The C programs: "ref" is the reference where it is at hand; "ordinary" is what one writes (malloc, chained hashes, a separate
 * installed table); "shared" has the library's own layout. Without a compiler says so and gives none.
 */
export function cPrograms(): Program[] {
  if (spawnSync("gcc", ["--version"]).status !== 0) {
    console.log("gcc is not installed: no ratios to the C programs");
    return [];
  }
  mkdirSync(cache, { recursive: true });
  const reference = referenceProgram();
  const own = ["ordinary", "shared"].map((name) => {
    const file = join(cache, `table-${name}`);
    execFileSync("gcc", ["-O2", "-o", file, join(here, `c/${name}.c`)], { stdio: "inherit" });
    return { name, file, args: [] };
  });
  return reference === undefined ? own : [reference, ...own];
}

/** Of the C programs, the one that the goals are set against: the reference, or else the ordinary one. */
export function goalPeer(programs: readonly Program[]): string {
  return programs.some(({ name }) => name === "ref") ? "ref" : "ordinary";
}

/** Runs a program to its end and parses what it printed. Throws if it fails. */
export function runProgram<Line>(program: Program, ...args: string[]): Line[] {
  const text = execFileSync(program.file, [...program.args, ...args], { encoding: "utf8", maxBuffer: 1 << 26 });
  return (program.translate?.(text) ?? text)
    .trim()
    .split("\n")
    .map((line): Line => JSON.parse(line));
}
