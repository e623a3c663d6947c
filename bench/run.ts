// Runs the benchmarks: every file bench/*.bench.ts in a process of its own, one after the other.
//
//   npm run bench                    all of them
//   npm run bench -- table wire      those whose name contains one of the words
//   npm run bench -- --smoke         small sizes: shows that they work, in under a minute (npm run bench:ci)
//   npm run bench -- --large memory  the sizes that need gigabytes or many minutes as well
//   npm run bench -- --report        also writes docs/benchmarks: results.json, a table of it and charts
//   npm run bench -- --pages         runs nothing, makes the charts and the table anew
//
// A bench file prints for people and calls `record` of bench/record.ts for every figure it stands for. It reads
// OFSYNC_BENCH_SMOKE=1 as "small sizes". The exit status is that of the benchmarks: slow is no failure, an error is.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { BenchRecord } from "./record.ts";
import { writePages, writeReport } from "./report.ts";

const here = new URL(".", import.meta.url).pathname;
const root = join(here, "..");
const flags = new Set(process.argv.slice(2).filter((argument) => argument.startsWith("--")));
const words = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const smoke = flags.has("--smoke");
const records = join(root, ".cache/bench.jsonl");

const pages = (): void => console.log(`\nmade ${writePages().join(", ")} in docs/benchmarks`);
if (flags.has("--pages")) {
  pages();
  process.exit(0);
}
if (flags.has("--report") && smoke) {
  console.error("--report wants full sizes, not --smoke");
  process.exit(1);
}

const files = readdirSync(here)
  .filter((name) => name.endsWith(".bench.ts") && (words.length === 0 || words.some((word) => name.includes(word))))
  .sort();
if (files.length === 0) {
  console.error(`no bench/*.bench.ts has a name with ${words.join(" or ")}`);
  process.exit(1);
}

mkdirSync(join(root, ".cache"), { recursive: true });
rmSync(records, { force: true });
const sizes = { ...(smoke ? { OFSYNC_BENCH_SMOKE: "1" } : {}), ...(flags.has("--large") ? { OFSYNC_BENCH_LARGE: "1" } : {}) };
const failed: string[] = [];
for (const file of files) {
  console.log(`\n=== ${file.replace(/\.bench\.ts$/, "")}${smoke ? " (small sizes)" : ""}`);
  const start = performance.now();
  const { status, signal } = spawnSync(process.execPath, ["--expose-gc", "--import", "tsx", join(here, file)], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, OFSYNC_BENCH_RECORDS: records, ...sizes },
  });
  console.log(`${((performance.now() - start) / 1000).toFixed(0)} s`);
  if (status !== 0) failed.push(`${file} (${signal ?? `exit status ${status}`})`);
  // Somebody stopped it: no more.
  if (signal === "SIGINT" || signal === "SIGTERM") break;
}

if (flags.has("--report") && failed.length === 0) {
  const lines = readFileSync(records, "utf8").trim().split("\n");
  writeReport(lines.map((line) => JSON.parse(line) as BenchRecord));
  pages();
}

console.log(failed.length === 0 ? `\n${files.length} benchmarks ran` : `\nfailed: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
