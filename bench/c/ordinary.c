/* The ordinary way to write it in C: an object per flow from malloc, two chained hash indexes over the wanted flows, one over
 * the installed ones, which are copies. */
#include "workload.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct wanted {
    struct wanted *next_by_key, *next_by_owner, *next_changed;
    uint32_t uuid[4];
    uint32_t hash, seen;
    uint16_t priority;
    uint8_t table, match_len, actions_len;
    bool changed, gone;
    uint8_t bytes[];
};
struct present {
    struct present *next;
    uint32_t hash, seen, cookie;
    uint16_t priority;
    uint8_t table, match_len, actions_len;
    uint8_t bytes[];
};
struct operation { int what; struct wanted *wanted; struct present *present; };
struct tables {
    struct wanted **by_key, **by_owner, *changed;
    struct present **present;
    struct operation *operations;
    size_t n_operations, cap_operations;
    uint32_t mask, present_mask, n_wanted, n_present, pass;
};
enum { ADD, CHANGE, DELETE };

static uint32_t hash_key(uint8_t table, uint16_t priority, const uint8_t *match, size_t len)
{
    const uint64_t m = 0x9e3779b97f4a7c15ull;
    uint64_t h = (((uint64_t) table << 16 | priority) + len) * m, word;
    for (; len >= 8; len -= 8, match += 8) { memcpy(&word, match, 8); h = (h ^ word) * m; h ^= h >> 29; }
    if (len) { word = 0; memcpy(&word, match, len); h = (h ^ word) * m; h ^= h >> 29; }
    return (uint32_t) ((h * m) >> 32);
}
static uint32_t hash_uuid(const uint32_t *u) { return (u[0] ^ u[3]) * 0x9e3779b1u; }
static bool before(const uint32_t *a, const uint32_t *b)
{
    for (int i = 0; i < 4; i++) if (a[i] != b[i]) return a[i] < b[i];
    return false;
}
static bool same_key(const struct wanted *f, const struct flow_in *in)
{
    return f->table == in->table && f->priority == in->priority && f->match_len == in->match_len
           && !memcmp(f->bytes, in->match, in->match_len);
}
static void note(struct tables *t, int what, struct wanted *wanted, struct present *present)
{
    if (t->n_operations == t->cap_operations) {
        t->cap_operations = t->cap_operations ? 2 * t->cap_operations : 1024;
        t->operations = realloc(t->operations, t->cap_operations * sizeof *t->operations);
    }
    t->operations[t->n_operations++] = (struct operation) { what, wanted, present };
}
static void mark(struct tables *t, struct wanted *f)
{
    if (!f->changed) { f->changed = true; f->next_changed = t->changed; t->changed = f; }
}
static void grow_wanted(struct tables *t)
{
    uint32_t n = t->mask ? 2 * (t->mask + 1) : 64;
    struct wanted **keys = calloc(n, sizeof *keys), **owners = calloc(n, sizeof *owners), *f, *next;
    for (uint32_t i = 0; t->mask && i <= t->mask; i++) {
        for (f = t->by_key[i]; f; f = next) {
            struct wanted **to = &keys[f->hash & (n - 1)];
            next = f->next_by_key; f->next_by_key = *to; *to = f;
        }
        for (f = t->by_owner[i]; f; f = next) {
            struct wanted **to = &owners[hash_uuid(f->uuid) & (n - 1)];
            next = f->next_by_owner; f->next_by_owner = *to; *to = f;
        }
    }
    free(t->by_key); free(t->by_owner);
    t->by_key = keys; t->by_owner = owners; t->mask = n - 1;
}
static void grow_present(struct tables *t)
{
    uint32_t n = t->present_mask ? 2 * (t->present_mask + 1) : 64;
    struct present **v = calloc(n, sizeof *v), *p, *next;
    for (uint32_t i = 0; t->present_mask && i <= t->present_mask; i++)
        for (p = t->present[i]; p; p = next) {
            struct present **to = &v[p->hash & (n - 1)];
            next = p->next; p->next = *to; *to = p;
        }
    free(t->present); t->present = v; t->present_mask = n - 1;
}
static void tables_init(struct tables *t) { memset(t, 0, sizeof *t); grow_wanted(t); grow_present(t); }

static struct wanted *find_own(struct tables *t, const uint32_t *uuid, const struct flow_in *in, uint32_t hash)
{
    for (struct wanted *f = t->by_owner[hash_uuid(uuid) & t->mask]; f; f = f->next_by_owner)
        if (f->hash == hash && !memcmp(f->uuid, uuid, 16) && same_key(f, in)) return f;
    return NULL;
}
static void drop(struct tables *t, struct wanted *f)       /* Out of its owner's chain already. */
{
    struct wanted **p = &t->by_key[f->hash & t->mask];
    while (*p != f) p = &(*p)->next_by_key;
    *p = f->next_by_key;
    f->gone = true; t->n_wanted--;
    mark(t, f);
}
static bool same_actions(const struct wanted *f, const struct flow_in *in)
{
    return f->actions_len == in->actions_len && !memcmp(f->bytes + f->match_len, in->actions, in->actions_len);
}
static bool table_set(struct tables *t, const uint32_t *uuid, const struct flow_in *in)
{
    uint32_t hash = hash_key(in->table, in->priority, in->match, in->match_len);
    struct wanted *f = find_own(t, uuid, in, hash), **p;
    if (f) {
        if (same_actions(f, in)) return false;
        if (f->actions_len == in->actions_len) {
            memcpy(f->bytes + f->match_len, in->actions, in->actions_len);
            mark(t, f);
            return true;
        }
        for (p = &t->by_owner[hash_uuid(uuid) & t->mask]; *p != f; ) p = &(*p)->next_by_owner;
        *p = f->next_by_owner;
        drop(t, f);
    }
    if (t->n_wanted >= t->mask) grow_wanted(t);
    f = malloc(offsetof(struct wanted, bytes) + in->match_len + in->actions_len);
    memcpy(f->uuid, uuid, 16);
    f->hash = hash; f->seen = 0; f->changed = f->gone = false;
    f->table = in->table; f->priority = in->priority; f->match_len = in->match_len; f->actions_len = in->actions_len;
    memcpy(f->bytes, in->match, in->match_len);
    memcpy(f->bytes + in->match_len, in->actions, in->actions_len);
    p = &t->by_key[hash & t->mask]; f->next_by_key = *p; *p = f;
    p = &t->by_owner[hash_uuid(uuid) & t->mask]; f->next_by_owner = *p; *p = f;
    t->n_wanted++;
    mark(t, f);
    return true;
}
static uint32_t table_remove(struct tables *t, const uint32_t *uuid)
{
    uint32_t n = 0;
    for (struct wanted **p = &t->by_owner[hash_uuid(uuid) & t->mask], *f; (f = *p); )
        if (!memcmp(f->uuid, uuid, 16)) { *p = f->next_by_owner; drop(t, f); n++; }
        else p = &f->next_by_owner;
    return n;
}
static uint32_t table_replace(struct tables *t, const uint32_t *uuid, const struct flow_in *in, uint32_t n)
{
    struct wanted *keep[64];
    uint32_t changed = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t hash = hash_key(in[i].table, in[i].priority, in[i].match, in[i].match_len);
        keep[i] = find_own(t, uuid, &in[i], hash);
        if (!keep[i] || !same_actions(keep[i], &in[i])) {
            changed += table_set(t, uuid, &in[i]);
            keep[i] = find_own(t, uuid, &in[i], hash);
        }
    }
    for (struct wanted **p = &t->by_owner[hash_uuid(uuid) & t->mask], *f; (f = *p); ) {
        bool stays = memcmp(f->uuid, uuid, 16) != 0;
        for (uint32_t i = 0; !stays && i < n; i++) stays = keep[i] == f;
        if (stays) p = &f->next_by_owner;
        else { *p = f->next_by_owner; drop(t, f); changed++; }
    }
    return changed;
}

static struct present *find_present(struct tables *t, const struct wanted *f)
{
    for (struct present *p = t->present[f->hash & t->present_mask]; p; p = p->next)
        if (p->hash == f->hash && p->table == f->table && p->priority == f->priority && p->match_len == f->match_len
            && !memcmp(p->bytes, f->bytes, f->match_len)) return p;
    return NULL;
}
static bool same_slot(const struct wanted *a, const struct wanted *b)
{
    return a->hash == b->hash && a->table == b->table && a->priority == b->priority && a->match_len == b->match_len
           && !memcmp(a->bytes, b->bytes, a->match_len);
}
static void compare(struct tables *t, struct wanted *f, struct present *p)
{
    if (!p) note(t, ADD, f, NULL);
    else if (p->cookie != f->uuid[0] || p->actions_len != f->actions_len
             || memcmp(p->bytes + p->match_len, f->bytes + f->match_len, f->actions_len)) note(t, CHANGE, f, p);
}
static void forget_changed(struct tables *t)
{
    for (struct wanted *f = t->changed, *next; f; f = next) {
        next = f->next_changed;
        if (f->gone) free(f); else f->changed = false;
    }
    t->changed = NULL;
}
static size_t diff_changed(struct tables *t)
{
    uint32_t pass = ++t->pass;
    t->n_operations = 0;
    for (struct wanted *f = t->changed; f; f = f->next_changed) {
        struct wanted *winner = NULL;
        for (struct wanted *g = t->by_key[f->hash & t->mask]; g; g = g->next_by_key)
            if (g->hash == f->hash && (!winner || before(g->uuid, winner->uuid)) && same_slot(g, f)) winner = g;
        if (winner && winner->seen == pass) continue;
        struct present *p = find_present(t, f);
        if (winner) { winner->seen = pass; compare(t, winner, p); }
        else if (p && p->seen != pass) { p->seen = pass; note(t, DELETE, NULL, p); }
    }
    forget_changed(t);
    return t->n_operations;
}
static size_t diff_full(struct tables *t)
{
    uint32_t pass = ++t->pass;
    t->n_operations = 0;
    for (uint32_t b = 0; b <= t->mask; b++)
        for (struct wanted *f = t->by_key[b]; f; f = f->next_by_key) {
            if (f->seen == pass) continue;
            struct wanted *winner = f;
            for (struct wanted *g = f->next_by_key; g; g = g->next_by_key)
                if (same_slot(f, g)) { g->seen = pass; if (before(g->uuid, winner->uuid)) winner = g; }
            struct present *p = find_present(t, f);
            if (p) p->seen = pass;
            compare(t, winner, p);
        }
    for (uint32_t b = 0; b <= t->present_mask; b++)
        for (struct present *p = t->present[b]; p; p = p->next) if (p->seen != pass) note(t, DELETE, NULL, p);
    forget_changed(t);
    return t->n_operations;
}
static void apply(struct tables *t)
{
    for (size_t i = 0; i < t->n_operations; i++) {
        struct operation *o = &t->operations[i];
        struct wanted *f = o->wanted;
        if (o->what == CHANGE && o->present->actions_len == f->actions_len) {
            memcpy(o->present->bytes + o->present->match_len, f->bytes + f->match_len, f->actions_len);
            o->present->cookie = f->uuid[0];
            continue;
        }
        if (o->what != ADD) {
            struct present **p = &t->present[o->present->hash & t->present_mask];
            while (*p != o->present) p = &(*p)->next;
            *p = o->present->next; t->n_present--;
            free(o->present);
        }
        if (o->what != DELETE) {
            if (t->n_present >= t->present_mask) grow_present(t);
            struct present *p = malloc(offsetof(struct present, bytes) + f->match_len + f->actions_len);
            p->hash = f->hash; p->seen = 0; p->cookie = f->uuid[0];
            p->table = f->table; p->priority = f->priority; p->match_len = f->match_len; p->actions_len = f->actions_len;
            memcpy(p->bytes, f->bytes, f->match_len + f->actions_len);
            struct present **to = &t->present[p->hash & t->present_mask];
            p->next = *to; *to = p; t->n_present++;
        }
    }
}
static size_t installed_count(const struct tables *t) { return t->n_present; }
static size_t desired_count(const struct tables *t) { return t->n_wanted; }
static void forget_operations(struct tables *t)
{
    free(t->operations);
    t->operations = NULL;
    t->n_operations = t->cap_operations = 0;
}
#include "steps.h"
