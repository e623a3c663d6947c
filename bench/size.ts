// What each entry costs a user who bundles it: everything it brings, minified, in bytes after brotli. Fails when an entry is
// over its limit. Runtime dependencies count, modules of Node do not.
import { brotliCompressSync } from "node:zlib";
import { build } from "esbuild";

/** Limits in bytes (brotli). Raise one only on purpose. */
const LIMITS: Readonly<Record<string, number>> = { index: 126_000, openflow: 105_000, testing: 60_000, cli: 192_000 };

const ENTRIES: Readonly<Record<string, string>> = {
  index: "src/index.ts",
  openflow: "src/openflow.ts",
  testing: "src/testing.ts",
  cli: "src/cli/main.ts",
};

let over = false;
console.log("entry      minified     brotli      limit");
for (const [name, file] of Object.entries(ENTRIES)) {
  const result = await build({
    entryPoints: [new URL(`../${file}`, import.meta.url).pathname],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: name === "index" ? "browser" : "node",
    // A user brings fast-check along; it is an optional peer.
    external: ["fast-check"],
    logLevel: "error",
  });
  const bytes = result.outputFiles[0]?.contents as Uint8Array;
  const packed = brotliCompressSync(bytes).length;
  const limit = LIMITS[name] as number;
  const mark = packed > limit ? "  over the limit" : "";
  if (packed > limit) over = true;
  console.log(
    `${name.padEnd(8)} ${String(bytes.length).padStart(10)} ${String(packed).padStart(10)} ${String(limit).padStart(10)}${mark}`,
  );
}
process.exitCode = over ? 1 : 0;
