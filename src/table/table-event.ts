import type { Flow } from "../flow/flow.ts";
import type { OwnerId } from "./owner-id.ts";

/** What a desired table tells its listeners. */
export type TableEvent =
  /** Once per call or transaction that changed something, after it is complete. */
  | { readonly type: "changed"; readonly revision: number }
  /** An owner gave a key again with another value; the first was kept. */
  | { readonly type: "duplicate"; readonly owner: OwnerId; readonly kept: Flow; readonly ignored: Flow };
