/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_VECTOR_INT_H
#define SOFTWARE_CPU_VECTOR_INT_H
/* vector_int.h - between the families that work on x87, MMX, SSE and AVX state. */
#include "runtime/software_cpu/thunk_int.h"

#define INSN(mnemonic, exec, lowering, written, read) Step exec_##exec(Cpu *cpu, const Insn *insn);
#include "translator/insns_vector.def"
#undef INSN

/* ---- vector.c ---- */

/* The checks that come before anything else: #UD, #NM, and for MMX a pending #MF. STEP_NEXT: go
 * on; otherwise the instruction ends so. */
Step vector_begin(Cpu *cpu, unsigned uses);

/* The general course: operand, thunk, results. After vector_begin. */
Step vector_execute(Cpu *cpu, const Insn *insn, const VectorPlan *plan);

/* vector_fault.c: the operand's memory has faulted, and cpu->fault says how; what the host leaves
 * behind then, or does in place of it.  `linear` is meaningful after a page fault. */
Step vector_fault(Cpu *cpu, const Insn *insn, const VectorPlan *plan, uint64_t linear);

/* Memory of more than 64 bytes. Writes have been probed. */
bool vector_memory_read(Cpu *cpu, uint64_t linear, void *to, unsigned n);
bool vector_memory_write(Cpu *cpu, uint64_t linear, const void *from, unsigned n);

/* Like operand_linear, with #GP(0) unless the address is a multiple of `align`. */
bool vector_linear_aligned(Cpu *cpu, const Insn *insn, unsigned width, unsigned align,
                           Access access, uint64_t *linear);

static inline void bytes_copy(void *to, const void *from, size_t n)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static inline void bytes_zero(void *to, size_t n)
{
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(0) : "memory");
}

/* ---- Registers as bytes: 16 or 32 of an XMM or YMM register (writing always sets 32: the rest is
 * zeroed, as VEX instructions do), 8 of an MMX register ---- */
void vector_get(Cpu *cpu, unsigned reg, unsigned width, uint8_t *to);
void vector_set(Cpu *cpu, unsigned reg, uint8_t from[32]);
void vector_get_mmx(Cpu *cpu, unsigned reg, uint8_t to[8]);

/* ---- x87.c ---- */

enum { X87_STATUS_ES = 0x0080, X87_STATUS_ERRORS = 0x80ff }; /* ES, B, SF and the six flags */

static inline uint16_t x87_status(void)
{
    uint16_t status;

    __asm__ volatile("fnstsw %0" : "=a"(status));
    return status;
}

/* Whether the store that has just run met an unmasked error that kept it from storing. */
bool x87_store_suppressed(void);

/* What a waiting instruction does about a pending error: STEP_NEXT if there is none, or if IGNNE#
 * lets it be ignored. Loads the vector state. */
Step x87_wait(Cpu *cpu);

/* Runs a thunk while a pending error is being ignored. */
bool x87_run_ignoring(Cpu *cpu, ThunkCode code, void *operand);

/* ---- fxsave.c: the legacy area that FXSAVE and XSAVE share; cpu->xsave is the host's ---- */

enum {
    MXCSR_DEFAULT = 0x1f80,
    MXCSR_MASK = 0xffff, /* all but the misaligned mode of AMD's */
    AREA_MXCSR = 24,
    AREA_ST = 32,
    AREA_ST_SIZE = 128,
    AREA_XMM = 160,
    AREA_LEGACY = 512,
    AREA_HEADER = 512,
    AREA_EXTENDED = 576,
    COMPONENT_X87 = 1,
    COMPONENT_SSE = 2,
    COMPONENT_AVX = 4,
};

/* Makes the state live and cpu->xsave a complete image of it: initial components are spelled out.
 */
void vector_snapshot(Cpu *cpu);
/* After changes to cpu->xsave: they become the live state. */
void vector_reload(Cpu *cpu);

/* The components that cpu->xsave holds in other than initial form (XSTATE_BV). */
static inline uint64_t *area_in_use(Cpu *cpu)
{
    return (uint64_t *)(void *)(cpu->xsave + AREA_HEADER);
}

static inline uint32_t area_mxcsr(const uint8_t *area)
{
    uint32_t mxcsr;

    __builtin_memcpy(&mxcsr, area + AREA_MXCSR, 4);
    return mxcsr;
}

/* XMM registers that the mode can name. */
static inline unsigned area_registers(const Cpu *cpu)
{
    return cpu->mode & MODE_CS64 ? 16 : 8;
}

/* The first 32 bytes as the guest sees them: its own pointers, 64 bits wide with REX.W. */
void area_header(Cpu *cpu, const Insn *insn, uint8_t header[32]);
/* x87 state and registers from the guest's image to cpu->xsave. */
void area_load_x87(Cpu *cpu, const Insn *insn, const uint8_t *image);
void area_load_xmm(Cpu *cpu, const uint8_t *image);
void area_load_mxcsr(Cpu *cpu, uint32_t mxcsr);

#endif
