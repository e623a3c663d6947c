import { OfsyncError } from "../errors.ts";

/**
 * Which flows of the switch are ours: those whose cookie equals `cookie` in the bits of `mask`. Everything else is foreign
 * and is never changed or deleted, whatever its key. 64 bits, unsigned.
 */
export interface OwnershipOptions {
  readonly cookie: bigint;
  readonly mask: bigint;
}

const LIMIT = 0xffff_ffff_ffff_ffffn;

/** {@link OwnershipOptions} as numbers, so that a flow can be asked about without a bigint. */
export class Ownership {
  readonly cookie: bigint;
  readonly mask: bigint;
  readonly #maskHigh: number;
  readonly #maskLow: number;
  readonly #high: number;
  readonly #low: number;

  /** Throws `SYNC_OPTION` when a number is out of range, when the mask is zero, or when `cookie` has bits outside `mask`. */
  constructor(options: OwnershipOptions) {
    const { cookie, mask } = options;
    for (const [field, value] of [
      ["ownership.cookie", cookie],
      ["ownership.mask", mask],
    ] as const) {
      if (typeof value !== "bigint" || value < 0n || value > LIMIT) {
        throw new OfsyncError("SYNC_OPTION", `${field} is ${String(value)}, but must be an unsigned 64-bit bigint`, {
          place: { field },
        });
      }
    }
    if (mask === 0n) {
      throw new OfsyncError("SYNC_OPTION", "ownership.mask is 0, which would make every flow ours", {
        place: { field: "ownership.mask" },
        hint: "leave ownership out to own the whole switch",
      });
    }
    if ((cookie & ~mask) !== 0n) {
      throw new OfsyncError("SYNC_OPTION", "ownership.cookie has bits that ownership.mask does not cover", {
        place: { field: "ownership.cookie" },
      });
    }
    this.cookie = cookie;
    this.mask = mask;
    this.#maskHigh = Number(mask >> 32n);
    this.#maskLow = Number(mask & 0xffff_ffffn);
    this.#high = Number(cookie >> 32n) | 0;
    this.#low = Number(cookie & 0xffff_ffffn) | 0;
  }

  /** Is a flow with this cookie ours? */
  owns(flow: { readonly cookieHigh: number; readonly cookieLow: number }): boolean {
    return (flow.cookieHigh & this.#maskHigh) === this.#high && (flow.cookieLow & this.#maskLow) === this.#low;
  }
}
