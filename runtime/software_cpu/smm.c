/* SPDX-License-Identifier: GPL-2.0-or-later */
/* smm.c - system management mode (SDM vol. 3 chapter 31, AMD APM vol. 2 chapter 10): entry, RSM,
 * and the state map at SMBASE + FE00H.  CPUs with long mode use AMD's 64-bit map (revision 20064H),
 * the others the P6's 32-bit one (revision 20000H), with the descriptor caches where the P6 has
 * them. Both revisions allow SMBASE to be moved; I/O restart is not offered. */
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/debug.h"
#include "runtime/software_cpu/system.h"

enum {
    MAP_SIZE = 0x200,
    MAP_OFFSET = 0xfe00, /* from SMBASE */
    ENTRY_RIP = 0x8000,
    REVISION_64 = 0x20064,
    REVISION_32 = 0x20000,
    ATTR_REAL = ATTR_P | ATTR_S | ATTR_RW | ATTR_ACCESSED | ATTR_G,
};

/* Places in the 64-bit map, from its start. */
enum {
    AT64_SEGMENT = 0x00, /* ES to GS, 16 bytes each: selector, attributes, limit, base */
    AT64_GDTR = 0x60,    /* as a segment */
    AT64_LDTR = 0x70,
    AT64_IDTR = 0x80,
    AT64_TR = 0x90,
    AT64_HALT = 0xc9,
    AT64_NMI = 0xcb,
    AT64_EFER = 0xd0,
    AT64_REVISION = 0xfc,
    AT64_SMBASE = 0x100,
    AT64_CR4 = 0x148,
    AT64_CR3 = 0x150,
    AT64_CR0 = 0x158,
    AT64_DR7 = 0x160,
    AT64_DR6 = 0x168,
    AT64_RFLAGS = 0x170,
    AT64_RIP = 0x178,
    AT64_RAX = 0x1f8, /* then down by 8 in encoding order */
};

/* Places in the 32-bit map. */
enum {
    AT32_REVISION = 0xfc,
    AT32_SMBASE = 0xf8,
    AT32_HALT = 0x102,
    AT32_NMI = 0x110,
    AT32_CR4 = 0x114,
    AT32_DS_GS = 0x12c, /* DS, FS, GS, 12 bytes each: attributes, limit, base */
    AT32_IDTR = 0x154,  /* as a segment's cache */
    AT32_TR = 0x15c,
    AT32_GDTR = 0x16c,
    AT32_LDTR = 0x178,
    AT32_ES_SS = 0x184,     /* ES, CS, SS */
    AT32_SELECTORS = 0x1a8, /* ES, CS, SS, DS, FS, GS, LDTR, TR, 4 bytes each */
    AT32_DR7 = 0x1c8,
    AT32_DR6 = 0x1cc,
    AT32_EAX = 0x1d0, /* then up by 4 in encoding order */
    AT32_EIP = 0x1f0,
    AT32_EFLAGS = 0x1f4,
    AT32_CR3 = 0x1f8,
    AT32_CR0 = 0x1fc,
};

typedef struct StateMap {
    uint8_t bytes[MAP_SIZE];
} StateMap;

static void put(StateMap *map, unsigned at, unsigned width, uint64_t value)
{
    for (unsigned i = 0; i < width; i++) {
        map->bytes[at + i] = (uint8_t)(value >> (8 * i));
    }
}

static uint64_t get(const StateMap *map, unsigned at, unsigned width)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < width; i++) {
        value |= (uint64_t)map->bytes[at + i] << (8 * i);
    }
    return value;
}

static bool map_is_64(const Cpu *cpu)
{
    return cpu_has_feature(cpu, INSN_FEATURE_LM);
}

/* ---- The 64-bit map ---- */

static unsigned segment_at64(SegmentName name)
{
    return name == LDTR ? AT64_LDTR : name == TR ? AT64_TR : AT64_SEGMENT + 16u * name;
}

static void save_64(const Cpu *cpu, StateMap *map)
{
    for (SegmentName name = ES; name < SEGMENTS; name++) {
        unsigned at = segment_at64(name);

        put(map, at, 2, cpu->seg[name].selector);
        put(map, at + 2, 2, cpu->seg[name].attr);
        put(map, at + 4, 4, cpu->seg[name].limit);
        put(map, at + 8, 8, cpu->seg[name].base);
    }
    put(map, AT64_GDTR + 4, 4, cpu->gdtr.limit);
    put(map, AT64_GDTR + 8, 8, cpu->gdtr.base);
    put(map, AT64_IDTR + 4, 4, cpu->idtr.limit);
    put(map, AT64_IDTR + 8, 8, cpu->idtr.base);
    put(map, AT64_HALT, 1, cpu->halted);
    put(map, AT64_NMI, 1, cpu->nmi_blocked);
    put(map, AT64_EFER, 8, cpu->efer);
    put(map, AT64_REVISION, 4, REVISION_64);
    put(map, AT64_SMBASE, 4, cpu->smbase);
    put(map, AT64_CR4, 8, cpu->cr4);
    put(map, AT64_CR3, 8, cpu->cr3);
    put(map, AT64_CR0, 8, cpu->cr0);
    put(map, AT64_DR7, 8, cpu->dr[7]);
    put(map, AT64_DR6, 8, cpu->dr[6]);
    put(map, AT64_RFLAGS, 8, cpu->rflags);
    put(map, AT64_RIP, 8, cpu->rip);
    for (unsigned i = 0; i < 16; i++) {
        put(map, AT64_RAX - 8 * i, 8, cpu->gpr[i]);
    }
}

static void load_64(Cpu *cpu, const StateMap *map)
{
    for (SegmentName name = ES; name < SEGMENTS; name++) {
        unsigned at = segment_at64(name);

        cpu->seg[name] = (Segment){ .selector = (uint16_t)get(map, at, 2),
                                    .attr = (uint16_t)(get(map, at + 2, 2) & 0xf0ff),
                                    .limit = (uint32_t)get(map, at + 4, 4),
                                    .base = get(map, at + 8, 8) };
    }
    cpu->gdtr.limit = (uint16_t)get(map, AT64_GDTR + 4, 4);
    cpu->gdtr.base = get(map, AT64_GDTR + 8, 8);
    cpu->idtr.limit = (uint16_t)get(map, AT64_IDTR + 4, 4);
    cpu->idtr.base = get(map, AT64_IDTR + 8, 8);
    cpu->halted = get(map, AT64_HALT, 1) & 1;
    cpu->nmi_blocked = get(map, AT64_NMI, 1) & 1;
    cpu->efer = get(map, AT64_EFER, 8);
    if (get(map, AT64_REVISION, 4) & 0x20000) {
        cpu->smbase = get(map, AT64_SMBASE, 4);
    }
    cpu->cr4 = get(map, AT64_CR4, 8);
    cpu->cr3 = get(map, AT64_CR3, 8);
    cpu->cr0 = get(map, AT64_CR0, 8);
    cpu->dr[7] = get(map, AT64_DR7, 8);
    cpu->dr[6] = get(map, AT64_DR6, 8);
    cpu->rflags = get(map, AT64_RFLAGS, 8);
    cpu->rip = get(map, AT64_RIP, 8);
    for (unsigned i = 0; i < 16; i++) {
        cpu->gpr[i] = get(map, AT64_RAX - 8 * i, 8);
    }
}

/* ---- The 32-bit map ---- */

static unsigned segment_at32(SegmentName name)
{
    switch (name) {
    case ES:
    case CS:
    case SS:
        return AT32_ES_SS + 12u * name;
    case LDTR:
        return AT32_LDTR;
    case TR:
        return AT32_TR;
    default:
        return AT32_DS_GS + 12u * (name - DS);
    }
}

static void save_32(const Cpu *cpu, StateMap *map)
{
    for (SegmentName name = ES; name < SEGMENTS; name++) {
        unsigned at = segment_at32(name);

        put(map,
            AT32_SELECTORS + 4u * (name == LDTR ? 6
                                   : name == TR ? 7
                                                : name),
            4, cpu->seg[name].selector);
        put(map, at, 4, cpu->seg[name].attr);
        put(map, at + 4, 4, cpu->seg[name].limit);
        put(map, at + 8, 4, cpu->seg[name].base);
    }
    put(map, AT32_GDTR + 4, 4, cpu->gdtr.limit);
    put(map, AT32_GDTR + 8, 4, cpu->gdtr.base);
    put(map, AT32_IDTR, 4, cpu->idtr.limit);
    put(map, AT32_IDTR + 4, 4, cpu->idtr.base);
    put(map, AT32_HALT, 2, cpu->halted);
    put(map, AT32_NMI, 1, cpu->nmi_blocked);
    put(map, AT32_REVISION, 4, REVISION_32);
    put(map, AT32_SMBASE, 4, cpu->smbase);
    put(map, AT32_CR4, 4, cpu->cr4);
    put(map, AT32_CR3, 4, cpu->cr3);
    put(map, AT32_CR0, 4, cpu->cr0);
    put(map, AT32_DR7, 4, cpu->dr[7]);
    put(map, AT32_DR6, 4, cpu->dr[6]);
    put(map, AT32_EFLAGS, 4, cpu->rflags);
    put(map, AT32_EIP, 4, cpu->rip);
    for (unsigned i = 0; i < 8; i++) {
        put(map, AT32_EAX + 4 * i, 4, cpu->gpr[i]);
    }
}

static void load_32(Cpu *cpu, const StateMap *map)
{
    for (SegmentName name = ES; name < SEGMENTS; name++) {
        unsigned at = segment_at32(name);

        cpu->seg[name] = (Segment){
            .selector = (uint16_t)get(map,
                                      AT32_SELECTORS + 4u * (name == LDTR ? 6
                                                             : name == TR ? 7
                                                                          : name),
                                      2),
            .attr = (uint16_t)(get(map, at, 4) & 0xf0ff),
            .limit = (uint32_t)get(map, at + 4, 4),
            .base = get(map, at + 8, 4),
        };
    }
    cpu->gdtr.limit = (uint16_t)get(map, AT32_GDTR + 4, 4);
    cpu->gdtr.base = get(map, AT32_GDTR + 8, 4);
    cpu->idtr.limit = (uint16_t)get(map, AT32_IDTR, 4);
    cpu->idtr.base = get(map, AT32_IDTR + 4, 4);
    cpu->halted = get(map, AT32_HALT, 2) & 1;
    cpu->nmi_blocked = get(map, AT32_NMI, 1) & 1;
    cpu->efer = 0;
    if (get(map, AT32_REVISION, 4) & 0x20000) {
        cpu->smbase = get(map, AT32_SMBASE, 4);
    }
    cpu->cr4 = get(map, AT32_CR4, 4);
    cpu->cr3 = get(map, AT32_CR3, 4);
    cpu->cr0 = get(map, AT32_CR0, 4);
    cpu->dr[7] = get(map, AT32_DR7, 4);
    cpu->dr[6] = get(map, AT32_DR6, 4);
    cpu->rflags = get(map, AT32_EFLAGS, 4);
    cpu->rip = get(map, AT32_EIP, 4);
    for (unsigned i = 0; i < 8; i++) {
        cpu->gpr[i] = get(map, AT32_EAX + 4 * i, 4);
    }
}

/* ---- Entry and return ---- */

static void smm_changed(Cpu *cpu, bool smm)
{
    cpu->smm = smm;
    if (cpu->bus != NULL && cpu->bus->smm_changed != NULL) {
        cpu->bus->smm_changed(cpu, smm);
    }
}

/* The state that the handler starts in: big real mode at SMBASE. */
static void state_enter(Cpu *cpu)
{
    for (SegmentName name = ES; name <= GS; name++) {
        cpu->seg[name] = (Segment){ .limit = UINT32_MAX, .attr = ATTR_REAL };
    }
    cpu->seg[CS].selector = (uint16_t)(cpu->smbase >> 4);
    cpu->seg[CS].base = cpu->smbase;
    cpu->rip = ENTRY_RIP;
    cpu->rflags = FLAG_1;
    cpu->cr0 &= ~(uint64_t)(CR0_PE | CR0_EM | CR0_TS | CR0_PG);
    cpu->cr4 = 0;
    cpu->efer = 0;
    cpu->dr[7] = DR7_FIXED;
    cpu->halted = false;
    cpu->shadow = SHADOW_NONE;
    cpu->nmi_blocked = true;
}

static void map_write(Cpu *cpu)
{
    StateMap map = { { 0 } };

    if (map_is_64(cpu)) {
        save_64(cpu, &map);
    } else {
        save_32(cpu, &map);
    }
    smm_changed(cpu, true);
    phys_map_write(soft_mmu_map(cpu->mmu), (uint32_t)(cpu->smbase + MAP_OFFSET), map.bytes,
                   MAP_SIZE);
}

void smm_enter(Cpu *cpu)
{
    cpu_vector_park(cpu); /* the physical map may run device code */
    map_write(cpu);
    state_enter(cpu);
    cpu_mode_update(cpu);
    mmu_mode_changed(cpu);
    mmu_flush_all(cpu);
}

/* Is what the handler left in the map a state that a CPU can be in? */
static bool state_valid(const Cpu *cpu)
{
    bool paging = cpu->cr0 & CR0_PG;

    if (cpu->cr0 >> 32 != 0 || (paging && !(cpu->cr0 & CR0_PE)) ||
        ((cpu->cr0 & CR0_NW) && !(cpu->cr0 & CR0_CD)) || cpu->cr4 >> 32 != 0) {
        return false;
    }
    return !paging || !(cpu->efer & EFER_LME) || (cpu->cr4 & CR4_PAE);
}

static void state_fix(Cpu *cpu)
{
    bool active = (cpu->cr0 & CR0_PG) && (cpu->efer & EFER_LME);

    cpu->efer = active ? cpu->efer | EFER_LMA : cpu->efer & ~(uint64_t)EFER_LMA;
    cpu->cr0 |= CR0_ET;
    cpu->rflags |= FLAG_1;
    cpu->dr[6] |= DR6_FIXED;
    cpu->dr[7] |= DR7_FIXED;
}

Step exec_rsm(Cpu *cpu, const Insn *insn)
{
    StateMap map;

    (void)insn;
    if (!cpu->smm) {
        return fault_undefined(cpu);
    }
    cpu_vector_park(cpu);
    phys_map_read(soft_mmu_map(cpu->mmu), (uint32_t)(cpu->smbase + MAP_OFFSET), map.bytes,
                  MAP_SIZE);
    if (map_is_64(cpu)) {
        load_64(cpu, &map);
    } else {
        load_32(cpu, &map);
    }
    smm_changed(cpu, false);
    if (!state_valid(cpu)) { /* the CPU shuts down */
        if (cpu->bus != NULL && cpu->bus->triple_fault != NULL) {
            cpu->bus->triple_fault(cpu);
        }
        return STEP_JUMP;
    }
    state_fix(cpu);
    cpu_mode_update(cpu);
    mmu_mode_changed(cpu);
    mmu_flush_all(cpu);
    if ((cpu->cr0 & CR0_PG) && (cpu->cr4 & CR4_PAE) && !(cpu->efer & EFER_LMA)) {
        mmu_load_pdptes(cpu);
    }
    return STEP_JUMP;
}
