/* Runs one C design through the steps that bench/table-steps.ts runs, and prints one line of JSON per step.
 * The design is included before this file and defines:
 *   struct tables; void tables_init(struct tables *);
 *   bool table_set(struct tables *, const uint32_t *uuid, const struct flow_in *);
 *   uint32_t table_replace(struct tables *, const uint32_t *uuid, const struct flow_in *, uint32_t n);
 *   uint32_t table_remove(struct tables *, const uint32_t *uuid);
 *   size_t diff_full(struct tables *); size_t diff_changed(struct tables *);  the operations found, kept inside
 *   void apply(struct tables *);                                              they are installed now
 *   size_t installed_count(const struct tables *); size_t desired_count(const struct tables *); void forget_operations(struct tables *); */
#include <malloc.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double step_start;
static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}
static void start_step(void) { step_start = now_ns(); }
static void report(const char *name, double ns, double units, double check)
{
    printf("{\"step\":\"%s\",\"ns\":%.2f,\"units\":%.0f,\"check\":%.0f}\n", name, ns / units, units, check);
    fflush(stdout);
}
static void end_step(const char *name, double units, double check) { report(name, now_ns() - step_start, units, check); }
static double resident_bytes(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f) { if (fscanf(f, "%*d %ld", &pages) != 1) pages = 0; fclose(f); }
    return (double) pages * sysconf(_SC_PAGESIZE);
}
static double heap_bytes(void) { struct mallinfo2 m = mallinfo2(); return (double) m.uordblks + m.hblkhd; }

int main(int argc, char **argv)
{
    uint32_t n = argc > 1 ? strtoul(argv[1], NULL, 0) : 100000;
    struct workload w;
    struct tables t;
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    make_workload(&w, n);
    printf("{\"flows\":%u,\"owners\":%u,\"sum\":\"%08x\"}\n", n, w.n_owners, workload_sum(&w));
    uint8_t (*other_actions)[64] = malloc((size_t) 64 * n);
    struct flow_in *other = malloc(sizeof *other * n);
    for (uint32_t i = 0; i < n; i++) {
        other[i] = w.flows[i];
        memcpy(other_actions[i], w.flows[i].actions, w.flows[i].actions_len);
        other_actions[i][w.flows[i].target_at]++;
        other[i].actions = other_actions[i];
    }
    double heap_before = heap_bytes(), resident_before = resident_bytes(), check = 0;
    tables_init(&t);

    start_step();
    for (uint32_t l = 0; l < w.n_owners; l++) {
        const struct owner_in *o = &w.owners[l];
        for (uint32_t i = o->first; i < o->first + o->count; i++) check += table_set(&t, o->uuid, &w.flows[i]);
    }
    end_step("add", n, check);
    start_step(); check = diff_full(&t); end_step("full diff, 100 % to add", n, check);
    start_step(); apply(&t); end_step("apply adds", n, installed_count(&t));
    forget_operations(&t);
    printf("{\"bytesPerFlow\":%.1f,\"residentBytesPerFlow\":%.1f}\n", (heap_bytes() - heap_before) / n, (resident_bytes() - resident_before) / n);
    if (argc > 2) return 0;                /* A second argument asks for the memory alone. */
    start_step(); check = diff_full(&t); end_step("full diff, 0 %", n, check);
    check = 0;
    start_step();
    for (uint32_t x = 0; x < w.n_owners; x++) {
        const struct owner_in *o = &w.owners[w.shuffled[x]];
        check += table_replace(&t, o->uuid, &w.flows[o->first], o->count);
    }
    end_step("replace identical", n, check);

    static const uint32_t sizes[] = { 1, 100, 10000 };
    uint8_t *toggled = calloc(w.n_owners, 1);
    uint32_t position = 0;
    for (int s = 0; s < 3 && sizes[s] <= w.n_owners; s++) {
        uint32_t k = sizes[s], rounds = k <= 1000 ? 100 : 5;
        double diff_ns = 0, apply_ns = 0, found = 0;
        for (uint32_t r = 0; r < rounds; r++) {
            for (uint32_t i = 0; i < k; i++, position = position + 1 == w.n_owners ? 0 : position + 1) {
                uint32_t l = w.shuffled[position];
                const struct owner_in *o = &w.owners[l];
                table_set(&t, o->uuid, &((toggled[l] ^= 1) ? other : w.flows)[o->first]);
            }
            start_step(); found += diff_changed(&t); diff_ns += now_ns() - step_start;
            start_step(); apply(&t); apply_ns += now_ns() - step_start;
        }
        char name[64];
        snprintf(name, sizeof name, "incremental diff, %u", k);
        report(name, diff_ns, (double) k * rounds, found / rounds);
        snprintf(name, sizeof name, "apply changes, %u", k);
        report(name, apply_ns, (double) k * rounds, found / rounds);
    }
    for (uint32_t l = 0; l < w.n_owners; l++) if (toggled[l]) table_set(&t, w.owners[l].uuid, &w.flows[w.owners[l].first]);
    diff_changed(&t);
    apply(&t);

    for (uint32_t l = 0; l < w.n_owners; l++) {
        const struct owner_in *o = &w.owners[l];
        for (uint32_t i = o->first; i < o->first + o->count; i++) if (i % 100 == 0) table_set(&t, o->uuid, &other[i]);
    }
    start_step(); check = diff_full(&t); end_step("full diff, 1 %", n, check);
    start_step(); apply(&t); end_step("apply 1 %", check, installed_count(&t));
    for (uint32_t l = 0; l < w.n_owners; l++) {
        const struct owner_in *o = &w.owners[l];
        for (uint32_t i = o->first; i < o->first + o->count; i++) table_set(&t, o->uuid, &other[i]);
    }
    start_step(); check = diff_full(&t); end_step("full diff, 100 % changed", n, check);
    start_step(); apply(&t); end_step("apply 100 %", check, installed_count(&t));
    check = 0;
    struct flow_in few[4];
    start_step();
    for (uint32_t x = 0; x < w.n_owners; x++) {
        const struct owner_in *o = &w.owners[w.shuffled[x]];
        memcpy(few, &other[o->first], sizeof *few * o->count);
        few[0] = w.flows[o->first];
        check += table_replace(&t, o->uuid, few, o->count);
    }
    end_step("replace, 1 change", n, check);
    start_step(); check = diff_changed(&t); end_step("incremental diff of those", check, check);
    start_step(); apply(&t); end_step("apply those", check, installed_count(&t));
    check = 0;
    start_step();
    for (uint32_t x = 0; x < w.n_owners; x++) check += table_remove(&t, w.owners[w.shuffled[x]].uuid);
    end_step("remove by owner", n, check);
    start_step(); check = diff_changed(&t); end_step("incremental diff, all removed", n, check);
    start_step(); apply(&t); end_step("apply deletes", n, installed_count(&t));
    printf("{\"left\":%zu}\n", desired_count(&t) + installed_count(&t));
    return 0;
}
