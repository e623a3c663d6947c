import { readFile } from "node:fs/promises";
import { transform } from "esbuild";
import { defineConfig } from "tsup";

/** The entries whose types are published; the command has none. */
const entry = { index: "src/index.ts", openflow: "src/openflow.ts", testing: "src/testing.ts" };

// What entries share is put into one file for each set of entries that share it, and every file costs the start of a program about
// a millisecond. Entries that bring all of the root entry along leave one file for all of that.
const ALONG = 'import "./index.ts";';

/** Classes whose objects people print keep their names; a name for every class would take a millisecond to set. */
const PRINTED =
  /^export class (Flow|Match|Instructions|FlowList|DesiredFlowTable|InstalledFlowTable|MemorySwitch|Synchroniser|OpenFlowTransport)\b[^{]*\{/m;

export default defineConfig({
  entry: { ...entry, cli: "src/cli/main.ts" },
  format: ["esm", "cjs"],
  target: "node20",
  platform: "neutral",
  dts: { entry, compilerOptions: { ignoreDeprecations: "6.0" } },
  sourcemap: true,
  // Loading is mostly the parsing of the source, so it is kept short. The syntax stays as it is: Node finds the names that a
  // CommonJS file exports by its looks.
  minifyWhitespace: true,
  minifyIdentifiers: true,
  clean: true,
  splitting: true,
  removeNodeProtocol: false,
  noExternal: ["fast-deep-equal", "immer", "uuid"],
  external: [/^node:/],
  esbuildOptions(options) {
    options.logOverride = { "ignored-bare-import": "silent" };
  },
  esbuildPlugins: [
    {
      name: "sources",
      setup(build) {
        build.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
          const text = await readFile(path, "utf8");
          // So that a printed Flow still says that it is one.
          const named = text.replace(PRINTED, (head, name) => `${head} static name = "${name}";`);
          return { contents: /\/src\/(openflow|testing)\.ts$/.test(path) ? ALONG + named : named, loader: "ts" };
        });
      },
    },
  ],
  plugins: [
    {
      name: "commonjs",
      // Chunks come as ES modules for either format. tsup's own translation would rewrite `?.`, `??` and class fields as well, with
      // calls of helpers on paths that have no time for them.
      async renderChunk(code, { path }) {
        if (this.format !== "cjs" || !path.endsWith(".cjs")) return;
        this.splitting = false;
        const options = { format: "cjs", platform: "node", target: "node20", minifyWhitespace: true } as const;
        return await transform(code, { ...options, sourcefile: path, sourcemap: "external" });
      },
    },
  ],
});
