import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./built.ts";

const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
  packages: Record<string, { resolved?: string; optionalDependencies?: Record<string, string> }>;
};

test("the lock file names no registry", () => {
  expect(Object.keys(lock.packages).filter((path) => lock.packages[path]?.resolved !== undefined)).toEqual([]);
});

// A registry that lacks some platform's package makes npm leave it out, and "npm ci" then refuses the lock file.
test("the lock file has the optional packages of every platform", () => {
  const missing: string[] = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      let at = path;
      while (!(`${at === "" ? "" : `${at}/`}node_modules/${name}` in lock.packages)) {
        if (at === "") {
          missing.push(`${name} of ${path}`);
          break;
        }
        at = at.slice(0, Math.max(0, at.lastIndexOf("node_modules/") - 1));
      }
    }
  }
  expect(missing).toEqual([]);
});
