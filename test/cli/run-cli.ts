import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { built } from "../package/built.ts";

export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command. */
export function ofsync(
  args: readonly string[],
  options: { input?: string | Uint8Array; env?: Record<string, string> } = {},
): CliResult {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [built("cli.js"), ...args], {
    input: options.input ?? "",
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    env: { ...process.env, OFSYNC_DEBUG: "", ...options.env },
  });
  if (error !== undefined) throw error;
  return { status, stdout, stderr };
}

/** A folder of text files for one test. */
export class Scratch {
  readonly folder: string = mkdtempSync(join(tmpdir(), "ofsync-cli-"));

  file(name: string, text: string | Uint8Array): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Lines of a text, sorted, without the empty one at the end. */
export function sortedLines(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .sort();
}
