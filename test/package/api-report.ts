// Compares the public API of each entry with its report in docs/api/ and fails when they differ; with --update writes the
// reports. A change of the API is then seen in review as a change of those files. Needs a build (npm run build).
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";

const root = new URL("../..", import.meta.url).pathname;
const update = process.argv.includes("--update");
const reports = join(root, "docs/api");
const scratch = join(root, ".cache/api");
mkdirSync(reports, { recursive: true });
mkdirSync(scratch, { recursive: true });

let failed = false;
for (const entry of ["index", "openflow", "testing"]) {
  const types = join(root, "dist", `${entry}.d.ts`);
  if (!existsSync(types)) throw new Error(`${types} is missing: npm run build`);
  const config = ExtractorConfig.prepare({
    configObjectFullPath: join(root, "api-extractor.json"),
    packageJsonFullPath: join(root, "package.json"),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: types,
      compiler: { tsconfigFilePath: join(root, "tsconfig.json"), skipLibCheck: true },
      apiReport: {
        enabled: true,
        reportFileName: `${entry}.api.md`,
        reportFolder: reports,
        reportTempFolder: scratch,
        includeForgottenExports: false,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Warning } },
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.Warning },
          // Everything that is exported is public; no tags are used to say so.
          "ae-missing-release-tag": { logLevel: ExtractorLogLevel.None },
          "ae-undocumented": { logLevel: ExtractorLogLevel.None },
          "ae-unresolved-link": { logLevel: ExtractorLogLevel.None },
          // The other entries speak of types that the root exports.
          "ae-forgotten-export":
            entry === "index"
              ? { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true }
              : { logLevel: ExtractorLogLevel.None },
        },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  });
  const result = Extractor.invoke(config, {
    localBuild: update,
    messageCallback: (message) => {
      // What the tool says about itself; the outcome is told below.
      if (message.messageId.startsWith("console-")) message.handled = true;
    },
  });
  if (result.apiReportChanged && !update) {
    console.error(`docs/api/${entry}.api.md no longer describes the entry. If the change is meant: npm run api:update`);
    failed = true;
  } else {
    console.log(`docs/api/${entry}.api.md ${result.apiReportChanged ? "updated" : "is up to date"}`);
  }
}
process.exitCode = failed ? 1 : 0;
