// Writes a WebAssembly module: the few sections and instructions that compile-core.ts needs (WebAssembly core specification 2.0,
// chapter 5, binary format).

/** The instructions in use, by their names in the specification. */
export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  br_if: 0x0d,
  return: 0x0f,
  call: 0x10,
  drop: 0x1a,
  select: 0x1b,
  "local.get": 0x20,
  "local.set": 0x21,
  "local.tee": 0x22,
  "i32.load": 0x28,
  "i64.load": 0x29,
  "i32.load8_u": 0x2d,
  "i32.store": 0x36,
  "i64.store": 0x37,
  "i32.store8": 0x3a,
  "i32.const": 0x41,
  "i32.eqz": 0x45,
  "i32.eq": 0x46,
  "i32.ne": 0x47,
  "i32.lt_s": 0x48,
  "i32.lt_u": 0x49,
  "i32.gt_s": 0x4a,
  "i32.le_s": 0x4c,
  "i32.ge_s": 0x4e,
  "i64.eq": 0x51,
  "i32.add": 0x6a,
  "i32.sub": 0x6b,
  "i32.mul": 0x6c,
  "i32.and": 0x71,
  "i32.or": 0x72,
  "i32.xor": 0x73,
  "i32.shl": 0x74,
  "i32.shr_s": 0x75,
  "i32.shr_u": 0x76,
} as const;

export const I32 = 0x7f;
/** The type of a block without result. */
export const NO_RESULT = 0x40;

/** `memory.copy` and `memory.fill`, with their memories. */
export const MEMORY_COPY: readonly number[] = [0xfc, 10, 0, 0];
export const MEMORY_FILL: readonly number[] = [0xfc, 11, 0];

export interface WasmFunction {
  readonly name: string;
  readonly exported: boolean;
  /** All of them i32. */
  readonly parameters: number;
  readonly hasResult: boolean;
  /** Further locals, all of them i32. */
  readonly locals: number;
  /** Instructions, with the final `end`. */
  readonly code: readonly number[];
}

/** LEB128, unsigned. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value >>> 0; ; ) {
    const low = rest & 0x7f;
    rest >>>= 7;
    if (rest === 0) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

/** LEB128, signed. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value | 0; ; ) {
    const low = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

/** Where in a module's bytes the kind of its memory stands: 3 = shared, 1 = not. */
export function memoryKindAt(module: Uint8Array): number {
  const pattern = [...text("m"), ...text("m"), 0x02];
  const at = module.findIndex((_, i) => pattern.every((byte, k) => module[i + k] === byte));
  return at + pattern.length;
}

/**
 * The module of these functions, over a shared memory that it imports as `m.m`.
 */
export function moduleOf(functions: readonly WasmFunction[]): Uint8Array {
  const types = [...new Set(functions.map(typeKey))];
  const typeOf = (f: WasmFunction): number => types.indexOf(typeKey(f));
  const exported = functions.map((f, index) => ({ f, index })).filter(({ f }) => f.exported);
  const bytes = [
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(
      1,
      vector(
        types.map((key) => {
          const [parameters, results] = key.split(" ").map(Number) as [number, number];
          return [
            0x60,
            ...vector(new Array<number[]>(parameters).fill([I32])),
            ...vector(new Array<number[]>(results).fill([I32])),
          ];
        }),
      ),
    ),
    ...section(2, vector([[...text("m"), ...text("m"), 0x02, 0x03, ...unsigned(0), ...unsigned(65536)]])),
    ...section(3, vector(functions.map((f) => unsigned(typeOf(f))))),
    ...section(7, vector(exported.map(({ f, index }) => [...text(f.name), 0x00, ...unsigned(index)]))),
    ...section(
      10,
      vector(
        functions.map((f) => {
          const body = [...vector(f.locals === 0 ? [] : [[...unsigned(f.locals), I32]]), ...f.code];
          return [...unsigned(body.length), ...body];
        }),
      ),
    ),
  ];
  return Uint8Array.from(bytes);
}

function typeKey(f: WasmFunction): string {
  return `${f.parameters} ${f.hasResult ? 1 : 0}`;
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function text(value: string): number[] {
  return vector([...new TextEncoder().encode(value)].map((byte) => [byte]));
}
