// The programs that the benchmarks start in processes of their own: parts of the library, bundled as users get it, and the C
// programs it is compared with. Each prints one JSON object per line.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const here = new URL(".", import.meta.url).pathname;
const cache = join(here, "../.cache");

export interface Program {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
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
 * The C programs: "ordinary" is what one writes (malloc, chained hashes, a separate installed table); "shared" has the library's
 * own layout. Without a compiler says so and gives none.
 */
export function cPrograms(): Program[] {
  if (spawnSync("gcc", ["--version"]).status !== 0) {
    console.log("gcc is not installed: no ratios to the C programs");
    return [];
  }
  mkdirSync(cache, { recursive: true });
  return ["ordinary", "shared"].map((name) => {
    const file = join(cache, `table-${name}`);
    execFileSync("gcc", ["-O2", "-o", file, join(here, `c/${name}.c`)], { stdio: "inherit" });
    return { name, file, args: [] };
  });
}

/** Runs a program to its end and parses what it printed. Throws if it fails. */
export function runProgram<Line>(program: Program, ...args: string[]): Line[] {
  const text = execFileSync(program.file, [...program.args, ...args], { encoding: "utf8", maxBuffer: 1 << 26 });
  return text
    .trim()
    .split("\n")
    .map((line): Line => JSON.parse(line));
}
