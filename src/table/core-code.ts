import { fromHex } from "../bytes.ts";
import { CORE_CODE, MEMORY_KIND_AT } from "./packed-core-code.ts";

/** What packed-core.ts exports, as functions over the arena they were started with. */
export interface CoreCode {
  put(uuid: number, flow: number, replace: number): number;
  remove(uuid: number): number;
  putRuns(first: number, count: number, replace: number): number;
  ownerOf(uuid: number): number;
  change(node: number, flow: number): number;
  removeMany(count: number): number;
  confirm(first: number, count: number): number;
}

interface WebAssemblyHost {
  readonly WebAssembly?: {
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (module: object, imports: object) => { readonly exports: CoreCode };
  };
}

/** Modules compiled so far, for a shared memory and for an ordinary one; `null`: the host does not let us. */
let sharedModule: object | null | undefined;
let ordinaryModule: object | null | undefined;

/** The code of packed-core.ts on this memory; `undefined` where the host has no WebAssembly or forbids it. */
export function startCore(memory: object, shared: boolean): CoreCode | undefined {
  const { WebAssembly } = globalThis as WebAssemblyHost;
  if (WebAssembly === undefined) return undefined;
  try {
    if (shared) sharedModule ??= compile(shared);
    else ordinaryModule ??= compile(shared);
    const module = shared ? sharedModule : ordinaryModule;
    if (module === null || module === undefined) return undefined;
    return new WebAssembly.Instance(module, { m: { m: memory } }).exports;
  } catch {
    // A page's security policy may forbid it; the classes do the same, only slower.
    if (shared) sharedModule = null;
    else ordinaryModule = null;
    return undefined;
  }
}

function compile(shared: boolean): object | null {
  const { WebAssembly } = globalThis as WebAssemblyHost;
  if (WebAssembly === undefined) return null;
  const bytes = fromHex(CORE_CODE) as Uint8Array;
  if (!shared) bytes[MEMORY_KIND_AT] = 1;
  return new WebAssembly.Module(bytes);
}
