/* SPDX-License-Identifier: GPL-2.0-or-later */
/* string.c - MOVS, STOS, LODS, CMPS, SCAS.
 *
 * A repeated instruction runs in runs: as many elements as lie in one page of RAM on each side,
 * done by the host's own REP instruction on the pages' host addresses, which copies overlapping
 * operands and sets flags as the guest's would.  Where that cannot be (an element across two pages,
 * MMIO, a limit, a fault, debugging) one element goes through the checked path.  Registers advance
 * with each run, so that a fault or an interrupt finds them exact. */
#include "runtime/software_cpu/debug.h"
#include "runtime/software_cpu/host_traits.h"
#include "runtime/software_cpu/integer.h"

enum { RUNS = 16 }; /* and no more of those that do not compare at a time */

typedef struct StringOp {
    bool source;                             /* reads at RSI */
    bool target;                             /* uses ES:RDI */
    Access target_access;                    /* what for */
    bool compares;                           /* ends on ZF */
    bool (*one)(Cpu *cpu, const Insn *insn); /* one element, registers advanced */
    /* Up to `count` elements, at least one; how many were done. */
    uint64_t (*run)(Cpu *cpu, unsigned width, const uint8_t *source, uint8_t *target,
                    uint64_t count);
} StringOp;

/* The decoder may hold the repeat prefix for a part of the opcode. */
static bool repeats_equal(const Insn *insn)
{
    return (insn->prefix & PREFIX_REP) || insn->mandatory == 0xf3;
}

static bool repeats(const Insn *insn)
{
    return repeats_equal(insn) || (insn->prefix & PREFIX_REPNE) || insn->mandatory == 0xf2;
}

/* ---- One element ---- */

static void pointer_advance(Cpu *cpu, const Insn *insn, Gpr reg, uint64_t elements)
{
    uint64_t bytes = elements * insn->op_width;
    uint64_t offset = cpu->gpr[reg] + (cpu->rflags & FLAG_DF ? 0 - bytes : bytes);

    gpr_write(cpu, reg, insn->address_width, offset);
}

static bool source_linear(Cpu *cpu, const Insn *insn, uint64_t *linear)
{
    return segment_linear_quick(cpu, insn->mem.segment, gpr_read(cpu, RSI, insn->address_width),
                                insn->op_width, ACCESS_READ, linear);
}

static bool target_linear(Cpu *cpu, const Insn *insn, Access access, uint64_t *linear)
{
    return segment_linear_quick(cpu, ES, gpr_read(cpu, RDI, insn->address_width), insn->op_width,
                                access, linear);
}

static bool movs_one(Cpu *cpu, const Insn *insn)
{
    uint64_t from, to, value;

    if (!source_linear(cpu, insn, &from) || !mmu_read(cpu, from, insn->op_width, &value) ||
        !target_linear(cpu, insn, ACCESS_WRITE, &to) ||
        !mmu_write(cpu, to, insn->op_width, value)) {
        return false;
    }
    pointer_advance(cpu, insn, RSI, 1);
    pointer_advance(cpu, insn, RDI, 1);
    return true;
}

static bool stos_one(Cpu *cpu, const Insn *insn)
{
    uint64_t to;

    if (!target_linear(cpu, insn, ACCESS_WRITE, &to) ||
        !mmu_write(cpu, to, insn->op_width, cpu->gpr[RAX])) {
        return false;
    }
    pointer_advance(cpu, insn, RDI, 1);
    return true;
}

static bool lods_one(Cpu *cpu, const Insn *insn)
{
    uint64_t from, value;

    if (!source_linear(cpu, insn, &from) || !mmu_read(cpu, from, insn->op_width, &value)) {
        return false;
    }
    gpr_write(cpu, RAX, insn->op_width, value);
    pointer_advance(cpu, insn, RSI, 1);
    return true;
}

static void compare(Cpu *cpu, unsigned width, uint64_t a, uint64_t b)
{
    uint64_t flags;

    op_cmp(width, a, b, &flags);
    flags_set(cpu, flags);
}

static bool cmps_one(Cpu *cpu, const Insn *insn)
{
    uint64_t from, to, a, b;

    if (!source_linear(cpu, insn, &from) || !mmu_read(cpu, from, insn->op_width, &a) ||
        !target_linear(cpu, insn, ACCESS_READ, &to) || !mmu_read(cpu, to, insn->op_width, &b)) {
        return false;
    }
    compare(cpu, insn->op_width, a, b);
    pointer_advance(cpu, insn, RSI, 1);
    pointer_advance(cpu, insn, RDI, 1);
    return true;
}

static bool scas_one(Cpu *cpu, const Insn *insn)
{
    uint64_t to, value;

    if (!target_linear(cpu, insn, ACCESS_READ, &to) || !mmu_read(cpu, to, insn->op_width, &value)) {
        return false;
    }
    compare(cpu, insn->op_width, cpu->gpr[RAX], value);
    pointer_advance(cpu, insn, RDI, 1);
    return true;
}

/* ---- Runs: the host's REP instructions, in the guest's direction ---- */

#define REP_MOVS(name, direction, op)                                                              \
    static void name(const uint8_t *source, uint8_t *target, uint64_t count)                       \
    {                                                                                              \
        __asm__ volatile(direction "rep " op "\n\tcld"                                             \
                         : "+S"(source), "+D"(target), "+c"(count)                                 \
                         :                                                                         \
                         : "memory", "cc");                                                        \
    }
REP_MOVS(movsb_up, "", "movsb")
REP_MOVS(movsw_up, "", "movsw")
REP_MOVS(movsl_up, "", "movsl")
REP_MOVS(movsq_up, "", "movsq")
REP_MOVS(movsb_down, "std\n\t", "movsb")
REP_MOVS(movsw_down, "std\n\t", "movsw")
REP_MOVS(movsl_down, "std\n\t", "movsl")
REP_MOVS(movsq_down, "std\n\t", "movsq")

/* Widths 1, 2, 4, 8 to 0, 1, 2, 3. */
static unsigned width_index(unsigned width)
{
    return (unsigned)__builtin_ctz(width);
}

static uint64_t movs_run(Cpu *cpu, unsigned width, const uint8_t *source, uint8_t *target,
                         uint64_t count)
{
    static void (*const rep[2][4])(const uint8_t *, uint8_t *, uint64_t) = {
        { movsb_up, movsw_up, movsl_up, movsq_up },
        { movsb_down, movsw_down, movsl_down, movsq_down },
    };

    rep[(cpu->rflags & FLAG_DF) != 0][width_index(width)](source, target, count);
    return count;
}

static uint64_t stos_run(Cpu *cpu, unsigned width, const uint8_t *source, uint8_t *target,
                         uint64_t count)
{
    uint64_t left = count, value = cpu->gpr[RAX];

    (void)source;
    if (cpu->rflags & FLAG_DF) {
        target -= (count - 1) * width; /* the order of equal stores does not show */
    }
    switch (width) {
    case 1:
        __asm__ volatile("rep stosb" : "+D"(target), "+c"(left) : "a"(value) : "memory");
        break;
    case 2:
        __asm__ volatile("rep stosw" : "+D"(target), "+c"(left) : "a"(value) : "memory");
        break;
    case 4:
        __asm__ volatile("rep stosl" : "+D"(target), "+c"(left) : "a"(value) : "memory");
        break;
    default:
        __asm__ volatile("rep stosq" : "+D"(target), "+c"(left) : "a"(value) : "memory");
        break;
    }
    return count;
}

static uint64_t element(const uint8_t *host, unsigned width)
{
    uint64_t value = 0;

    switch (width) {
    case 1:
        return *host;
    case 2:
        __builtin_memcpy(&value, host, 2);
        break;
    case 4:
        __builtin_memcpy(&value, host, 4);
        break;
    default:
        __builtin_memcpy(&value, host, 8);
        break;
    }
    return value;
}

/* Only the last element is seen. */
static uint64_t lods_run(Cpu *cpu, unsigned width, const uint8_t *source, uint8_t *target,
                         uint64_t count)
{
    uint64_t bytes = (count - 1) * width;

    (void)target;
    gpr_write(cpu, RAX, width,
              element(cpu->rflags & FLAG_DF ? source - bytes : source + bytes, width));
    return count;
}

/* The host's own string instruction, upwards; returns how many of `count` elements were looked at.
 */
#define HOST_SCAN(prefix, insn)                                                                    \
    __asm__(prefix " " insn : "+c"(left), "+D"(target), "+S"(source) : "a"(value) : "cc", "memory")
#define HOST_SCAN_WIDTHS(prefix, insn)                                                             \
    switch (width) {                                                                               \
    case 1:                                                                                        \
        HOST_SCAN(prefix, insn "b");                                                               \
        break;                                                                                     \
    case 2:                                                                                        \
        HOST_SCAN(prefix, insn "w");                                                               \
        break;                                                                                     \
    case 4:                                                                                        \
        HOST_SCAN(prefix, insn "l");                                                               \
        break;                                                                                     \
    default:                                                                                       \
        HOST_SCAN(prefix, insn "q");                                                               \
        break;                                                                                     \
    }

static uint64_t cmps_up(unsigned width, const uint8_t *source, const uint8_t *target,
                        uint64_t count, bool equal)
{
    uint64_t left = count, value = 0;

    if (equal) {
        HOST_SCAN_WIDTHS("repe", "cmps")
    } else {
        HOST_SCAN_WIDTHS("repne", "cmps")
    }
    return count - left;
}

static uint64_t scas_up(unsigned width, uint64_t value, const uint8_t *target, uint64_t count,
                        bool equal)
{
    const uint8_t *source = target;
    uint64_t left = count;

    if (equal) {
        HOST_SCAN_WIDTHS("repe", "scas")
    } else {
        HOST_SCAN_WIDTHS("repne", "scas")
    }
    return count - left;
}

static uint64_t cmps_run_while(Cpu *cpu, unsigned width, const uint8_t *source, uint8_t *target,
                               uint64_t count, bool equal)
{
    uint64_t done = 0, a, b;

    if (!(cpu->rflags & FLAG_DF)) {
        done = cmps_up(width, source, target, count, equal);
        a = element(source + (done - 1) * width, width);
        b = element(target + (done - 1) * width, width);
    } else {
        do {
            a = element(source, width);
            b = element(target, width);
            source -= width;
            target -= width;
            done++;
        } while (done < count && (a == b) == equal);
    }
    compare(cpu, width, a, b);
    return done;
}

static uint64_t scas_run_while(Cpu *cpu, unsigned width, uint8_t *target, uint64_t count,
                               bool equal)
{
    uint64_t done = 0, a = gpr_read(cpu, RAX, width), b;

    if (!(cpu->rflags & FLAG_DF)) {
        done = scas_up(width, a, target, count, equal);
        b = element(target + (done - 1) * width, width);
    } else {
        do {
            b = element(target, width);
            target -= width;
            done++;
        } while (done < count && (a == b) == equal);
    }
    compare(cpu, width, a, b);
    return done;
}

static uint64_t cmpse_run(Cpu *cpu, unsigned width, const uint8_t *source, uint8_t *target,
                          uint64_t count)
{
    return cmps_run_while(cpu, width, source, target, count, true);
}

static uint64_t cmpsne_run(Cpu *cpu, unsigned width, const uint8_t *source, uint8_t *target,
                           uint64_t count)
{
    return cmps_run_while(cpu, width, source, target, count, false);
}

static uint64_t scase_run(Cpu *cpu, unsigned width, const uint8_t *source, uint8_t *target,
                          uint64_t count)
{
    (void)source;
    return scas_run_while(cpu, width, target, count, true);
}

static uint64_t scasne_run(Cpu *cpu, unsigned width, const uint8_t *source, uint8_t *target,
                           uint64_t count)
{
    (void)source;
    return scas_run_while(cpu, width, target, count, false);
}

/* ---- The extent of a run ---- */

/* How many of `count` elements from `offset` on do not wrap the address and stay in the page that
 * holds linear address `linear`. */
static uint64_t run_length(const Cpu *cpu, const Insn *insn, uint64_t offset, uint64_t linear,
                           uint64_t count)
{
    unsigned width = insn->op_width, place = linear & (PAGE_SIZE - 1);
    uint64_t room, wrap;

    if (place + width > PAGE_SIZE) {
        return 0;
    }
    if (cpu->rflags & FLAG_DF) {
        room = place / width + 1;
        wrap = offset / width + 1;
    } else {
        room = (PAGE_SIZE - place) / width;
        wrap = (width_mask(insn->address_width) - offset) / width; /* one too few at the very end */
    }
    room = room < wrap ? room : wrap;
    return room < count ? room : count;
}

/* The host address of the first element where `*count` elements, reduced to what fits, can be
 * accessed at once; NULL: one at a time, then. */
static uint8_t *run_host(Cpu *cpu, const Insn *insn, SegmentName segment, Gpr reg, Access access,
                         uint64_t *count)
{
    uint64_t offset = gpr_read(cpu, reg, insn->address_width), linear, back = 0;
    unsigned width = insn->op_width;
    uint8_t *host;
    bool fault;

    if (!segment_linear_quick(cpu, segment, offset, width, access, &linear)) {
        return NULL;
    }
    *count = run_length(cpu, insn, offset, linear, *count);
    if (*count < 2) {
        return NULL;
    }
    if (cpu->rflags & FLAG_DF) {
        back = (*count - 1) * width;
    }
    if (!segment_linear_quick(cpu, segment, offset - back, (unsigned)(*count * width), access,
                              &linear)) {
        return NULL;
    }
    host = mmu_host(cpu, linear, (unsigned)(*count * width), access, &fault);
    return host == NULL ? NULL : host + back;
}

/* `target`: of the first element. */
static void run_written(Cpu *cpu, const Insn *insn, const uint8_t *target, uint64_t count)
{
    uint64_t back = cpu->rflags & FLAG_DF ? (count - 1) * insn->op_width : 0;

    mmu_host_written(cpu, target - back, (unsigned)(count * insn->op_width));
}

/* Elements done in one run; 0: none could be. */
static uint64_t string_run(Cpu *cpu, const Insn *insn, const StringOp *op, uint64_t count)
{
    uint8_t *source = NULL, *target = NULL;
    if (cpu->mode & (MODE_TF | MODE_DEBUG | MODE_ALIGN)) {
        return 0;
    }
    if (op->source) {
        source = run_host(cpu, insn, (SegmentName)insn->mem.segment, RSI, ACCESS_READ, &count);
        if (source == NULL) {
            return 0;
        }
    }
    if (op->target) {
        target = run_host(cpu, insn, ES, RDI, op->target_access, &count);
        if (target == NULL) {
            return 0;
        }
    }
    count = op->run(cpu, insn->op_width, source, target, count);
    if (op->target && op->target_access == ACCESS_WRITE) {
        run_written(cpu, insn, target, count);
    }
    if (op->source) {
        pointer_advance(cpu, insn, RSI, count);
    }
    if (op->target) {
        pointer_advance(cpu, insn, RDI, count);
    }
    return count;
}

/* ---- Instructions ---- */

static bool string_ends(const Cpu *cpu, const Insn *insn, const StringOp *op)
{
    bool equal = cpu->rflags & FLAG_ZF;

    return op->compares && equal != repeats_equal(insn);
}

Step repeat_none(Cpu *cpu, const Insn *insn)
{
    if ((cpu->mode & MODE_CS64) && insn->address_width == 4 && host_trait(cpu, HOST_REPEAT_NONE)) {
        cpu->gpr[RCX] = 0;
    }
    return STEP_NEXT;
}

/* Is anything to be let in between two iterations? */
static bool string_interrupted(const Cpu *cpu)
{
    return (cpu->mode & MODE_TF) || ((cpu->mode & MODE_DEBUG) && debug_pending(cpu) != 0) ||
           cpu_request_heeded(cpu) != 0;
}

/* Some CPUs take the flags back to what they were before the instruction (SDM vol. 2, REP). One
 * that has been interrupted begins anew. */
static Step string_fault(Cpu *cpu, const StringOp *op, uint64_t rflags)
{
    if (op->compares && host_trait(cpu, HOST_REPEAT_FLAGS)) {
        cpu->rflags = (cpu->rflags & ~(uint64_t)FLAGS_ARITH) | (rflags & FLAGS_ARITH);
    }
    return STEP_FAULT;
}

static Step string_repeat(Cpu *cpu, const Insn *insn, const StringOp *op)
{
    uint64_t rflags = cpu->rflags;

    for (unsigned i = 0; i < RUNS || op->compares; i++) {
        uint64_t count = gpr_read(cpu, RCX, insn->address_width), done;

        if (count == 0) {
            return repeat_none(cpu, insn);
        }
        done = count > 1 ? string_run(cpu, insn, op, count) : 0;
        if (done == 0) {
            if (!op->one(cpu, insn)) {
                return string_fault(cpu, op, rflags);
            }
            done = 1;
        }
        gpr_write(cpu, RCX, insn->address_width, count - done);
        if (count == done || string_ends(cpu, insn, op)) {
            return STEP_NEXT;
        }
        if (string_interrupted(cpu)) {
            break;
        }
    }
    return step_again(cpu);
}

static Step string_exec(Cpu *cpu, const Insn *insn, const StringOp *op)
{
    if (repeats(insn)) {
        return string_repeat(cpu, insn, op);
    }
    return op->one(cpu, insn) ? STEP_NEXT : STEP_FAULT;
}

Step exec_movs(Cpu *cpu, const Insn *insn)
{
    static const StringOp movs = { .source = true,
                                   .target = true,
                                   .target_access = ACCESS_WRITE,
                                   .one = movs_one,
                                   .run = movs_run };

    return string_exec(cpu, insn, &movs);
}

Step exec_stos(Cpu *cpu, const Insn *insn)
{
    static const StringOp stos = {
        .target = true, .target_access = ACCESS_WRITE, .one = stos_one, .run = stos_run
    };

    return string_exec(cpu, insn, &stos);
}

Step exec_lods(Cpu *cpu, const Insn *insn)
{
    static const StringOp lods = { .source = true, .one = lods_one, .run = lods_run };

    return string_exec(cpu, insn, &lods);
}

/* Indexed by whether REPE stands before it. */
Step exec_cmps(Cpu *cpu, const Insn *insn)
{
    static const StringOp cmps[2] = {
        { true, true, ACCESS_READ, true, cmps_one, cmpsne_run },
        { true, true, ACCESS_READ, true, cmps_one, cmpse_run },
    };

    return string_exec(cpu, insn, &cmps[repeats_equal(insn)]);
}

Step exec_scas(Cpu *cpu, const Insn *insn)
{
    static const StringOp scas[2] = {
        { false, true, ACCESS_READ, true, scas_one, scasne_run },
        { false, true, ACCESS_READ, true, scas_one, scase_run },
    };

    return string_exec(cpu, insn, &scas[repeats_equal(insn)]);
}

/* ---- Mnemonics that scalar SSE instructions share ---- */

Step exec_vector(Cpu *cpu, const Insn *insn); /* vector.c */

Step exec_movsd(Cpu *cpu, const Insn *insn)
{
    return insn->map == 0 ? exec_movs(cpu, insn) : exec_vector(cpu, insn);
}

Step exec_cmpsd(Cpu *cpu, const Insn *insn)
{
    return insn->map == 0 ? exec_cmps(cpu, insn) : exec_vector(cpu, insn);
}
