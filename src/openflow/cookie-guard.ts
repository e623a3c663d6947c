import type { SendOptions } from "../transport/transport.ts";
import type { CookieGuard } from "../wire/flow-mod-encoder.ts";

/** The guard of {@link SendOptions} as numbers, made once a batch. */
export function cookieGuard({ guard }: SendOptions): CookieGuard | undefined {
  if (guard === undefined) return undefined;
  const cookie = guard.cookie & guard.cookieMask;
  return {
    cookieHigh: Number(cookie >> 32n),
    cookieLow: Number(cookie & 0xffff_ffffn),
    maskHigh: Number(guard.cookieMask >> 32n),
    maskLow: Number(guard.cookieMask & 0xffff_ffffn),
  };
}
