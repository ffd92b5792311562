/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ibtc.c - indirect-branch caches: a bank for each address space and mode, so that a look-up needs
 * to compare no more than the whole target address. Compiled with -mgeneral-regs-only. */
#include "runtime/engine/engine_int.h"
#include "runtime/engine/host_memory.h"

enum {
    BANKS = 32,
    HINTS = 256,
    SALT_UNUSED = 0x7fff, /* of no bank */
    NOTED = 256,          /* places that are cleared one by one */
};

typedef struct Owner {
    uint64_t space;
    uint32_t mode;
    uint64_t salt;     /* 0: the bank is free */
    uint64_t used;     /* when it was selected last */
    unsigned n_filled; /* fills; the first of them are in `place` */
    uint16_t place[NOTED];
} Owner;

struct Ibtc {
    IbtcBank bank[BANKS + 1]; /* the last stays empty */
    Owner owner[BANKS];
    uint8_t hint[HINTS]; /* where a space and mode was found last */
    unsigned current;
    uint64_t clock;
};

static void bank_clear(IbtcBank *bank)
{
    for (unsigned i = 0; i < IBTC_ENTRIES; i++) {
        bank->entry[i].rip = ibtc_empty(i);
    }
}

/* Makes the bank of an owner that has gone like new. */
static void bank_empty(IbtcBank *bank, const Owner *owner)
{
    if (owner->n_filled > NOTED) {
        bank_clear(bank);
        return;
    }
    for (unsigned i = 0; i < owner->n_filled; i++) {
        bank->entry[owner->place[i]].rip = ibtc_empty(owner->place[i]);
    }
}

struct Ibtc *ibtc_new(void)
{
    struct Ibtc *ibtc = host_memory_reserve(sizeof(*ibtc), HOST_PAGES_SMALL);

    if (ibtc == NULL) {
        g_error("no memory for the indirect-branch caches");
    }
    for (unsigned i = 0; i <= BANKS; i++) {
        ibtc->bank[i].entry[0].rip = ibtc_empty(0);
    }
    ibtc->current = BANKS;
    return ibtc;
}

void ibtc_free(struct Ibtc *ibtc)
{
    host_memory_free(ibtc, sizeof(*ibtc));
}

static bool owns(const Owner *owner, const Cpu *cpu, uint32_t mode)
{
    return owner->salt != 0 && owner->space == cpu_code_space(cpu) && owner->mode == mode;
}

static uint8_t *hint_of(struct Ibtc *ibtc, const Cpu *cpu, uint32_t mode)
{
    return &ibtc->hint[(cpu_code_space(cpu) * 31 ^ mode * 0x9e3779b1u >> 24) % HINTS];
}

/* Salts are in guards of exits, which all CPUs run: when they run out all those go. A CPU selects a
 * bank before it runs translated code again. */
static void salts_reset(Engine *engine)
{
    cache_flush(engine);
    for (guint n = 0; n < engine->cpus->len; n++) {
        const EngineCpu *one = g_ptr_array_index(engine->cpus, n);

        for (unsigned i = 0; i < BANKS; i++) {
            one->ibtc->owner[i].salt = 0;
        }
    }
    engine->next_salt = 1;
}

static unsigned bank_take(Cpu *cpu)
{
    struct Ibtc *ibtc = cpu->engine_cpu->ibtc;
    unsigned oldest = 0;
    Owner *owner;

    if (cpu->engine->next_salt == SALT_UNUSED) {
        salts_reset(cpu->engine);
    }
    for (unsigned i = 1; i < BANKS; i++) {
        if (ibtc->owner[i].used < ibtc->owner[oldest].used) {
            oldest = i;
        }
    }
    owner = &ibtc->owner[oldest];
    bank_empty(&ibtc->bank[oldest], owner);
    owner->space = cpu_code_space(cpu);
    owner->mode = cpu->mode;
    owner->salt = (uint64_t)cpu->engine->next_salt++ << 48;
    owner->n_filled = 0;
    return oldest;
}

/* BANKS: there is none. */
static unsigned bank_find(Cpu *cpu)
{
    struct Ibtc *ibtc = cpu->engine_cpu->ibtc;
    uint8_t *hint = hint_of(ibtc, cpu, cpu->mode);

    if (owns(&ibtc->owner[*hint], cpu, cpu->mode)) {
        return *hint;
    }
    for (unsigned i = 0; i < BANKS; i++) {
        if (owns(&ibtc->owner[i], cpu, cpu->mode)) {
            *hint = (uint8_t)i;
            return i;
        }
    }
    return BANKS;
}

/* Where STAC or CLAC goes on without coming to C: nowhere, until that mode has a bank. */
static void other_select(Cpu *cpu)
{
    struct Ibtc *ibtc = cpu->engine_cpu->ibtc;
    uint32_t mode = cpu->mode ^ MODE_AC;
    unsigned other = *hint_of(ibtc, cpu, mode);

    if (owns(&ibtc->owner[other], cpu, mode)) {
        ibtc->owner[other].used = ibtc->clock;
        cpu->jit_ibtc_other = (uintptr_t)&ibtc->bank[other];
        cpu->jit_salt_other = ibtc->owner[other].salt;
    } else {
        cpu->jit_ibtc_other = (uintptr_t)&ibtc->bank[BANKS];
        cpu->jit_salt_other = (uint64_t)SALT_UNUSED << 48;
    }
}

bool ibtc_select_known(Cpu *cpu)
{
    struct Ibtc *ibtc = cpu->engine_cpu->ibtc;

    if (ibtc->current == BANKS || !owns(&ibtc->owner[ibtc->current], cpu, cpu->mode)) {
        unsigned bank = bank_find(cpu);

        if (bank == BANKS) {
            return false;
        }
        ibtc->current = bank;
        ibtc->owner[ibtc->current].used = ++ibtc->clock;
    }
    cpu->jit_ibtc = (uintptr_t)&ibtc->bank[ibtc->current];
    cpu->jit_salt = ibtc->owner[ibtc->current].salt;
    if ((cpu->mode & MODE_CPL) == 0) {
        other_select(cpu);
    }
    return true;
}

void ibtc_select(Cpu *cpu)
{
    if (!ibtc_select_known(cpu)) {
        *hint_of(cpu->engine_cpu->ibtc, cpu, cpu->mode) = (uint8_t)bank_take(cpu);
        ibtc_select_known(cpu);
    }
}

void ibtc_select_none(Cpu *cpu)
{
    struct Ibtc *ibtc = cpu->engine_cpu->ibtc;

    ibtc->current = BANKS;
    cpu->jit_ibtc = (uintptr_t)&ibtc->bank[BANKS];
    cpu->jit_salt = (uint64_t)SALT_UNUSED << 48;
    cpu->jit_ibtc_other = cpu->jit_ibtc;
    cpu->jit_salt_other = cpu->jit_salt;
}

void ibtc_fill(Cpu *cpu, const Block *block)
{
    struct Ibtc *ibtc = cpu->engine_cpu->ibtc;
    IbtcBank *bank = &ibtc->bank[ibtc->current];
    Owner *owner = &ibtc->owner[ibtc->current];
    uint64_t key = code_key(cpu);
    unsigned place = ibtc_place(key);

    if (owner->n_filled < NOTED) {
        owner->place[owner->n_filled] = (uint16_t)place;
    }
    owner->n_filled += owner->n_filled <= NOTED;
    bank->entry[place] = (IbtcEntry){ .rip = key, .host = cpu->engine->rx + block->indirect };
}

void ibtc_renew(Cpu *cpu, uint64_t rip, const Block *block)
{
    IbtcBank *bank = &cpu->engine_cpu->ibtc->bank[cpu->engine_cpu->ibtc->current];
    IbtcEntry *entry = &bank->entry[ibtc_place(rip)];

    if (entry->rip == rip) {
        entry->host = cpu->engine->rx + block->indirect;
    }
}

static void forget(const Engine *engine, struct Ibtc *ibtc, uint32_t from, uint32_t size)
{
    for (unsigned b = 0; b < BANKS; b++) {
        IbtcBank *bank = &ibtc->bank[b];

        for (unsigned i = 0; ibtc->owner[b].n_filled != 0 && i < IBTC_ENTRIES; i++) {
            if ((uintptr_t)bank->entry[i].host - (uintptr_t)engine->rx - from < size) {
                bank->entry[i] = (IbtcEntry){ .rip = ibtc_empty(i) };
            }
        }
    }
}

void ibtc_forget(Engine *engine, uint32_t from, uint32_t size)
{
    for (guint n = 0; n < engine->cpus->len; n++) {
        const EngineCpu *one = g_ptr_array_index(engine->cpus, n);

        forget(engine, one->ibtc, from, size);
    }
}
