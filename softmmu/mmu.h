/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTMMU_MMU_H
#define SOFTMMU_MMU_H
/* mmu.h - guest linear addresses, as the software CPU and the engine use them.
 *
 * Every access goes through the shadow TLB (cpu.h); a miss walks the guest's page tables, sets
 * accessed and dirty bits, checks rights, and fills.  All functions that may fault return false
 * with cpu->fault set (#PF with error code and address, SDM vol. 3 chapter 4).  Addresses have
 * passed the segment checks: non-canonical ones do not come here.
 *
 * Compiled with -mgeneral-regs-only; MMIO parks the vector state before a device is called.
 */
#include "runtime/cpu/cpu.h"
#include "softmmu/physmap.h"

typedef struct SoftMmu SoftMmu; /* one a vCPU: the TLB banks and what C knows of each entry */

enum { MMU_PHYS_BITS = 40 }; /* MAXPHYADDR unless set: higher address bits in tables are reserved */

SoftMmu *soft_mmu_new(Cpu *cpu, PhysMap *map); /* sets cpu->mmu and cpu->tlb; borrows both */
void soft_mmu_free(SoftMmu *mmu);
PhysMap *soft_mmu_map(SoftMmu *mmu);
/* 32 to 52; what CPUID leaf 0x80000008 tells the guest. */
void soft_mmu_set_phys_bits(SoftMmu *mmu, unsigned phys_bits);

/* ---- Access with the rights of cpu->context; width 1 to 64, any alignment, may cross pages ----
 */

bool mmu_read_slow(Cpu *cpu, uint64_t gva, void *value, unsigned width);
bool mmu_write_slow(Cpu *cpu, uint64_t gva, const void *value, unsigned width);

/* Guest data at any alignment. */
typedef uint16_t __attribute__((aligned(1), may_alias)) GuestU16;
typedef uint32_t __attribute__((aligned(1), may_alias)) GuestU32;
typedef uint64_t __attribute__((aligned(1), may_alias)) GuestU64;

/* Host address for an access that lies in one page of plain RAM and is in the TLB; else NULL. */
static inline uint8_t *mmu_hit(const Cpu *cpu, uint64_t gva, unsigned width, Access access)
{
    const TlbEntry *entry = (const TlbEntry *)((const uint8_t *)cpu->tlb->set[cpu->context] +
                                               ((gva >> TLB_INDEX_SHIFT) & TLB_INDEX_MASK));
    uint64_t offset = gva ^ entry->tag[access];

    return offset <= PAGE_SIZE - width ? entry->host + offset : NULL;
}

/* `width` 1, 2, 4 or 8 at a host address; the value is zero-extended. */
static inline uint64_t guest_load(const uint8_t *host, unsigned width)
{
    switch (width) {
    case 1:
        return *host;
    case 2:
        return *(const volatile GuestU16 *)host;
    case 4:
        return *(const volatile GuestU32 *)host;
    default:
        return *(const volatile GuestU64 *)host;
    }
}

static inline void guest_store(uint8_t *host, unsigned width, uint64_t value)
{
    switch (width) {
    case 1:
        *host = (uint8_t)value;
        break;
    case 2:
        *(volatile GuestU16 *)host = (uint16_t)value;
        break;
    case 4:
        *(volatile GuestU32 *)host = (uint32_t)value;
        break;
    default:
        *(volatile GuestU64 *)host = value;
        break;
    }
}

/* `width` 1, 2, 4 or 8 here; the value is zero-extended. */
static inline bool mmu_read(Cpu *cpu, uint64_t gva, unsigned width, uint64_t *value)
{
    const uint8_t *host = mmu_hit(cpu, gva, width, ACCESS_READ);

    if (host == NULL) {
        *value = 0;
        return mmu_read_slow(cpu, gva, value, width);
    }
    *value = guest_load(host, width);
    return true;
}

static inline bool mmu_write(Cpu *cpu, uint64_t gva, unsigned width, uint64_t value)
{
    uint8_t *host = mmu_hit(cpu, gva, width, ACCESS_WRITE);

    if (host == NULL) {
        return mmu_write_slow(cpu, gva, &value, width);
    }
    guest_store(host, width, value);
    return true;
}

/* Proves that all of the range can be accessed so, walking as needed; changes no memory but A/D
 * bits. After a successful probe the same access does not fault. Width up to 4096. */
bool mmu_probe(Cpu *cpu, uint64_t gva, unsigned width, Access access);

/* Host address of a range inside one page that is plain RAM, filling the TLB if need be. NULL with
 * *fault false: needs the slow functions (MMIO, ROM for writing, page crossing); NULL with *fault
 * true: cpu->fault is set. For
 * ACCESS_WRITE the caller calls mmu_host_written behind its writes (bulk strings). */
uint8_t *mmu_host(Cpu *cpu, uint64_t gva, unsigned width, Access access, bool *fault);
/* Bytes at the host address of a page of RAM have been written: tells who watches the page. */
void mmu_host_written(Cpu *cpu, const uint8_t *host, unsigned width);

/* Atomic compare-exchange of 1, 2, 4, 8 or 16 bytes: true and written if memory was *expected, else
 * *expected is what was found. Any address that mmu_probe(ACCESS_WRITE) accepted: crossing pages
 * and MMIO are done under the map's lock. */
bool mmu_cmpxchg(Cpu *cpu, uint64_t gva, unsigned width, void *expected, const void *desired);
/* The same for an instruction that has just read *expected and tries until it succeeds: a device's
 * register is not compared, but written. It may be another each time that it is read (a counter),
 * or change because it is read. */
bool mmu_update(Cpu *cpu, uint64_t gva, unsigned width, void *expected, const void *desired);

/* ---- Accesses of the CPU itself with supervisor rights, whatever CPL says: descriptor tables,
 * TSS, interrupt frames on inner stacks. ---- */
bool mmu_system_read(Cpu *cpu, uint64_t gva, void *value, unsigned width);
bool mmu_system_write(Cpu *cpu, uint64_t gva, const void *value, unsigned width);
/* Access with the rights of a given context: pushing to another privilege's stack. */
bool mmu_context_write(Cpu *cpu, MmuContext context, uint64_t gva, const void *value,
                       unsigned width);
bool mmu_context_probe(Cpu *cpu, MmuContext context, uint64_t gva, unsigned width, Access access);

/* ---- Fetch ---- */

/* Host address of the code byte at `gva` and its guest physical address; *left is the number of
 * bytes to the page's end. NULL: fault recorded, or (with *left nonzero) code outside RAM: read it
 * with mmu_fetch_bytes. */
const uint8_t *mmu_fetch(Cpu *cpu, uint64_t gva, uint64_t *gpa, unsigned *left);
bool mmu_fetch_bytes(Cpu *cpu, uint64_t gva, uint8_t *bytes, unsigned n);

/* ---- For the translator ---- */

/* The page of code at `gva`, translated as a fetch: its place in RAM and its first byte's host
 * address. false with *ram_offset UINT64_MAX: not RAM (*host is NULL unless ROM); false otherwise:
 * fault recorded. */
bool mmu_code_page(Cpu *cpu, uint64_t gva, uint64_t *ram_offset, const uint8_t **host);
/* Brings the page of an access of the kind `own`, which is about to be made, into the TLB; true if
 * translated code finds the `width` bytes there now for an access of the kind `access`. */
bool mmu_fill(Cpu *cpu, uint64_t gva, unsigned width, Access own, Access access);
/* A page has become watched: removes its write entries from every bank of this CPU's TLB. On the
 * CPU's thread, or while it does not run. */
void mmu_drop_write_entries(Cpu *cpu, uint64_t ram_offset);
/* Has it got any, or may get one by what it is doing now? Any thread, after the page was marked. */
bool mmu_may_write(const Cpu *cpu, uint64_t ram_offset);
/* Other CPUs use the same memory while this one runs. Before it does. */
void mmu_share(Cpu *cpu);

/* Where the page tables map `gva` to, whatever the rights; changes nothing. For dumps. */
bool mmu_translate_debug(Cpu *cpu, uint64_t gva, uint64_t *gpa);

/* ---- The host-mapped window (window.h), for user code ---- */

/* false: the host's address space cannot be had. `cpus` share the mappings that a process may have.
 */
bool mmu_window_open(Cpu *cpu, unsigned cpus);

typedef enum WindowEntry {
    WINDOW_ENTERED,
    WINDOW_DENIED,   /* there is no chunk for the address: a pause, or all are in use */
    WINDOW_THRASHES, /* entered, but the slot goes to and fro between chunks all the time */
} WindowEntry;

/* Lets translated code know the chunk of `gva` by a slot of Cpu.jit_window. */
WindowEntry mmu_window_enter(Cpu *cpu, uint64_t gva, unsigned slot);

typedef enum WindowFault {
    WINDOW_NOT_THERE,   /* the address is in no window */
    WINDOW_MAPPED,      /* the access can be made now */
    WINDOW_GUEST_FAULT, /* the guest's tables do not allow it */
    WINDOW_REFUSED,     /* the page cannot be mapped so: the software CPU makes the access */
    WINDOW_NO_CREDIT,   /* nothing is mapped in a pause: the software CPU makes it, too */
} WindowFault;

/* A host fault at `host`, from translated user code; called in the signal handler. */
WindowFault mmu_window_fault(Cpu *cpu, const void *host, Access access);
/* Translated code has run for 4 ms: earns credits, brings a pause nearer to its end. May come in at
 * any time. false: the pause lasts. */
bool mmu_window_tick(Cpu *cpu);

/* ---- Flushes: what the architecture's operations do ---- */

void mmu_flush_all(Cpu *cpu);                /* everything, global entries too, all PCIDs */
void mmu_flush_nonglobal(Cpu *cpu);          /* all PCIDs, global entries stay */
void mmu_flush_page(Cpu *cpu, uint64_t gva); /* INVLPG: current PCID and global entries */
void mmu_cr3_write(Cpu *cpu, bool keep);     /* after cpu->cr3 changed; keep: bit 63 with PCIDE */
/* INVPCID (types 0 to 3); operands checked by the caller. */
void mmu_invpcid(Cpu *cpu, unsigned type, uint16_t pcid, uint64_t gva);
/* After CR0.PG/WP, CR4.PAE/PSE/PGE/SMEP/SMAP/PCIDE, EFER.NXE/LMA, A20 or SMM changed. */
void mmu_mode_changed(Cpu *cpu);

/* PAE outside long mode: loads the four PDPTEs at CR3; false: reserved bits set, #GP. */
bool mmu_load_pdptes(Cpu *cpu);
/* The four loaded PDPTEs, part of the state that a snapshot saves. */
uint64_t *mmu_pdptes(Cpu *cpu);

/* Calls are counted for -accel dbt,stats: fills and flushes since creation. */
typedef struct MmuStats {
    uint64_t fills, victim_hits, flushes, page_flushes, bank_switches, walks;
    /* Of the window: chunks given to translated code, or not; pages mapped, by so many calls, and
     * taken away again; faults that were the guest's, or had to be left to the software CPU. */
    uint64_t window_enters, window_denials;
    uint64_t window_pages, window_maps, window_drops, window_guest_faults, window_refusals;
} MmuStats;
const MmuStats *mmu_stats(const SoftMmu *mmu);

#endif
