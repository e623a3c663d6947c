import { channel } from "node:diagnostics_channel";
import type { Diagnostics } from "../sync/diagnostics.ts";

/**
 * Publishes what a synchroniser does on Node's `diagnostics_channel`: `new Synchroniser({ …, diagnostics: nodeDiagnostics })`.
 * `docs/metrics.md` lists the channels and their messages.
 */
export const nodeDiagnostics: Diagnostics = { channel: (name) => channel(name) };
