import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

export const root: string = new URL("../..", import.meta.url).pathname;

/**
 * Path of a built file. The tests of what users get run against `dist/`, which `npm test` builds first; run alone, they say so
 * when it is missing or older than the sources, rather than testing something else than what is there.
 */
export function built(name: string): string {
  const path = join(root, "dist", name);
  if (!existsSync(path)) throw new Error(`dist/${name} is missing: npm run build`);
  const newest = Math.max(
    ...readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).map(
      (file) => statSync(join(root, "src", file)).mtimeMs,
    ),
  );
  if (statSync(path).mtimeMs < newest && process.env.OFSYNC_STALE_DIST !== "1") {
    throw new Error(`dist/${name} is older than src/: npm run build`);
  }
  return path;
}
