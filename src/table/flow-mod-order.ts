import { DELETE } from "./key-store.ts";

/**
 * In which order flow-mods go out: `makeBeforeBreak` adds and modifies before it deletes, `deletesFirst` the other way round
 * (for a table that is full). Adds and modifies of later tables go first, so that what a flow jumps to is there before it;
 * deletes of earlier tables go first, so that nothing jumps any more to what goes away. Within a table the order is unspecified.
 */
export type FlowModOrder = "makeBeforeBreak" | "deletesFirst";

/** Buckets of the order: 256 tables, first or second stage. */
export const BUCKETS = 512;

export function bucketOf(operation: number, table: number, order: FlowModOrder): number {
  const place = operation === DELETE ? table : 255 - table;
  const second = (operation === DELETE) === (order === "makeBeforeBreak");
  return second ? 256 + place : place;
}
