import { describe } from "vitest";
import { missingOpenVSwitch } from "./open-vswitch.ts";

const missing = missingOpenVSwitch();
let said = false;

/**
 * `describe` for tests that need a real Open vSwitch. Without one they are skipped with one line that says what to install;
 * on a CI machine (`CI` set to anything but empty, `0` or `false`) that is a failure, because there nobody reads what was skipped.
 */
export function describePeer(name: string, body: () => void): void {
  if (missing === undefined) {
    describe(name, body);
    return;
  }
  if (!["", "0", "false"].includes(process.env.CI ?? "")) throw new Error(missing);
  if (!said) console.warn(missing);
  said = true;
  describe.skip(name, body);
}
