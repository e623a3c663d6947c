import { FieldScratch, readFieldValue } from "../flow/field-text.ts";
import type { Field } from "../flow/fields.ts";
import type { ParseContext } from "./parse-context.ts";

export { formatFieldValue } from "../flow/field-format.ts";

const shared = /* @__PURE__ */ new FieldScratch();

/**
 * Reads `ctx.text[start, end)` as a value of `field`, with or without a mask, in every spelling that ovs-ofctl takes. Value and
 * mask are big-endian and `field.bytes` long; no mask means exact. For the errors see `readFieldValue`.
 */
export function parseFieldValue(
  ctx: ParseContext,
  field: Field,
  start: number,
  end: number,
): { value: Uint8Array; mask: Uint8Array | undefined } {
  readFieldValue(ctx, field, start, end, shared);
  return {
    value: shared.value.slice(0, field.bytes),
    mask: shared.masked ? shared.mask.slice(0, field.bytes) : undefined,
  };
}
