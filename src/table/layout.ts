/**
 * The layout of the packed storage: what each word of the {@link Arena} means. Everything lives in one array of 32-bit words;
 * a *ref* is the index of a block's first word, 0 = none. A block never moves, and a word that starts a block starts a block
 * for ever (blocks are split, never joined), so a stale ref can be recognised by looking at the kind it points to.
 *
 * ```text
 *            31..29   28..0
 *   word 0  │ kind  │ depends on the kind │      the arena can be read from end to end: kind and size of every block are known
 *
 *   KEY        one per (table, priority, match); desired and installed together; holds the winning contender itself
 *   0  kind │ table << 16 | priority              4  next node of the same owner   ┐ ring, in the order in which
 *   1  KeyFlag bits << 16 | match bytes           5  previous node                 ┘ the flows were given
 *   2  owner of the winner, 0 = not desired       6  value installed, 0 = absent (with UNKNOWN: the last one known)
 *   3  value of the winner                        7  other contenders (CONTENDER), best first, 0 = none
 *                                                 8  hash
 *                                                 9… match, padded with zeros to whole words
 *
 *   CONTENDER  one per further owner of a key     OWNER   one per owner with at least one flow
 *   0  kind │ MARKED                              0  kind │ number of its flows
 *   1  its key                                    1  ┐
 *   2  owner, 0 = this is the merged value        …  │ UUID, big-endian words
 *   3  value                                      4  ┘
 *   4  next node of the same owner                5  first node of its ring
 *   5  previous node                              6  hash
 *   6  next contender of the key, best first
 *
 *   VALUE      immutable, shared, counted         SEGMENT   part of a hash index, see hash-index.ts
 *   0  kind │ reference count                     FREE
 *   1  ValueFlag bits << 16 | instruction bytes   0  kind │ size in words
 *   2  cookie, lower half                         1  next free block of this size
 *  (3  cookie, upper half                  ┐
 *   4  idle timeout << 16 | hard timeout   │ only if WIDE, that is if one of them is not 0
 *   5  importance << 16 | flags            ┘)
 *   3|6… instructions, padded with zeros to whole words
 *
 *   SIDE       anything else: 0  kind │ size in words. The first block of an arena is the one that holds the state of the storage
 *              (STATE below), others hold the directories of the indexes, the cache of values, and the flows on their way in.
 *
 *   LENT       a KEY or VALUE that was freed while a batch may still read it: only word 0 differs
 *   0  kind │ LENT_VALUE │ table << 16 | priority (KEY)
 * ```
 *
 * Everything that putting and removing flows reads and writes lies in the arena, so that WebAssembly code can do it in place
 * (packed-core.ts) as well as the classes of this room.
 *
 * Invariants (checked by `validate` in store-audit.ts):
 * - K1 the key index holds every KEY exactly once, under the hash of its table, priority and match; no two KEYs are equal. (The
 *   owner index likewise, O1.)
 * - K2 the winner stands in the KEY, the others follow in the order of the policy; no owner stands twice at one key.
 * - K3 MERGED if and only if the first of the others is a merged value (owner 0). That may have the value 0: conjunctions that are
 *   to be merged when somebody asks; then the KEY is DIRTY.
 * - K4 the value that should be installed and the one that is are the same ref if and only if their bytes are equal.
 * - K5 a KEY whose desired and installed values differ, or that is UNKNOWN, is DIRTY, IN_FLIGHT or REFUSED (one of an
 *   older EPOCH when the store's sweep has come to it); a DIRTY one
 *   is exactly once in the store's waiting list or its round queue, and is not dropped before it is taken out of there.
 * - K6 a KEY without contender, installed value or any reason to be kept does not exist.
 * - O1 the ring of an OWNER visits exactly the nodes that name it, as many as it counts; the owner index holds it once.
 * - V1 the reference count of a VALUE is the number of words that hold its ref, plus the pins taken outside the arena.
 * - A1 blocks follow each other without gap up to `top`; every FREE block is in the list of its size exactly once; the
 *   LENT blocks are those that the arena keeps for borrowers.
 */

export const KIND_KEY = 1;
export const KIND_CONTENDER = 2;
export const KIND_OWNER = 3;
export const KIND_VALUE = 4;
export const KIND_SEGMENT = 5;
export const KIND_FREE = 6;
/** Everything else; not 0 in size. */
export const KIND_SIDE = 0;
export const KIND_LENT = 7;
/** `word >>> KIND_SHIFT` is the kind. */
export const KIND_SHIFT = 29;
/** The rest of word 0. */
export const KIND_REST = 0x1fff_ffff;

/** In word 0 of a LENT block: it was a VALUE, not a KEY. */
export const LENT_VALUE: number = 1 << 28;
/** What word 0 of a LENT block keeps of the KEY's or VALUE's. */
export const LENT_REST = 0x0fff_ffff;

/** First words of the arena, never a block, so that no ref is 0. */
export const ARENA_START = 2;

// STATE, the first block: single words of the storage that are always at the same place.
/** First word never used. */
export const TOP = 3;
/** Words in free blocks below the top. */
export const FREE_WORDS = 4;
/** Words of memory there are. */
export const LIMIT = 5;
/** Contenders of all keys. */
export const CONTENDER_COUNT = 6;
/** Keys that somebody wants. */
export const KEY_COUNT = 7;
/** Owners that want something. */
export const OWNER_COUNT = 8;
export const VALUE_COUNT = 9;
/** Of the index of keys: its directory's first word, shift, number of entries. */
export const KEYS_INDEX = 11;
/** Likewise of owners. */
export const OWNERS_INDEX = 14;
export const INDEX_DIRECTORY = 0;
export const INDEX_SHIFT = 1;
export const INDEX_SIZE = 2;
/** The OWNER and the VALUE used last, 0 = none. They may be gone: believe them only if the block is of that kind and fits. */
export const LAST_OWNER = 17;
export const LAST_VALUE = 18;
/** The node that the last put found or made. */
export const LAST_NODE = 19;
/** Recent VALUEs: first word of the pairs (hash, ref), and their number minus one. A ref may be stale. */
export const CACHE = 20;
export const CACHE_MASK = 21;
/** Keys that became DIRTY and stand in the SCRATCH, not yet in the store's waiting list. */
export const FRESH_DIRTY = 22;
/** First word of the SCRATCH, 0 = there is none. */
export const SCRATCH = 23;
/** What the last call of the WebAssembly code did, in flows; LEFT_COUNT: how many more are installed. */
export const REPLACED_COUNT = 24;
export const LEFT_COUNT = 25;
export const ADDED_COUNT = 31;
export const REMOVED_COUNT = 32;
/** Not 0: somebody may read blocks that are freed (arena.ts). */
export const LENT_COUNT = 26;
/** Of the WebAssembly code: where in the indexes the last KEY and OWNER that were looked for and not found belong. */
export const EMPTY_SLOT = 27;
export const EMPTY_OWNER_SLOT = 28;
/** Flags that a new KEY has. */
export const NEW_KEY_FLAGS = 29;
/** What was read ahead: kept, so that no compiler takes the reading away. */
export const AHEAD = 30;
/** The secrets of the hash of keys and owners, as many as matches of usual length need. */
export const SECRETS = 36;
export const SECRET_COUNT = 160;
/** Per size class (arena.ts) the first free block. */
export const FREE_HEADS: number = SECRETS + SECRET_COUNT;

// SCRATCH: what goes from the classes to the WebAssembly code and back.
/** UUIDs given, four words each. */
export const SCRATCH_OWNERS = 0;
export const SCRATCH_OWNERS_MOST = 64;
/** Keys that became DIRTY. */
export const SCRATCH_DIRTY: number = SCRATCH_OWNERS + 4 * SCRATCH_OWNERS_MOST;
export const SCRATCH_DIRTY_MOST = 1024;
/** For splitting a SEGMENT. */
export const SCRATCH_SPLIT: number = SCRATCH_DIRTY + SCRATCH_DIRTY_MOST;
/** Flows given, as they stand in a FlowList. */
export const SCRATCH_FLOWS: number = SCRATCH_SPLIT + 768;
export const SCRATCH_FLOWS_WORDS = 4096;
export const SCRATCH_FLOWS_MOST = 512;
/** How many of the flows each of the owners has. */
export const SCRATCH_RUNS: number = SCRATCH_FLOWS + SCRATCH_FLOWS_WORDS + 8;
/** A word for each flow or owner given. */
export const SCRATCH_HASHES: number = SCRATCH_RUNS + SCRATCH_OWNERS_MOST + 8;
export const SCRATCH_WORDS: number = SCRATCH_HASHES + SCRATCH_FLOWS_MOST;

// KEY
export const KEY_ID = 0;
/** Table and priority within {@link KEY_ID}. */
export const KEY_ID_MASK = 0x00ff_ffff;
export const KEY_FLAGS = 1;
export const KEY_INSTALLED = 6;
export const KEY_OTHERS = 7;
export const KEY_HASH = 8;
export const KEY_MATCH = 9;

// KEY and CONTENDER alike: a node
export const NODE_OWNER = 2;
export const NODE_VALUE = 3;
export const NODE_NEXT = 4;
export const NODE_PREVIOUS = 5;

// CONTENDER
export const CONTENDER_KEY = 1;
export const CONTENDER_NEXT = 6;
export const CONTENDER_WORDS = 7;
/** In a CONTENDER that stands for a merge of conjunctions, which no owner's ring has: bytes of instructions that it has at most. */
export const MERGED_BYTES = 4;
/** In word 0 of a CONTENDER. */
export const CONTENDER_MARKED = 1;

// OWNER
export const OWNER_UUID = 1;
export const OWNER_FIRST = 5;
export const OWNER_HASH = 6;
export const OWNER_WORDS = 7;

// VALUE
export const VALUE_FLAGS = 1;
export const VALUE_COOKIE = 2;
export const VALUE_COOKIE_HIGH = 3;
export const VALUE_TIMEOUTS = 4;
export const VALUE_EXTRA = 5;
export const VALUE_NARROW_WORDS = 3;
export const VALUE_WIDE_WORDS = 6;

// Bits of word 1 of a KEY, above the match length.
/** To be compared: in a list of the store. */
export const DIRTY: number = 1 << 16;
/** A flow-mod for it is under way. */
export const IN_FLIGHT: number = 1 << 17;
/** What the switch holds is not known. */
export const UNKNOWN: number = 1 << 18;
/** The switch refused it: left alone until something changes. */
export const REFUSED: number = 1 << 19;
/** Given again in the current replacement (of the winner's node). */
export const MARKED: number = 1 << 20;
/** The value wanted is a merge, in the first of the other contenders. */
export const MERGED: number = 1 << 21;
/** What is installed was learnt after the current read-back began. */
export const FRESH: number = 1 << 22;
/** Seen by the current read-back. */
export const OBSERVED: number = 1 << 23;
/** Its desired or installed value may be the same as another of different bytes (a value that is not PLAIN). */
export const FORMS: number = 1 << 24;

/**
 * Three bits: in which of the store's epochs what is installed was learnt. A KEY with an installed value of another epoch than the
 * store's is UNKNOWN without saying so, until somebody comes along and says it.
 */
export const EPOCH: number = 7 << 25;
export const NEXT_EPOCH: number = 1 << 25;

// Bits of word 1 of a VALUE, above the length of the instructions.
export const WIDE: number = 1 << 16;
/** No other bytes mean the same. */
export const PLAIN: number = 1 << 17;
/** Two bits: {@link CLASS_ALLOW}…, 0 = not looked at. */
export const CLASS_SHIFT = 18;
export const CLASS_MASK: number = 3 << 18;
export const CLASS_ALLOW = 1;
export const CLASS_DROP = 2;
export const CLASS_CONJUNCTION = 3;
/** The bytes of its meaning are kept aside. */
export const MEANING_KEPT: number = 1 << 20;

/** Lower half of the second word: a length in bytes. */
export const LENGTH_MASK = 0xffff;

// A flow given to the storage (FlowList).
export const FLOW_ID = 0;
export const FLOW_LENGTHS = 1;
export const FLOW_COOKIE = 2;
export const FLOW_COOKIE_HIGH = 3;
export const FLOW_TIMEOUTS = 4;
export const FLOW_EXTRA = 5;
export const FLOW_DATA = 6;

/** Slots of one SEGMENT of a hash index; three quarters of a power of two (hash-index.ts). */
export const SEGMENT_SLOTS = 384;
export const SEGMENT_HEADER = 4;
export const SEGMENT_WORDS: number = SEGMENT_HEADER + 2 * SEGMENT_SLOTS;
/** A segment is split when it would hold more: three quarters of its slots. */
export const SEGMENT_FULL = 288;
/** How many upper bits of the hash a segment's entries can share at most. */
export const MAX_DEPTH = 22;

/** Blocks up to this size have a free list for each size; larger ones are rounded up to {@link COARSE_STEP}. */
export const EXACT_WORDS = 832;
export const COARSE_STEP = 64;
/** Largest block that is ever free. */
export const LARGEST_FREE = 16384;
export const CLASS_COUNT: number = EXACT_WORDS + 1 + (16448 - EXACT_WORDS) / COARSE_STEP;
export const STATE_WORDS: number = FREE_HEADS + CLASS_COUNT - ARENA_START;
