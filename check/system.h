/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_SYSTEM_H
#define CHECK_SYSTEM_H
/* system.h - one test of doppel-check system, and how it ends.
 *
 * A program is a machine's start (mode, tables, control registers) and a list of steps; each step
 * is drawn from a row (system_insns.c) by a seed of its own and makes a few instructions.  Built,
 * it is SYS_SIZE bytes of guest memory, tables and kernel included (system_kernel.S): the kernel
 * launches it from flat 32-bit code without paging, so that a bootable image can hold it as well.
 *
 * Handlers log each exception and interrupt and go on behind the instruction.  A test ends with the
 * HLT of the last handler, or one of its own, or in shutdown. */
#include <glib.h>
#include "check/native.h"
#include "check/subject.h"
#include "check/system_layout.h"

typedef enum SystemMode {
    SYSTEM_REAL,
    SYSTEM_VM86,
    SYSTEM_PROTECTED16,
    SYSTEM_PROTECTED32,
    SYSTEM_COMPAT,
    SYSTEM_LONG,
    SYSTEM_MODES
} SystemMode;
const char *system_mode_name(SystemMode mode);
bool system_mode_find(const char *name, SystemMode *mode);

typedef enum Paging { PAGING_NONE, PAGING_32, PAGING_PAE, PAGING_LONG, PAGINGS } Paging;

/* The machine's start, as far as it varies; zeros are the plainest one. */
typedef struct SystemStart {
    SystemMode mode;
    Paging paging;
    uint8_t ring;
    uint32_t cr0, cr4, efer; /* more bits than the mode needs */
    uint32_t rflags;         /* of the test, without VM */
    uint32_t dr[4], dr7;
    uint64_t gpr[16];   /* RSP is not used */
    uint32_t odd_page;  /* flags of SYS_ODD's page table entry */
    uint16_t code_at;   /* in the window */
    uint64_t data_seed; /* of what is in the data pages; 0: zeros */
    uint8_t nmi_gate;   /* 0: as all others; else one more than a row of the odd ones */
    uint8_t nmi_stack;  /* of the TSS, in long mode */
    uint8_t wake;       /* SYS_EVENT_*: raised while the CPU waits in a HLT of the test's own */
    uint8_t smm_handler;
} SystemStart;

enum { SYSTEM_STEPS = 10, SYSTEM_INSNS = 64, SYSTEM_NO_RAISE = 0xff, SYSTEM_SMM_HANDLERS = 3 };

typedef struct SystemStep {
    uint16_t row;
    uint64_t seed;
} SystemStep;

typedef struct SystemProgram {
    SystemStart start;
    SystemStep step[SYSTEM_STEPS];
    uint8_t n_steps;
    uint8_t raise_at; /* instruction before which `raise` is raised */
    uint8_t raise;    /* SYS_EVENT_* */
    bool on_pc; /* what a PC has, and only memory that is the test's: raising takes two registers,
                 * and there are interrupts alone */
    uint64_t seed;
} SystemProgram;

/* An instruction in the window, for the report. */
typedef struct SystemInsn {
    uint16_t at; /* linear address */
    uint8_t length, width;
} SystemInsn;

typedef struct SystemTest {
    uint8_t memory[SYS_SIZE];
    SystemInsn insn[SYSTEM_INSNS];
    unsigned n_insns;
    uint64_t seed;
    SystemMode mode;
} SystemTest;

/* ---- system_generate.c ---- */

/* Draws a program; `filter`: the name of a row that each has a step of, or NULL. */
void system_program_draw(uint64_t seed, const bool *modes, const char *filter,
                         SystemProgram *program);
bool system_filter_known(const char *filter);
unsigned system_rows(void);
const char *system_row_name(unsigned row);
void system_program_build(const SystemProgram *program, SystemTest *test);

/* ---- system_image.c ---- */

/* Everything but the code and what belongs to it. */
void system_image_make(const SystemStart *start, uint8_t *memory);

/* ---- system_guest.c ---- */

typedef enum SystemEndKind {
    SYSTEM_HALTED,
    SYSTEM_SHUTDOWN,
    SYSTEM_ENDLESS,
    SYSTEM_CRASHED
} SystemEndKind;

/* The CPU's state at the end is in the guest, until the next run. */
typedef struct SystemGuest {
    Subject *subject;
    CpuBus bus;
    SystemEndKind end;
    bool raised;  /* an interrupt is pending at the controller */
    bool excused; /* it stored addresses that translated code does not keep */
    uint8_t ier, tpr;
} SystemGuest;

SystemGuest *system_guest_new(Executor executor, GError **error);
void system_guest_free(SystemGuest *guest);
/* Loads memory and runs it from the kernel's launch on. */
void system_guest_run(SystemGuest *guest, const uint8_t *memory);
/* Did the kernel's last handler end it, as opposed to the test's own HLT? */
bool system_guest_finished(const SystemGuest *guest);

/* ---- system_compare.c ---- */

const char *system_end_name(SystemEndKind end);
/* Do both guests agree after the same test? `text`: NULL, or where to say how they do not. */
bool system_compare(const SystemGuest *interpreted, const SystemGuest *translated, GString *text);
/* Memory of two ends, as above; the log and the state block by name. */
bool system_compare_memory(const uint8_t *one, const uint8_t *other, const char *const names[2],
                           GString *text);

/* ---- system_report.c ---- */

void system_describe(const SystemTest *test, GString *text);
/* The log in words, one line an entry. */
void system_describe_log(const uint8_t *memory, GString *text);
bool system_save(const SystemTest *test, const char *path, GError **error);
bool system_saved(const char *path);
int system_replay(const char *path, GError **error);

/* ---- system_minimise.c ---- */

/* Does the program still differ? */
typedef bool (*SystemDiffers)(void *opaque, const SystemProgram *program);
/* Leaves out steps and makes the start plainer as long as it differs. */
void system_minimise(SystemProgram *program, SystemDiffers differs, void *opaque);

#endif
