/* The layout of the library's own table, in C: one record per key for what is wanted and what is installed, with the winner
 * inside; values shared and counted; one record per owner. Shows how much of the difference is design and how much is language. */
#include "workload.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct value { uint32_t refs, cookie; uint16_t len; uint8_t bytes[]; };
struct key;
struct want {
    struct owner *owner;                   /* NULL = free. */
    struct value *value;
    struct want *next_of_owner, *previous_of_owner, *next_of_key;
    struct key *key;
};
struct key {
    struct key *next;
    uint32_t hash;
    uint16_t priority;
    uint8_t table, match_len;
    bool dirty;
    struct value *installed;
    struct want first;                     /* The winner. */
    uint8_t match[];
};
struct owner { struct owner *next; uint32_t uuid[4]; struct want *first; };
struct operation { int what; struct key *key; };
struct tables {
    struct key **keys; uint32_t key_mask, n_keys;
    struct owner **owners; uint32_t owner_mask, n_owners;
    struct key **dirty; size_t n_dirty, cap_dirty;
    struct operation *operations; size_t n_operations, cap_operations;
    struct value *last;
    uint32_t n_wants, n_installed;
};
enum { ADD, CHANGE, DELETE };

static uint32_t hash_key(const struct flow_in *in)
{
    const uint64_t m = 0x9e3779b97f4a7c15ull;
    uint64_t h = (((uint64_t) in->table << 16 | in->priority) + in->match_len) * m, word;
    const uint8_t *p = in->match;
    size_t len = in->match_len;
    for (; len >= 8; len -= 8, p += 8) { memcpy(&word, p, 8); h = (h ^ word) * m; h ^= h >> 29; }
    if (len) { word = 0; memcpy(&word, p, len); h = (h ^ word) * m; h ^= h >> 29; }
    return (uint32_t) ((h * m) >> 32);
}
static uint32_t hash_uuid(const uint32_t *u) { return (u[0] ^ u[3]) * 0x9e3779b1u; }
static void tables_init(struct tables *t)
{
    memset(t, 0, sizeof *t);
    t->keys = calloc(64, sizeof *t->keys); t->key_mask = 63;
    t->owners = calloc(64, sizeof *t->owners); t->owner_mask = 63;
}
static void grow_keys(struct tables *t)
{
    uint32_t n = 2 * (t->key_mask + 1);
    struct key **v = calloc(n, sizeof *v), *k, *next;
    for (uint32_t i = 0; i <= t->key_mask; i++)
        for (k = t->keys[i]; k; k = next) {
            struct key **to = &v[k->hash & (n - 1)];
            next = k->next; k->next = *to; *to = k;
        }
    free(t->keys); t->keys = v; t->key_mask = n - 1;
}
static void grow_owners(struct tables *t)
{
    uint32_t n = 2 * (t->owner_mask + 1);
    struct owner **v = calloc(n, sizeof *v), *o, *next;
    for (uint32_t i = 0; i <= t->owner_mask; i++)
        for (o = t->owners[i]; o; o = next) {
            struct owner **to = &v[hash_uuid(o->uuid) & (n - 1)];
            next = o->next; o->next = *to; *to = o;
        }
    free(t->owners); t->owners = v; t->owner_mask = n - 1;
}
static bool value_is(const struct value *v, uint32_t cookie, const struct flow_in *in)
{
    return v->cookie == cookie && v->len == in->actions_len && !memcmp(v->bytes, in->actions, v->len);
}
static void release(struct tables *t, struct value *v)
{
    if (v && --v->refs == 0) { if (t->last == v) t->last = NULL; free(v); }
}
static struct value *acquire(struct tables *t, const struct key *k, uint32_t cookie, const struct flow_in *in)
{
    struct value *v = k->installed;
    if (v && value_is(v, cookie, in)) { v->refs++; return v; }
    v = t->last;
    if (v && value_is(v, cookie, in)) { v->refs++; return v; }
    v = malloc(offsetof(struct value, bytes) + in->actions_len);
    v->refs = 1; v->cookie = cookie; v->len = in->actions_len;
    memcpy(v->bytes, in->actions, in->actions_len);
    return t->last = v;
}
static void mark(struct tables *t, struct key *k)
{
    if (k->dirty) return;
    k->dirty = true;
    if (t->n_dirty == t->cap_dirty) {
        t->cap_dirty = t->cap_dirty ? 2 * t->cap_dirty : 1024;
        t->dirty = realloc(t->dirty, t->cap_dirty * sizeof *t->dirty);
    }
    t->dirty[t->n_dirty++] = k;
}
static bool is_key(const struct key *k, const struct flow_in *in)
{
    return k->table == in->table && k->priority == in->priority && k->match_len == in->match_len
           && !memcmp(k->match, in->match, in->match_len);
}
static struct key *get_key(struct tables *t, const struct flow_in *in)
{
    uint32_t hash = hash_key(in);
    struct key *k;
    for (k = t->keys[hash & t->key_mask]; k; k = k->next) if (k->hash == hash && is_key(k, in)) return k;
    if (t->n_keys >= t->key_mask) grow_keys(t);
    k = malloc(offsetof(struct key, match) + in->match_len);
    memset(k, 0, sizeof *k);
    k->hash = hash; k->table = in->table; k->priority = in->priority; k->match_len = in->match_len;
    memcpy(k->match, in->match, in->match_len);
    struct key **to = &t->keys[hash & t->key_mask];
    k->next = *to; *to = k; t->n_keys++;
    return k;
}
static struct owner *find_owner(struct tables *t, const uint32_t *uuid)
{
    for (struct owner *o = t->owners[hash_uuid(uuid) & t->owner_mask]; o; o = o->next)
        if (!memcmp(o->uuid, uuid, 16)) return o;
    return NULL;
}
static bool before(const uint32_t *a, const uint32_t *b)
{
    for (int i = 0; i < 4; i++) if (a[i] != b[i]) return a[i] < b[i];
    return false;
}
static void link_want(struct owner *o, struct want *w)
{
    if (!o->first) { o->first = w->next_of_owner = w->previous_of_owner = w; return; }
    struct want *last = o->first->previous_of_owner;
    w->next_of_owner = o->first; w->previous_of_owner = last;
    last->next_of_owner = w; o->first->previous_of_owner = w;
}
static void move_want(struct want *to, struct want *from)
{
    *to = *from;
    if (from->next_of_owner == from) to->next_of_owner = to->previous_of_owner = to;
    else { to->next_of_owner->previous_of_owner = to; to->previous_of_owner->next_of_owner = to; }
    if (to->owner->first == from) to->owner->first = to;
}
static bool set_want(struct tables *t, struct owner *o, const struct flow_in *in, struct want **made)
{
    struct key *k = get_key(t, in);
    struct want *w, *previous = NULL;
    uint32_t cookie = o->uuid[0];
    if (k->first.owner)
        for (w = &k->first; w; w = w->next_of_key) {
            if (w->owner == o) {
                if (made) *made = w;
                if (value_is(w->value, cookie, in)) return false;
                struct value *old = w->value;
                w->value = acquire(t, k, cookie, in);
                release(t, old);
                if (w == &k->first) mark(t, k);
                return true;
            }
            if (before(w->owner->uuid, o->uuid)) previous = w;
        }
    t->n_wants++;
    if (!k->first.owner) w = &k->first;
    else if (!previous) {
        struct want *back = malloc(sizeof *back);
        move_want(back, &k->first);
        w = &k->first;
        w->next_of_key = back;
    } else {
        w = malloc(sizeof *w);
        w->next_of_key = previous->next_of_key;
        previous->next_of_key = w;
    }
    w->owner = o; w->key = k; w->value = acquire(t, k, cookie, in);
    link_want(o, w);
    if (w == &k->first) mark(t, k);
    if (made) *made = w;
    return true;
}
static struct owner *get_owner(struct tables *t, const uint32_t *uuid)
{
    struct owner *o = find_owner(t, uuid);
    if (o) return o;
    if (t->n_owners >= t->owner_mask) grow_owners(t);
    o = calloc(1, sizeof *o);
    memcpy(o->uuid, uuid, 16);
    struct owner **to = &t->owners[hash_uuid(uuid) & t->owner_mask];
    o->next = *to; *to = o; t->n_owners++;
    return o;
}
static bool table_set(struct tables *t, const uint32_t *uuid, const struct flow_in *in)
{
    return set_want(t, get_owner(t, uuid), in, NULL);
}
static void drop_key(struct tables *t, struct key *k)
{
    struct key **p = &t->keys[k->hash & t->key_mask];
    while (*p != k) p = &(*p)->next;
    *p = k->next; t->n_keys--;
    free(k);
}
static void drop_want(struct tables *t, struct want *w)    /* Out of its owner's ring, or the ring goes with it. */
{
    struct key *k = w->key;
    release(t, w->value);
    t->n_wants--;
    if (w != &k->first) {
        struct want **p = &k->first.next_of_key;
        while (*p != w) p = &(*p)->next_of_key;
        *p = w->next_of_key;
        free(w);
        return;
    }
    mark(t, k);
    if (w->next_of_key) { struct want *next = w->next_of_key; move_want(w, next); free(next); }
    else { w->owner = NULL; w->value = NULL; }
}
static uint32_t table_remove(struct tables *t, const uint32_t *uuid)
{
    struct owner *o = find_owner(t, uuid);
    uint32_t n = 0;
    if (!o) return 0;
    struct want *w = o->first, *last = w ? w->previous_of_owner : NULL;
    for (bool more = w != NULL; more; n++) {
        struct want *next = w->next_of_owner;
        more = w != last;
        drop_want(t, w);
        w = next;
    }
    struct owner **p = &t->owners[hash_uuid(uuid) & t->owner_mask];
    while (*p != o) p = &(*p)->next;
    *p = o->next; t->n_owners--;
    free(o);
    return n;
}
static uint32_t table_replace(struct tables *t, const uint32_t *uuid, const struct flow_in *in, uint32_t n)
{
    struct owner *o = get_owner(t, uuid);
    uint32_t changed = 0, i = 0;
    struct want *w = o->first;
    bool whole = w == NULL;
    for (; i < n && w && !whole; i++) {                     /* Mostly in the order of last time. */
        if (!is_key(w->key, &in[i])) break;
        if (!value_is(w->value, o->uuid[0], &in[i])) {
            struct value *old = w->value;
            w->value = acquire(t, w->key, o->uuid[0], &in[i]);
            release(t, old);
            if (w == &w->key->first) mark(t, w->key);
            changed++;
        }
        w = w->next_of_owner;
        whole = w == o->first;
    }
    if (i == n && whole) return changed;
    struct want *keep[64];
    for (uint32_t j = 0; j < n; j++) changed += set_want(t, o, &in[j], &keep[j]);
    for (w = o->first, whole = false; w && !whole; ) {
        struct want *next = w->next_of_owner;
        bool stays = false;
        whole = next == o->first;
        for (uint32_t j = 0; !stays && j < n; j++) stays = keep[j] == w;
        if (!stays) {
            if (next == w) o->first = NULL;
            else {
                next->previous_of_owner = w->previous_of_owner; w->previous_of_owner->next_of_owner = next;
                if (o->first == w) o->first = next;
            }
            drop_want(t, w);
            changed++;
        }
        w = next;
    }
    return changed;
}

static void compare(struct tables *t, struct key *k)
{
    struct value *wanted = k->first.value;
    if (wanted == k->installed) return;
    if (wanted && k->installed && wanted->cookie == k->installed->cookie && wanted->len == k->installed->len
        && !memcmp(wanted->bytes, k->installed->bytes, wanted->len)) return;
    if (t->n_operations == t->cap_operations) {
        t->cap_operations = t->cap_operations ? 2 * t->cap_operations : 1024;
        t->operations = realloc(t->operations, t->cap_operations * sizeof *t->operations);
    }
    t->operations[t->n_operations++] = (struct operation) { !wanted ? DELETE : k->installed ? CHANGE : ADD, k };
}
static size_t diff_changed(struct tables *t)
{
    t->n_operations = 0;
    for (size_t i = 0; i < t->n_dirty; i++) {
        struct key *k = t->dirty[i];
        k->dirty = false;
        if (k->first.value || k->installed) compare(t, k);
        else drop_key(t, k);
    }
    t->n_dirty = 0;
    return t->n_operations;
}
static size_t diff_full(struct tables *t)
{
    t->n_operations = 0;
    for (uint32_t b = 0; b <= t->key_mask; b++)
        for (struct key *k = t->keys[b], *next; k; k = next) {
            next = k->next;
            k->dirty = false;
            if (k->first.value || k->installed) compare(t, k);
            else drop_key(t, k);
        }
    t->n_dirty = 0;
    return t->n_operations;
}
static void apply(struct tables *t)
{
    for (size_t i = 0; i < t->n_operations; i++) {
        struct key *k = t->operations[i].key;
        struct value *old = k->installed;
        if (t->operations[i].what == DELETE) { release(t, old); t->n_installed--; drop_key(t, k); continue; }
        if (!old) t->n_installed++;
        k->installed = k->first.value;
        k->installed->refs++;
        release(t, old);
    }
}
static size_t installed_count(const struct tables *t) { return t->n_installed; }
static size_t desired_count(const struct tables *t) { return t->n_wants; }
static void forget_operations(struct tables *t)
{
    free(t->operations); free(t->dirty);
    t->operations = NULL; t->dirty = NULL;
    t->n_operations = t->cap_operations = t->cap_dirty = 0;
}
#include "steps.h"
