import { defineConfig } from "vitest/config";

// With OFSYNC_TEST_JSON=FILE the totals go to FILE as well; .ci/run reads them there.
const json = process.env.OFSYNC_TEST_JSON;

const config: ReturnType<typeof defineConfig> = defineConfig({
  root: new URL("..", import.meta.url).pathname,
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: json === undefined ? ["default"] : ["default", ["json", { outputFile: json }]],
    coverage: { provider: "v8", include: ["src/**/*.ts"] },
  },
});
export default config;
