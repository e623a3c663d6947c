import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** What one run of a program cost. */
export interface Run {
  readonly milliseconds: number;
  /** Largest resident set, in MiB; 0 where the system does not tell. */
  readonly peakMiB: number;
  readonly status: number | null;
  readonly stdoutBytes: number;
}

/** Runs a program to its end, from cold, and measures it. What it writes is counted and thrown away. */
export async function measure(file: string, args: readonly string[]): Promise<Run> {
  const start = performance.now();
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  let stdoutBytes = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    stdoutBytes += chunk.length;
  });
  let peakMiB = 0;
  const poll = setInterval(() => {
    // The high-water mark of Linux: the last look before the end misses next to nothing.
    const kibibytes = /VmHWM:\s+(\d+)/.exec(statusOf(child.pid))?.[1];
    if (kibibytes !== undefined) peakMiB = Number(kibibytes) / 1024;
  }, 4);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  clearInterval(poll);
  return { milliseconds: performance.now() - start, peakMiB, status, stdoutBytes };
}

function statusOf(pid: number | undefined): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    // Gone already, or not Linux.
    return "";
  }
}
