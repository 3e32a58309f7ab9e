/* Counts what moves between the cache levels of a guest program under QEMU user mode.

   Arguments: counts=FILE, levels=KIB:WAYS,KIB:WAYS,... written with '/' between the levels
   (levels=32:2/1024:16), from=I, to=J. Between marks I and J (the guest's system call getppid,
   counted from 0) FILE gets a line for each level: lines brought in, and changed lines put out.

   Each level is set-associative with the least recently used line going first, 64 bytes a line.
   Reads bring a line in. A written line takes its place without being brought in: the cores notice
   that lines are written as a whole, as results of a network are, and do not fetch them first
   (Arm's manuals call it write streaming). Data only. The guest's own addresses index all levels.
   Exact for one running thread, which is what the lane runs. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define EXPORT __attribute__((visibility("default")))

/* What is used of QEMU's plugin interface, version 1. Debian has no package with its header. */
typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
typedef struct {
    const char *target_name;
    struct { int min; int cur; } version;
} qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { QEMU_PLUGIN_CB_NO_REGS = 0, QEMU_PLUGIN_MEM_RW = 3 };
extern void qemu_plugin_register_vcpu_tb_trans_cb(
    qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern void qemu_plugin_register_vcpu_mem_cb(
    struct qemu_plugin_insn *, void (*)(unsigned, qemu_plugin_meminfo_t, uint64_t, void *),
    int flags, int rw, void *);
extern unsigned qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t);
extern _Bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t);
extern void qemu_plugin_register_vcpu_syscall_cb(
    qemu_plugin_id_t,
    void (*)(qemu_plugin_id_t, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
             uint64_t, uint64_t, uint64_t));

EXPORT int qemu_plugin_version = 1;

enum { LINE_SHIFT = 6, MOST_LEVELS = 4, MOST_WAYS = 16 };

typedef struct {
    uint64_t tag[MOST_WAYS]; /* line number + 1; 0 is empty; the most recently used first */
    uint16_t changed;        /* a bit for each way */
} set;

static struct {
    set *sets;
    uint64_t mask;
    unsigned ways;
    uint64_t in, out, in_at_start, out_at_start;
} level[MOST_LEVELS];
static int levels;
static const char *counts_path;
static int64_t marks, first_mark = -1, last_mark = -1;

static void touch(int number, uint64_t line, int write) {
    if (number == levels) return; /* memory */
    set *s = &level[number].sets[line & level[number].mask];
    unsigned ways = level[number].ways, way = 0;
    uint64_t tag = line + 1;
    while (way < ways && s->tag[way] != tag) way++;
    uint16_t changed;
    if (way < ways) {
        changed = s->changed >> way & 1;
    } else {
        way = ways - 1;
        if (s->tag[way] != 0 && (s->changed >> way & 1)) {
            level[number].out++;
            touch(number + 1, s->tag[way] - 1, 1);
        }
        if (!write) {
            level[number].in++;
            touch(number + 1, line, 0);
        }
        changed = 0;
    }
    /* Everything before the found way moves back by one; the line goes to the front. */
    memmove(&s->tag[1], &s->tag[0], way * sizeof s->tag[0]);
    s->tag[0] = tag;
    uint16_t before = s->changed & ((1u << way) - 1), behind = s->changed & ~((2u << way) - 1);
    s->changed = behind | (uint16_t)(before << 1) | changed | (write != 0);
}

static void access_memory(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *u) {
    int write = qemu_plugin_mem_is_store(info);
    uint64_t line = address >> LINE_SHIFT;
    uint64_t last = (address + (1u << qemu_plugin_mem_size_shift(info)) - 1) >> LINE_SHIFT;
    /* Most accesses hit the line that was used last in its set. */
    for (; line <= last; line++) {
        set *s = &level[0].sets[line & level[0].mask];
        if (s->tag[0] == line + 1) s->changed |= write;
        else touch(0, line, write);
    }
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    size_t instructions = qemu_plugin_tb_n_insns(tb);
    for (size_t i = 0; i < instructions; i++)
        qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(tb, i), access_memory,
                                         QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
}

static void write_counts(void) {
    FILE *file = fopen(counts_path, "w");
    if (file == NULL) {
        perror(counts_path);
        abort();
    }
    for (int i = 0; i < levels; i++)
        fprintf(file, "%" PRIu64 " %" PRIu64 "\n", level[i].in - level[i].in_at_start,
                level[i].out - level[i].out_at_start);
    fclose(file);
}

static void system_call(qemu_plugin_id_t id, unsigned vcpu, int64_t number, uint64_t a1,
                        uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                        uint64_t a7, uint64_t a8) {
    if (number != 173) return; /* getppid on aarch64 */
    if (marks == first_mark)
        for (int i = 0; i < levels; i++) {
            level[i].in_at_start = level[i].in;
            level[i].out_at_start = level[i].out;
        }
    if (marks == last_mark) write_counts();
    marks++;
}

static int add_level(const char *text) {
    uint64_t kib, ways;
    if (levels == MOST_LEVELS || sscanf(text, "%" SCNu64 ":%" SCNu64, &kib, &ways) != 2) return 1;
    if (ways == 0 || ways > MOST_WAYS) return 1;
    uint64_t sets = (kib << 10 >> LINE_SHIFT) / ways;
    if (sets == 0 || (sets & (sets - 1)) != 0) return 1;
    level[levels].sets = calloc(sets, sizeof(set));
    if (level[levels].sets == NULL) return 1;
    level[levels].mask = sets - 1;
    level[levels++].ways = ways;
    return 0;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                               char **argv) {
    if (strcmp(info->target_name, "aarch64") != 0) return 1;
    for (int i = 0; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (value == NULL) return 1;
        *value++ = '\0';
        if (strcmp(argv[i], "counts") == 0) counts_path = strdup(value);
        else if (strcmp(argv[i], "from") == 0) first_mark = atoll(value);
        else if (strcmp(argv[i], "to") == 0) last_mark = atoll(value);
        else if (strcmp(argv[i], "levels") == 0) {
            for (char *text = strtok(value, "/"); text != NULL; text = strtok(NULL, "/"))
                if (add_level(text)) return 1;
        } else return 1;
    }
    if (counts_path == NULL || levels == 0) return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, system_call);
    return 0;
}
