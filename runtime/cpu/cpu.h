/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_CPU_CPU_H
#define RUNTIME_CPU_CPU_H
/* cpu.h - the architectural state of one virtual CPU, and the layout that translated code relies
 * on.
 *
 * Everything an instruction can read or change is here or in guest memory.  The software CPU, the
 * soft MMU and translated code all work on this one structure; a process may hold any number of
 * them.  Names follow the Intel SDM.
 *
 * Threads: one vCPU thread owns a Cpu.  Other threads may only set bits in `request` (atomically,
 * with cpu_request_set) and then wake the owner.
 *
 * Vector state: x87, MMX, SSE and AVX registers of the guest are kept in the host's own registers
 * while guest code runs.  Code that runs in that time (software CPU, soft MMU, interrupt delivery,
 * engine hot paths) is compiled with -mgeneral-regs-only and must call nothing that is not, unless
 * it calls cpu_vector_park first.  Who needs them then loads them: translated code that has no
 * vector instructions runs with them parked.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Cpu Cpu;

/* General registers in encoding order. */
typedef enum Gpr {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15
} Gpr;

/* Segment registers in encoding order, then the two system segments. */
typedef enum SegmentName { ES, CS, SS, DS, FS, GS, LDTR, TR, SEGMENTS } SegmentName;

/* Access rights of a segment, in the form of SDM vol. 3 table 25-2 (bits 8 to 23 of the second
 * descriptor word, shifted down by 8; bits 8 to 11 are the limit's and are zero here). */
enum {
    ATTR_TYPE = 0x000f,
    ATTR_ACCESSED = 0x0001,
    ATTR_RW = 0x0002, /* data: writable; code: readable */
    ATTR_DC = 0x0004, /* data: expand down; code: conforming */
    ATTR_CODE = 0x0008,
    ATTR_S = 0x0010, /* code or data; clear: system */
    ATTR_DPL = 0x0060,
    ATTR_DPL_SHIFT = 5,
    ATTR_P = 0x0080,
    ATTR_AVL = 0x1000,
    ATTR_L = 0x2000,
    ATTR_DB = 0x4000,
    ATTR_G = 0x8000,
};

typedef struct Segment {
    uint64_t base;
    uint32_t limit; /* in bytes, granularity applied: offset of the last byte */
    uint16_t selector;
    uint16_t attr; /* ATTR_*; ATTR_P clear in a data segment register: a null selector was loaded */
} Segment;

typedef struct TableRegister { /* GDTR, IDTR */
    uint64_t base;
    uint16_t limit;
} TableRegister;

enum { /* RFLAGS */
       FLAG_CF = 1u << 0,
       FLAG_1 = 1u << 1, /* always one */
       FLAG_PF = 1u << 2,
       FLAG_AF = 1u << 4,
       FLAG_ZF = 1u << 6,
       FLAG_SF = 1u << 7,
       FLAG_TF = 1u << 8,
       FLAG_IF = 1u << 9,
       FLAG_DF = 1u << 10,
       FLAG_OF = 1u << 11,
       FLAG_IOPL = 3u << 12,
       FLAG_IOPL_SHIFT = 12,
       FLAG_NT = 1u << 14,
       FLAG_RF = 1u << 16,
       FLAG_VM = 1u << 17,
       FLAG_AC = 1u << 18,
       FLAG_VIF = 1u << 19,
       FLAG_VIP = 1u << 20,
       FLAG_ID = 1u << 21,
       FLAGS_ARITH = FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF,
};

#define CR0_PE (1u << 0)
#define CR0_MP (1u << 1)
#define CR0_EM (1u << 2)
#define CR0_TS (1u << 3)
#define CR0_ET (1u << 4)
#define CR0_NE (1u << 5)
#define CR0_WP (1u << 16)
#define CR0_AM (1u << 18)
#define CR0_NW (1u << 29)
#define CR0_CD (1u << 30)
#define CR0_PG (1u << 31)

#define CR4_VME        (1u << 0)
#define CR4_PVI        (1u << 1)
#define CR4_TSD        (1u << 2)
#define CR4_DE         (1u << 3)
#define CR4_PSE        (1u << 4)
#define CR4_PAE        (1u << 5)
#define CR4_MCE        (1u << 6)
#define CR4_PGE        (1u << 7)
#define CR4_PCE        (1u << 8)
#define CR4_OSFXSR     (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_UMIP       (1u << 11)
#define CR4_FSGSBASE   (1u << 16)
#define CR4_PCIDE      (1u << 17)
#define CR4_OSXSAVE    (1u << 18)
#define CR4_SMEP       (1u << 20)
#define CR4_SMAP       (1u << 21)

#define EFER_SCE   (1u << 0)
#define EFER_LME   (1u << 8)
#define EFER_LMA   (1u << 10)
#define EFER_NXE   (1u << 11)
#define EFER_FFXSR (1u << 14)

/* Cpu.shadow: what holds interrupts off. MOV SS holds debug traps off as well. */
enum { SHADOW_NONE, SHADOW_STI, SHADOW_MOV_SS };

typedef enum Vector {
    VECTOR_DE = 0,
    VECTOR_DB = 1,
    VECTOR_NMI = 2,
    VECTOR_BP = 3,
    VECTOR_OF = 4,
    VECTOR_BR = 5,
    VECTOR_UD = 6,
    VECTOR_NM = 7,
    VECTOR_DF = 8,
    VECTOR_TS = 10,
    VECTOR_NP = 11,
    VECTOR_SS = 12,
    VECTOR_GP = 13,
    VECTOR_PF = 14,
    VECTOR_MF = 16,
    VECTOR_AC = 17,
    VECTOR_MC = 18,
    VECTOR_XM = 19,
} Vector;

/* An exception that an instruction raised and the run loop has not delivered yet. */
typedef struct Fault {
    uint8_t vector;
    bool has_error;
    bool trap;        /* delivered after the instruction (rip already advanced): #DB traps, INT3 */
    uint32_t error;   /* error code, where has_error */
    uint64_t address; /* #PF: goes to CR2 on delivery */
    uint64_t dr6;     /* #DB: bits to set in DR6 on delivery */
} Fault;

/* The facts about the CPU that decoding and translation depend on, in one word: a translated block
 * is valid only under the mode it was made for.  cpu_mode_update derives it from the state. */
enum {
    MODE_CS32 = 1u << 0, /* default code size 32 (neither: 16) */
    MODE_CS64 = 1u << 1, /* 64-bit mode */
    MODE_SS32 =
        1u << 2,        /* 32-bit stack pointer (SS.B); in 64-bit mode always clear, RSP is whole */
    MODE_CPL = 3u << 3, /* current privilege level; in real mode 0, in virtual-8086 mode 3 */
    MODE_CPL_SHIFT = 3,
    MODE_PE = 1u << 5,       /* CR0.PE */
    MODE_VM = 1u << 6,       /* EFLAGS.VM */
    MODE_LMA = 1u << 7,      /* EFER.LMA */
    MODE_TF = 1u << 8,       /* single step */
    MODE_AC = 1u << 9,       /* CR4.SMAP, CPL < 3 and EFLAGS.AC: supervisor may touch user pages */
    MODE_FLAT_CS = 1u << 10, /* base 0 and limit 4 GiB (or 64-bit mode) */
    MODE_FLAT_SS = 1u << 11, /* as above, and writable, expand-up */
    MODE_FLAT_DS = 1u << 12,
    MODE_FLAT_ES = 1u << 13,
    MODE_NO_FPU = 1u << 14,  /* CR0.EM or CR0.TS: x87 instructions raise #NM */
    MODE_NO_SSE = 1u << 15,  /* CR0.EM or not CR4.OSFXSR (#UD), or CR0.TS (#NM) */
    MODE_NO_AVX = 1u << 16,  /* AVX not enabled in CR4 and XCR0, or CR0.TS */
    MODE_DEBUG = 1u << 17,   /* DR7 enables a breakpoint */
    MODE_PG = 1u << 18,      /* CR0.PG */
    MODE_IOPL_OK = 1u << 19, /* CPL <= IOPL: CLI, STI, IN, OUT allowed (CPL 0 in real mode) */
    MODE_OPEN_FS = 1u << 21, /* any base; limit 4 GiB, present, readable and writable data */
    MODE_OPEN_GS = 1u << 22,
    MODE_ALIGN = 1u << 20,  /* alignment checks: CR0.AM, EFLAGS.AC, CPL 3 */
    MODE_CODE16 = 1u << 23, /* 16-bit code in a segment of 64 KiB that can be read */
    /* Data segments of any base, present, expand-up, readable and writable, that are not flat (FS,
     * GS: not open). In protected mode they have any limit, otherwise 64 KiB or more. */
    MODE_DATA_ES = 1u << 24,
    MODE_DATA_SS = 1u << 25,
    MODE_DATA_DS = 1u << 26,
    MODE_DATA_FS = 1u << 27,
    MODE_DATA_GS = 1u << 28,
};

/* Reasons for the vCPU to leave guest code; bits of Cpu.request. */
enum {
    CPU_REQUEST_INTR = 1u << 0, /* an external interrupt is pending at PIC or local APIC */
    CPU_REQUEST_NMI = 1u << 1,
    CPU_REQUEST_SMI = 1u << 2,
    CPU_REQUEST_INIT = 1u << 3,
    CPU_REQUEST_SIPI = 1u << 4,  /* vector in sipi_vector */
    CPU_REQUEST_STOP = 1u << 5,  /* the machine wants the thread: pause, reset, quit */
    CPU_REQUEST_FLUSH = 1u << 6, /* the physical map changed: flush the whole TLB */
    CPU_REQUEST_CODE = 1u << 7,  /* another thread invalidated translations: synchronise */
    CPU_REQUEST_TIMER = 1u << 8, /* the thread is to run timers that are due: machine/alarm.h */
    CPU_REQUEST_TURN = 1u << 9,  /* to a thread that waits to run guest code: engine/turn.h */

    /* For whoever runs the CPU, in HLT too; the others wait until the CPU can take them. */
    CPU_REQUESTS_OF_MACHINE = CPU_REQUEST_STOP | CPU_REQUEST_FLUSH | CPU_REQUEST_CODE |
                              CPU_REQUEST_TIMER,
};

/* ---- The soft MMU's demand-filled TLB, as translated code sees it ----
 *
 * A bank is the TLB of one address space (PCID); `Cpu.tlb` points at the current one.  A bank has
 * one set for each context that differs in rights.  An entry is looked up by entry = set + ((gva >>
 * TLB_INDEX_SHIFT) & TLB_INDEX_MASK)      (byte offsets) and hits when (gva ^ tag[access]) <= 4096
 * - width: one compare that tells a wrong page and an access that crosses the page's end alike. The
 * host address is then (gva ^ tag[access]) + host. MMIO, watched pages and everything else that
 * needs C never match: their tag is tlb_tag_invalid. */
enum {
    PAGE_SHIFT = 12,
    PAGE_SIZE = 4096,
    TLB_ENTRIES = 8192, /* a set */
    TLB_ENTRY_SHIFT = 5,
    TLB_INDEX_SHIFT = PAGE_SHIFT - TLB_ENTRY_SHIFT,
    TLB_INDEX_MASK = (TLB_ENTRIES - 1) << TLB_ENTRY_SHIFT,
};

typedef enum Access { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH, ACCESSES } Access;

/* Whose rights an access has. MMU_KERNEL_AC: supervisor with SMAP suspended by EFLAGS.AC. */
typedef enum MmuContext { MMU_KERNEL, MMU_USER, MMU_KERNEL_AC, MMU_CONTEXTS } MmuContext;

typedef struct TlbEntry {
    uint64_t tag[ACCESSES]; /* page base of the gva, or tlb_tag_invalid(index) */
    uint8_t *host;          /* host address of the page's first byte */
} TlbEntry;
_Static_assert(sizeof(TlbEntry) == 1 << TLB_ENTRY_SHIFT, "translated code scales by this");

typedef struct TlbBank {
    TlbEntry set[MMU_CONTEXTS][TLB_ENTRIES];
} TlbBank;

/* A tag that no address which selects this index can match. */
static inline uint64_t tlb_tag_invalid(unsigned index)
{
    return (uint64_t)(index ^ 1) << PAGE_SHIFT;
}

/* ---- What the vCPU asks of the machine ----
 * All of these may run device code: the implementation parks the vector state and takes the device
 * lock.  Any may be called from the vCPU thread only. */
typedef struct CpuBus {
    uint32_t (*port_in)(Cpu *cpu, uint16_t port, unsigned width);
    void (*port_out)(Cpu *cpu, uint16_t port, unsigned width, uint32_t value);
    /* Acknowledges the pending interrupt: its vector, or -1 if it went away. */
    int (*interrupt_ack)(Cpu *cpu);
    /* Local APIC registers through IA32_APIC_BASE, x2APIC MSRs, TSC_DEADLINE; false: #GP. */
    bool (*apic_msr_read)(Cpu *cpu, uint32_t msr, uint64_t *value);
    bool (*apic_msr_write)(Cpu *cpu, uint32_t msr, uint64_t value);
    uint8_t (*tpr_read)(Cpu *cpu); /* CR8: task priority, 0 to 15 */
    void (*tpr_write)(Cpu *cpu, uint8_t value);
    void (*triple_fault)(Cpu *cpu); /* shutdown: the board resets or stops */
    void (*smm_changed)(Cpu *cpu, bool smm);
    /* An x87 error with CR0.NE clear: the FERR# pin, wired to IRQ 13 on a PC. */
    void (*ferr)(Cpu *cpu);
    /* Between the two no other CPU runs: for an access that is to be atomic as a whole. May be NULL
     * where only one CPU runs at a time. */
    void (*alone_begin)(Cpu *cpu);
    void (*alone_end)(Cpu *cpu);
    /* For whoever reads logs or follows the counter; either may be NULL. */
    void (*msr_refused)(Cpu *cpu, uint32_t msr, bool write, uint64_t value); /* #GP comes */
    void (*tsc_changed)(Cpu *cpu);    /* the guest has written TSC or TSC_ADJUST */
    uint64_t (*wall_clock)(Cpu *cpu); /* ns of the Unix epoch; may be NULL */
} CpuBus;

typedef struct CpuModel CpuModel;     /* CPUID: see runtime/software_cpu/cpuid.h */
typedef struct HostTraits HostTraits; /* see runtime/software_cpu/host_traits.h */
struct SoftMmu;                       /* see softmmu/mmu.h */
struct Engine;                        /* see runtime/engine/engine.h */
struct EngineCpu;

/* The last x87 instruction and its operand, as FNSTENV, FXSAVE and XSAVE store them: those in the
 * host's registers and in Cpu.xsave name host addresses. */
typedef struct X87Last {
    uint64_t ip, dp;
    uint16_t cs, ds;
    uint16_t op; /* 11 bits: low three of the first opcode byte, then ModRM */
} X87Last;

enum { XSAVE_SIZE = 4096 }; /* holds every standard-format component up to AVX-512 */

/* ---- Translated code's own part of the state ---- */

enum {
    IBTC_ENTRIES = 16384,
    IBTC_ENTRY_SHIFT = 4,
    IBTC_MASK = (IBTC_ENTRIES - 1) << IBTC_ENTRY_SHIFT,
    JIT_HOST_SLOTS = 8,
    JIT_PAGE_SLOTS = 6,
};

/* Indirect-branch cache of one address space and mode: where translated code for a guest address
 * begins. */
typedef struct IbtcEntry {
    uint64_t rip; /* one that belongs elsewhere: empty; 16-bit code: with CS's base in bits 32 up */
    const void *host; /* the block's indirect entry */
} IbtcEntry;
_Static_assert(sizeof(IbtcEntry) == 1 << IBTC_ENTRY_SHIFT, "translated code scales by this");

typedef struct IbtcBank {
    IbtcEntry entry[IBTC_ENTRIES];
} IbtcBank;

/* The one place of an address. Functions begin at multiples of 16, so the low bits alone would
 * crowd them into few places. */
static inline unsigned ibtc_place(uint64_t rip)
{
    return ((unsigned)(rip << IBTC_ENTRY_SHIFT ^ rip) & IBTC_MASK) >> IBTC_ENTRY_SHIFT;
}

/* What an empty place holds: nearly all are so in zeroed memory. */
static inline uint64_t ibtc_empty(unsigned place)
{
    return place == 0;
}

/* A page that an access of a loop was in last: as TlbEntry has it. */
typedef struct JitPage {
    uint64_t tag; /* or JIT_PAGE_NONE */
    uint64_t host;
} JitPage;

/* Tag and host address of no page: an access to the address that matches, which is not canonical,
 * faults on the host. */
#define JIT_PAGE_NONE 0x4000000000000000ull

/* 4 GiB of guest addresses that user code which runs hot reaches in the host's address space
 * (softmmu/window.h). Accesses share a slot if they are likely to go to the same chunk; 32-bit code
 * has one for itself. */
typedef struct JitWindow {
    uint32_t chunk;   /* gva >> 32, or JIT_WINDOW_NONE, which no canonical address has */
    int32_t patience; /* other chunks are reached by the TLB so often until C is asked */
    uint64_t delta;   /* host address - gva; JIT_WINDOW_NONE: JIT_PAGE_NONE, to fault as above */
} JitWindow;
enum { JIT_WINDOW_STACK, JIT_WINDOW_LOW, JIT_WINDOW_FREE, JIT_WINDOWS = 64 };
#define JIT_WINDOW_NONE 0x80000000u

/* Routines that translated code calls through the state (runtime/engine/stubs.S). */
typedef enum JitStub {
    JIT_STUB_CALLOUT,       /* one instruction on the software CPU; guest flags in host flags */
    JIT_STUB_CALLOUT_SAVED, /* the same with guest flags in Cpu.jit_flags */
    JIT_STUB_DISPATCH,      /* leave the block for another of its page; guest flags in host flags */
    JIT_STUB_LINK,          /* the same by a direct exit that may be chained */
    JIT_STUB_INDIRECT,      /* rip in R10 is not in the IBTC; guest flags in Cpu.jit_flags */
    JIT_STUB_FAR,           /* a far exit, by the IBTC if it can; guest flags in Cpu.jit_flags */
    JIT_STUB_FAR_LINK,      /* a far exit that is to be chained; guest flags in Cpu.jit_flags */
    JIT_STUB_FILL,   /* a check of linear address R10 has failed; guest flags in Cpu.jit_flags */
    JIT_STUB_WINDOW, /* linear address R10 is in another chunk; guest flags in Cpu.jit_flags */
    JIT_STUB_VECTOR, /* a block needs the vector state; guest flags in Cpu.jit_flags */
    JIT_STUBS,
} JitStub;

struct Cpu {
    /* Hot fields first: translated code, with the host's stack pointer at the start of this
     * structure, reaches the first 128 bytes with a one-byte displacement. */
    uint64_t code_base; /* rip that belongs to the first byte of the page that is executing */
    uint32_t jit_flags; /* saved arithmetic flags: AL = OF, AH = SF ZF AF PF CF as LAHF has them */
    uint32_t attention; /* nonzero: translated code must come back to C and look at request */
    const void *jit_stub[JIT_STUBS];
    uint64_t jit_ibtc; /* the IbtcBank's address */
    uint64_t jit_salt; /* names address space and mode in guards of exits: bits 48 to 63 */
    uint64_t jit_save; /* a register, for a few instructions */
    uint32_t request;  /* CPU_REQUEST_*: atomic; set with cpu_request_set */
    uint32_t mode;     /* MODE_* */
    uint64_t gpr[16];
    uint64_t rip;    /* offset in CS */
    uint64_t rflags; /* whole, FLAG_1 set, arithmetic flags included */
    TlbBank *tlb;
    uint64_t host_rsp; /* of the thread, while translated code runs */
    uint64_t host_gs;  /* the thread's GS base then: `tlb`, when it was looked at last */
    uint64_t wrgsbase; /* nonzero: the host's kernel lets us use the instruction */
    uint64_t jit_far;  /* far exits that went by the IBTC: some of them are chained anew */
    JitPage jit_page[JIT_PAGE_SLOTS];  /* of a block that loops, while it does */
    uint8_t *jit_host[JIT_HOST_SLOTS]; /* host addresses that a block uses more than once */
    JitWindow jit_window[JIT_WINDOWS];
    const void *jit_target; /* of a call, until its return address is pushed */
    /* jit_ibtc and jit_salt for the mode with the other MODE_AC: STAC and CLAC swap them. */
    uint64_t jit_ibtc_other, jit_salt_other;
    /* Names of what fetches are translated to: while they are equal, so are all translations; kept
     * by the soft MMU. `system_space` is of CPL 0 to 2 and outlives a switch of address spaces
     * while all their code lies in global pages. See cpu_code_space. */
    uint64_t space, system_space;
    uint32_t context; /* MmuContext of ordinary accesses */
    bool halted;      /* in HLT: waits for an interrupt */
    bool wait_sipi;   /* after INIT on an application processor */
    uint8_t shadow;   /* SHADOW_*: interrupts held off until after the next instruction */
    bool nmi_blocked; /* until IRET */
    bool smm;
    bool vector_live; /* guest vector state is in the host's registers, not in xsave */
    Fault fault;

    Segment seg[SEGMENTS];
    TableRegister gdtr, idtr;
    uint64_t cr0, cr2, cr3, cr4;
    uint64_t xcr0;
    uint64_t dr[8]; /* 4 and 5 unused */
    uint64_t efer;
    uint64_t star, lstar, cstar, fmask;
    uint64_t kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t tsc_offset;    /* guest TSC = host RDTSC + this */
    uint64_t tsc, pdpte[4]; /* for cpu_state.h alone */
    uint32_t events;        /* so is this */
    uint64_t tsc_aux;
    uint64_t tsc_adjust;
    uint64_t pat;
    uint64_t apic_base;
    uint64_t misc_enable;
    uint64_t pv_system_time, pv_wall_clock; /* KVM's MSRs of these names */
    uint64_t mtrr_def_type, mtrr_fixed[11], mtrr_base[8], mtrr_mask[8];
    uint64_t xss;
    uint64_t spec_ctrl;
    uint64_t debugctl;
    uint64_t mcg_status, mc_bank[16];
    uint64_t bios_sign_id; /* microcode revision, IA32_BIOS_SIGN_ID */
    uint64_t smbase;
    uint8_t sipi_vector;
    unsigned index;           /* 0: the bootstrap processor */
    uint32_t a20_mask;        /* ANDed to physical addresses below 4 GiB: ~0 or ~(1 << 20) */
    uint64_t monitor_address; /* MONITOR/MWAIT: armed linear address */
    bool monitor_waits;       /* while halted: in MWAIT, not in HLT */
    bool monitor_breaks;      /* an interrupt ends MWAIT even if it is not let in */

    const CpuModel *model;
    const HostTraits *traits; /* of the host; NULL: none are known */
    const CpuBus *bus;
    void *machine;                /* the bus's owner */
    struct SoftMmu *mmu;          /* owner of the banks */
    struct Engine *engine;        /* the translator's run-time state, NULL without it */
    struct EngineCpu *engine_cpu; /* and this CPU's part of it */
    struct DecodeCache *decode;   /* see runtime/software_cpu/decode_cache.h */
    uint64_t insns;               /* instructions that the software CPU has completed */

    uint32_t sleeping;   /* its thread is, or is about to be, in the futex on `request`; atomic */
    uint32_t host_mxcsr; /* the process's own, restored when parked */
    bool host_xinuse;    /* XGETBV tells which components are in use: cpu_vector.c */
    uint64_t xsave_mask; /* components that are saved and loaded */
    uint8_t xsave[XSAVE_SIZE]
        __attribute__((aligned(64))); /* standard format; valid unless vector_live */

    /* Where MONITOR's line is in the host, NULL: not armed, or no RAM; and what was there then. */
    const uint64_t *monitor_line;
    uint64_t monitor_seen[8];

    struct ThunkCache *thunks; /* see runtime/software_cpu/thunk.h */
    X87Last x87_last;
    /* A debugger outside of the guest: see cpu_debug.h. NULL: there is none. */
    const struct CpuDebug *debug;
    const struct CpuWatch *debug_watch; /* has been hit; NULL: none */
    bool ignne; /* the IGNNE# pin: with CR0.NE clear, x87 errors are ignored. Set by the board (port
                 * F0h), cleared when the error is */
};

/* ---- Small things that everybody needs ---- */

static inline unsigned cpu_cpl(const Cpu *cpu)
{
    return (cpu->mode & MODE_CPL) >> MODE_CPL_SHIFT;
}

/* Of 48 bits, as 64-bit mode requires it (SDM vol. 1 section 3.3.7.1). */
static inline bool address_canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

/* Names the translations of fetches at the current privilege. */
static inline uint64_t cpu_code_space(const Cpu *cpu)
{
    return (cpu->mode & MODE_CPL) == MODE_CPL ? cpu->space : cpu->system_space;
}

/* Records an exception for the run loop; the instruction returns STEP_FAULT next. */
static inline void cpu_fault(Cpu *cpu, Vector vector)
{
    cpu->fault = (Fault){ .vector = (uint8_t)vector };
}

static inline void cpu_fault_error(Cpu *cpu, Vector vector, uint32_t error)
{
    cpu->fault = (Fault){ .vector = (uint8_t)vector, .has_error = true, .error = error };
}

static inline void cpu_request_set(Cpu *cpu, uint32_t bits)
{
    __atomic_fetch_or(&cpu->request, bits, __ATOMIC_SEQ_CST);
    __atomic_store_n(&cpu->attention, 1, __ATOMIC_SEQ_CST);
}

/* What is requested but for events that wait: for STI, POPF, IRET or RSM. */
static inline uint32_t cpu_request_heeded(const Cpu *cpu)
{
    uint32_t request = __atomic_load_n(&cpu->request, __ATOMIC_SEQ_CST), waiting = 0;

    if (request == 0) {
        return 0;
    }
    waiting |= cpu->rflags & FLAG_IF ? 0 : CPU_REQUEST_INTR;
    waiting |= cpu->nmi_blocked ? CPU_REQUEST_NMI : 0;
    waiting |= cpu->smm ? CPU_REQUEST_SMI | CPU_REQUEST_INIT : 0;
    return request & ~waiting;
}

static inline void cpu_request_clear(Cpu *cpu, uint32_t bits)
{
    __atomic_fetch_and(&cpu->request, ~bits, __ATOMIC_SEQ_CST);
}

/* cpu_vector.c */
void cpu_vector_save(Cpu *cpu);
void cpu_vector_restore(Cpu *cpu);

/* Saves the guest's vector state and gives the host's C code a clean FPU; needed before anything
 * that is not compiled with -mgeneral-regs-only. */
static inline void cpu_vector_park(Cpu *cpu)
{
    if (cpu->vector_live) {
        cpu_vector_save(cpu);
        cpu->vector_live = false;
    }
}

/* Loads the guest's vector state into the host's registers. */
static inline void cpu_vector_load(Cpu *cpu)
{
    if (!cpu->vector_live) {
        cpu_vector_restore(cpu);
        cpu->vector_live = true;
    }
}

#endif
