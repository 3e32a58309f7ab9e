/* Counts executed guest instructions of a program under QEMU user mode, split by marks.

   A mark is the guest's system call getppid, which nothing else in a Python process makes. At
   each mark the count so far is written as a line to counts=FILE, and once more at the end. With
   blocks=FILE, from=I, to=J the translated blocks executed between marks I and J (counted from 0)
   are written too, one a line: executions, address, instruction words, all but the first in hex.

   One counter per translated block is incremented inline, without a lock: exact for one running
   thread, which is what the lane runs. A block that QEMU translates again gets a new counter and
   the old one keeps its count. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define EXPORT __attribute__((visibility("default")))

/* What is used of QEMU's plugin interface, version 1. Debian has no package with its header. */
typedef uint64_t qemu_plugin_id_t;
typedef struct {
    const char *target_name;
    struct { int min; int cur; } version;
} qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { QEMU_PLUGIN_INLINE_ADD_U64 = 0 };
extern void qemu_plugin_register_vcpu_tb_trans_cb(
    qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_tb_exec_inline(
    struct qemu_plugin_tb *, int op, void *address, uint64_t addend);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
extern void qemu_plugin_register_vcpu_syscall_cb(
    qemu_plugin_id_t,
    void (*)(qemu_plugin_id_t, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
             uint64_t, uint64_t, uint64_t));
extern void qemu_plugin_register_atexit_cb(
    qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void *), void *);

EXPORT int qemu_plugin_version = 1;

typedef struct block {
    uint64_t executions, executions_at_start, address;
    size_t instructions, words;
    uint32_t *code; /* NULL unless blocks are asked for */
    struct block *next;
} block;

static block *blocks;
static FILE *counts;
static const char *blocks_path;
static int64_t mark_syscall = -1, marks, first_mark = -1, last_mark = -1;

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    block *b = calloc(1, sizeof *b);
    if (b == NULL) abort();
    b->instructions = qemu_plugin_tb_n_insns(tb);
    b->address = qemu_plugin_tb_vaddr(tb);
    if (blocks_path != NULL) {
        b->code = malloc(sizeof *b->code * b->instructions);
        if (b->code == NULL) abort();
        for (size_t i = 0; i < b->instructions; i++) {
            struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(tb, i);
            if (qemu_plugin_insn_size(instruction) != sizeof *b->code) continue; /* Thumb */
            memcpy(&b->code[b->words++], qemu_plugin_insn_data(instruction), sizeof *b->code);
        }
    }
    b->next = blocks;
    blocks = b;
    qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &b->executions, 1);
}

static void write_count(void) {
    uint64_t total = 0;
    for (const block *b = blocks; b != NULL; b = b->next) total += b->executions * b->instructions;
    fprintf(counts, "%" PRIu64 "\n", total);
    fflush(counts);
}

static void write_blocks(void) {
    FILE *file = fopen(blocks_path, "w");
    if (file == NULL) {
        perror(blocks_path);
        abort();
    }
    for (const block *b = blocks; b != NULL; b = b->next) {
        uint64_t executions = b->executions - b->executions_at_start;
        if (executions == 0) continue;
        fprintf(file, "%" PRIu64 " %" PRIx64, executions, b->address);
        for (size_t i = 0; i < b->words; i++) fprintf(file, " %08" PRIx32, b->code[i]);
        fputc('\n', file);
    }
    fclose(file);
}

static void system_call(qemu_plugin_id_t id, unsigned vcpu, int64_t number, uint64_t a1,
                        uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                        uint64_t a7, uint64_t a8) {
    if (number != mark_syscall) return;
    write_count();
    if (marks == first_mark)
        for (block *b = blocks; b != NULL; b = b->next) b->executions_at_start = b->executions;
    if (marks == last_mark && blocks_path != NULL) write_blocks();
    marks++;
}

static void finished(qemu_plugin_id_t id, void *unused) { write_count(); }

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                               char **argv) {
    if (strcmp(info->target_name, "aarch64") == 0) mark_syscall = 173;
    if (strcmp(info->target_name, "arm") == 0) mark_syscall = 64;
    for (int i = 0; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (value == NULL) return 1;
        *value++ = '\0';
        if (strcmp(argv[i], "counts") == 0) counts = fopen(value, "w");
        else if (strcmp(argv[i], "blocks") == 0) blocks_path = strdup(value);
        else if (strcmp(argv[i], "from") == 0) first_mark = atoll(value);
        else if (strcmp(argv[i], "to") == 0) last_mark = atoll(value);
        else return 1;
    }
    if (counts == NULL || mark_syscall < 0) return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, system_call);
    qemu_plugin_register_atexit_cb(id, finished, NULL);
    return 0;
}
