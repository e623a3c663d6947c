/* The workload of the table benchmarks: OVN-like flows, the same on every machine and in every language
 * (bench/workload.ts makes the same bytes; the check sums of both must agree). */
#ifndef WORKLOAD_H
#define WORKLOAD_H
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static uint32_t rng_state = 0x2545f491u;
static inline uint32_t rng(void)
{
    uint32_t x = rng_state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return rng_state = x;
}

/* One flow as the tables take it. */
struct flow_in {
    const uint8_t *match, *actions;
    uint16_t priority;
    uint8_t table, match_len, actions_len;
    uint8_t target_at;                     /* Where the table to resubmit to stands in `actions`. */
};
struct owner_in {
    uint32_t uuid[4];
    uint32_t first, count;                 /* Its flows. */
};
struct workload {
    uint32_t n_flows, n_owners;
    struct flow_in *flows;
    struct owner_in *owners;
    uint32_t *shuffled;
};

struct bytes { uint8_t *at; };
static void put8(struct bytes *b, uint32_t v) { *b->at++ = (uint8_t) v; }
static void put16(struct bytes *b, uint32_t v) { put8(b, v >> 8); put8(b, v); }
static void put32(struct bytes *b, uint32_t v) { put16(b, v >> 16); put16(b, v); }
static void put_reg(struct bytes *b, uint32_t n, uint32_t v) { put32(b, 0x00010004u | n << 9); put32(b, v); }
static void put_metadata(struct bytes *b, uint32_t v) { put32(b, 0x80000408u); put32(b, 0); put32(b, v); }
static void put_mac(struct bytes *b, uint32_t h, uint32_t v) { put32(b, h); put16(b, 0x0200); put32(b, v); }
static void put_type(struct bytes *b, uint32_t v) { put32(b, 0x80000a02u); put16(b, v); }
static void put_proto(struct bytes *b, uint32_t v) { put32(b, 0x80001401u); put8(b, v); }
static void put_state(struct bytes *b, uint32_t v, uint32_t m) { put32(b, 0x0001d308u); put32(b, v); put32(b, m); }
static void put_set_reg(struct bytes *b, uint32_t n, uint32_t v) { put32(b, 0x00190010u); put_reg(b, n, v); put32(b, 0); }
static void put_resubmit(struct bytes *b, uint32_t table)
{
    put32(b, 0xffff0010u); put32(b, 0x2320); put32(b, 0x000efff8u); put8(b, table); put8(b, 0); put16(b, 0);
}

static void put_match(struct bytes *b, uint32_t kind, uint32_t dp, uint32_t port, uint32_t x, uint32_t y)
{
    if (kind == 0 || kind == 2 || kind == 7) put_reg(b, 14, port);
    if (kind == 1 || kind == 4 || kind == 5) put_reg(b, 15, port);
    put_metadata(b, dp);
    switch (kind) {
    case 0: put_mac(b, 0x80000806u, x); break;
    case 1: put_mac(b, 0x80000606u, x); break;
    case 2: put_type(b, 0x800); put32(b, 0x80001604u); put32(b, x); break;
    case 3: {
        uint32_t mask = 0xffffffffu << (8 - (y & 7));
        put_type(b, 0x800); put32(b, 0x80001908u); put32(b, x & mask); put32(b, mask);
        break;
    }
    case 4:
        put_state(b, 0x21, 0x23); put_type(b, 0x800); put_proto(b, 6);
        put32(b, 0x80001604u); put32(b, x); put32(b, 0x80001c02u); put16(b, y);
        break;
    case 5:
        put_type(b, 0x800); put_proto(b, 17);
        put32(b, 0x80001804u); put32(b, x); put32(b, 0x80002002u); put16(b, y);
        break;
    case 6:
        put_state(b, 0x21, 0x21); put_type(b, 0x800); put_proto(b, 6);
        put32(b, 0x80001804u); put32(b, x); put32(b, 0x80001c02u); put16(b, y);
        break;
    default:
        put_type(b, 0x86dd); put32(b, 0x80003610u); put32(b, 0xfd000000u); put32(b, 0); put32(b, x); put32(b, y);
    }
}

static void put_actions(struct bytes *b, uint32_t kind, uint32_t c, uint32_t table)
{
    if (kind == 1) put_set_reg(b, 10, c);
    if (kind == 2) {
        put_set_reg(b, 0, c & 0xffff);
        put32(b, 0xffff0018u); put32(b, 0x2320); put16(b, 0x23); put16(b, 0);
        put32(b, 0x00011a04u); put16(b, 15); put8(b, table); put8(b, 0); put32(b, 0);
        return;
    }
    if (kind == 3) {
        put32(b, 0x00190010u); put_mac(b, 0x80000806u, c); put16(b, 0);
        put_set_reg(b, 15, 1 + (c & 0x7fff));
    }
    put_resubmit(b, table);
}

static void make_workload(struct workload *w, uint32_t n)
{
    static const uint16_t priorities[16] = { 1, 2, 10, 34, 50, 70, 80, 90, 100, 100, 110, 120, 1000, 2000, 2001, 65535 };
    struct bytes b = { malloc((size_t) 108 * n + 128) };
    w->n_flows = n;
    w->n_owners = 0;
    w->flows = calloc(n, sizeof *w->flows);
    w->owners = calloc(n, sizeof *w->owners);
    for (uint32_t i = 0; i < n; ) {
        struct owner_in *o = &w->owners[w->n_owners++];
        o->first = i;
        for (int k = 0; k < 4; k++) o->uuid[k] = rng();
        o->uuid[1] = (o->uuid[1] & 0xffff0fffu) | 0x4000;
        o->uuid[2] = (o->uuid[2] & 0x3fffffffu) | 0x80000000u;
        uint32_t count = 1 + (rng() & 3), table = rng() % 80;
        uint16_t priority = priorities[rng() & 15];
        uint32_t kind = rng() & 7, actions = rng() & 3, dp = 1 + rng() % 4096, port = 1 + rng() % 32767, c = rng();
        if (actions == 2 && kind < 2) actions = 1;
        o->count = count < n - i ? count : n - i;
        for (uint32_t j = 0; j < o->count; j++, i++) {
            struct flow_in *f = &w->flows[i];
            uint32_t x = rng(), y = rng(), how = actions;
            if (rng() % 1000 == 0 && o->first > 0) {
                const struct flow_in *twin = &w->flows[rng() % o->first];
                f->table = twin->table; f->priority = twin->priority; f->match = twin->match; f->match_len = twin->match_len;
                how = 1;
            } else {
                f->table = (uint8_t) table; f->priority = priority; f->match = b.at;
                put_match(&b, kind, dp, port, x, y);
                f->match_len = (uint8_t) (b.at - f->match);
            }
            f->actions = b.at;
            put_actions(&b, how, c, f->table + 1u);
            f->actions_len = (uint8_t) (b.at - f->actions);
            f->target_at = (uint8_t) (f->actions_len - (how == 2 ? 6 : 4));
        }
    }
    w->shuffled = malloc(sizeof *w->shuffled * w->n_owners);
    for (uint32_t i = 0; i < w->n_owners; i++) w->shuffled[i] = i;
    rng_state = 0x01234567u;
    for (uint32_t i = w->n_owners; i-- > 1; ) {
        uint32_t j = rng() % (i + 1), other = w->shuffled[j];
        w->shuffled[j] = w->shuffled[i];
        w->shuffled[i] = other;
    }
}

static uint32_t workload_sum(const struct workload *w)
{
    uint32_t h = 0x811c9dc5u;
#define STEP(V) (h = (h ^ (uint8_t) (V)) * 0x01000193u)
    for (uint32_t l = 0; l < w->n_owners; l++) {
        const struct owner_in *o = &w->owners[l];
        for (uint32_t i = o->first; i < o->first + o->count; i++) {
            const struct flow_in *f = &w->flows[i];
            for (int k = 0; k < 16; k++) STEP(o->uuid[k >> 2] >> (24 - 8 * (k & 3)));
            STEP(f->table); STEP(f->priority >> 8); STEP(f->priority); STEP(f->match_len); STEP(f->actions_len);
            for (uint32_t k = 0; k < f->match_len; k++) STEP(f->match[k]);
            for (uint32_t k = 0; k < f->actions_len; k++) STEP(f->actions[k]);
        }
    }
#undef STEP
    return h;
}
#endif
