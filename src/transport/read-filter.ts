import type { Flow } from "../flow/flow.ts";
import type { ReadFilter } from "./transport.ts";

const EVERY_BIT = 0xffff_ffff_ffff_ffffn;

/** Does the filter cover this flow? A cookie without a mask is compared whole. */
export function filterCovers(filter: ReadFilter, flow: Flow): boolean {
  if (filter.table !== undefined && filter.table !== flow.table) return false;
  return filter.cookie === undefined || ((flow.cookie ^ filter.cookie) & (filter.cookieMask ?? EVERY_BIT)) === 0n;
}
