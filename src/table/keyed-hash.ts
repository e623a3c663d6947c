/**
 * A keyed hash of words, for the indexes: to each 16-bit half a secret number of its own is added, the sums of the two halves of a
 * word are multiplied, and the products are added up (multilinear hashing with half the multiplications; Lemire and Kaser,
 * "Strongly universal string hashing is fast", 2014). Whatever two different flows somebody chooses without knowing the secrets, they collide with a
 * chance of 2^-17 at most (mostly 2^-32), so no set of flows can be made up that fills a few slots of an index.
 */
export class KeyedHash {
  #secrets: Int32Array;
  readonly #state: Int32Array;

  /** `seed`: 32 bits each; equal seeds give equal hashes. Default: random, the same for all tables of this process. */
  constructor(seed: readonly number[] = processSeed()) {
    this.#state = Int32Array.of(seed[0] ?? 0, seed[1] ?? 0, seed[2] ?? 0, 1);
    this.#secrets = new Int32Array(0);
    for (let i = 0; i < 20; i++) this.#draw();
    this.#extend(80);
  }

  /** Hash of `first`, `second` (16 bits) and `words[from … from + count)`; 32 bits, signed. */
  hash(first: number, second: number, words: Int32Array, from: number, count: number): number {
    if (2 * (count + 2) > this.#secrets.length) this.#extend(count + 2);
    const secrets = this.#secrets;
    let sum = Math.imul((first & 0xffff) + (secrets[0] as number), (first >>> 16) + (secrets[1] as number));
    sum = (sum + Math.imul(second & 0xffff, secrets[2] as number) + (secrets[3] as number)) | 0;
    for (let i = from, s = 4, end = from + count; i < end; i++, s += 2) {
      const word = words[i] as number;
      sum = (sum + Math.imul((word & 0xffff) + (secrets[s] as number), (word >>> 16) + (secrets[s + 1] as number))) | 0;
    }
    // A bijection that breaks the linear structure, so that flows in arithmetic progression do not cluster.
    let hash = Math.imul(sum ^ (sum >>> 16), 0x85eb_ca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
    return hash ^ (hash >>> 16);
  }

  /** Copies the first `count` secrets, for code that works in the arena. */
  copySecrets(into: Int32Array, at: number, count: number): void {
    into.set(this.#secrets.subarray(0, count), at);
  }

  #extend(positions: number): void {
    const grown = new Int32Array(2 * Math.max(positions, this.#secrets.length));
    grown.set(this.#secrets);
    for (let i = this.#secrets.length; i < grown.length; i++) grown[i] = this.#draw();
    this.#secrets = grown;
  }

  /** sfc32, a small generator of good quality. */
  #draw(): number {
    const state = this.#state;
    const a = state[0] as number;
    const b = state[1] as number;
    const c = state[2] as number;
    const count = state[3] as number;
    const result = (a + b + count) | 0;
    state[3] = count + 1;
    state[0] = b ^ (b >>> 9);
    state[1] = c + (c << 3);
    state[2] = ((c << 21) | (c >>> 11)) + result;
    return result;
  }
}

let drawn: readonly number[] | undefined;

/** Drawn once per process, so that no sender of flows can know it; when it is first needed, because Node loads its crypto then. */
function processSeed(): readonly number[] {
  drawn ??= drawSeed();
  return drawn;
}

function drawSeed(): readonly number[] {
  const seed = new Uint32Array(3);
  const host = globalThis as { crypto?: { getRandomValues?(into: Uint32Array): unknown } };
  if (typeof host.crypto?.getRandomValues === "function") host.crypto.getRandomValues(seed);
  else for (let i = 0; i < seed.length; i++) seed[i] = Math.random() * 0x1_0000_0000;
  return [...seed];
}
