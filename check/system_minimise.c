/* SPDX-License-Identifier: GPL-2.0-or-later */
/* system_minimise.c - the smallest program that still differs. */
#include <string.h>
#include "check/system.h"

typedef struct Trial {
    SystemProgram *best;
    SystemDiffers differs;
    void *opaque;
    bool better;
} Trial;

static void keep_if_differs(Trial *trial, const SystemProgram *program)
{
    if (memcmp(program, trial->best, sizeof(*program)) != 0 &&
        trial->differs(trial->opaque, program)) {
        *trial->best = *program;
        trial->better = true;
    }
}

static void fewer_steps(Trial *trial)
{
    for (unsigned i = trial->best->n_steps; i-- > 0;) {
        SystemProgram program = *trial->best;

        program.n_steps--;
        memmove(&program.step[i], &program.step[i + 1],
                (program.n_steps - i) * sizeof(program.step[0]));
        keep_if_differs(trial, &program);
    }
}

/* Each field by itself; of the registers, each bit or each one. */
static void plainer_start(Trial *trial)
{
    static const uint8_t words[] = {
        offsetof(SystemStart, cr0), offsetof(SystemStart, cr4),    offsetof(SystemStart, efer),
        offsetof(SystemStart, dr7), offsetof(SystemStart, rflags),
    };
    SystemProgram program;

    for (size_t i = 0; i < sizeof(words); i++) {
        for (unsigned bit = 0; bit < 32; bit++) {
            uint32_t word;

            program = *trial->best;
            memcpy(&word, (uint8_t *)&program.start + words[i], 4);
            word &= ~(1u << bit);
            memcpy((uint8_t *)&program.start + words[i], &word, 4);
            keep_if_differs(trial, &program);
        }
    }
    for (unsigned i = 0; i < 16; i++) {
        program = *trial->best;
        program.start.gpr[i] = 0;
        keep_if_differs(trial, &program);
        program = *trial->best;
        program.start.dr[i & 3] = 0;
        keep_if_differs(trial, &program);
    }
}

/* Events one by one, and none that are not needed. */
static void plainer_events(Trial *trial)
{
    SystemProgram program = *trial->best;

    program.raise_at = SYSTEM_NO_RAISE;
    keep_if_differs(trial, &program);
    for (unsigned bit = 1; bit <= SYS_EVENT_BLOCK; bit <<= 1) {
        program = *trial->best;
        program.raise &= (uint8_t)~bit;
        keep_if_differs(trial, &program);
        program = *trial->best;
        program.start.wake &= (uint8_t)~bit;
        keep_if_differs(trial, &program);
    }
    program = *trial->best;
    program.start.nmi_gate = program.start.nmi_stack = 0;
    keep_if_differs(trial, &program);
    program = *trial->best;
    program.start.smm_handler = 0;
    keep_if_differs(trial, &program);
}

static void plainer_machine(Trial *trial)
{
    SystemProgram program = *trial->best;

    program.start.data_seed = 0;
    keep_if_differs(trial, &program);
    program = *trial->best;
    program.start.odd_page = 7;
    keep_if_differs(trial, &program);
    program = *trial->best;
    program.start.code_at = 0;
    keep_if_differs(trial, &program);
    if (trial->best->start.paging < PAGING_LONG) {
        program = *trial->best;
        program.start.paging = PAGING_NONE;
        keep_if_differs(trial, &program);
    }
}

void system_minimise(SystemProgram *program, SystemDiffers differs, void *opaque)
{
    Trial trial = { program, differs, opaque, true };

    while (trial.better) {
        trial.better = false;
        fewer_steps(&trial);
        plainer_events(&trial);
        plainer_machine(&trial);
        plainer_start(&trial);
    }
}
