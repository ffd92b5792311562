/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_CPU_CPU_STATE_H
#define RUNTIME_CPU_CPU_STATE_H
/* cpu_state.h - the state of a vCPU as a table of fields: what snapshots and migration carry, and
 * where reports, dumps and replay files have their names from.
 *
 * All that an instruction can read or change is here, but what is derived from it: Cpu.mode and
 * Cpu.context, TLBs, translations.  Three fields are only right between cpu_state_save and
 * cpu_state_load, as their owners are elsewhere or in host's terms: `tsc`, `pdpte` and `events`.
 */
#include "runtime/cpu/cpu.h"

typedef enum CpuFieldType {
    CPU_FIELD_U8,
    CPU_FIELD_U16,
    CPU_FIELD_U32,
    CPU_FIELD_U64,
    CPU_FIELD_BOOL,
    CPU_FIELD_BYTES, /* `count` of them, without an order of their own */
} CpuFieldType;

typedef struct CpuField {
    const char *name;
    CpuFieldType type;
    uint32_t count; /* elements of an array, 1 otherwise */
    size_t offset;  /* in the Cpu */
} CpuField;

extern const CpuField cpu_fields[];
extern const unsigned cpu_fields_count;

extern const char *const cpu_gpr_names[16];           /* "rax" ..., in encoding order */
extern const char *const cpu_segment_names[SEGMENTS]; /* "es" ... "ldtr", "tr" */

/* NULL: there is none. */
const CpuField *cpu_field_find(const char *name);
/* The field that has the byte at this offset of a Cpu; NULL: none has. */
const CpuField *cpu_field_at(size_t offset);
unsigned cpu_field_width(const CpuField *field); /* bytes of an element */
/* Element `index`, zero-extended; not for CPU_FIELD_BYTES, whose elements are its bytes. */
uint64_t cpu_field_read(const Cpu *cpu, const CpuField *field, unsigned index);
void cpu_field_write(Cpu *cpu, const CpuField *field, unsigned index, uint64_t value);

/* Makes the table's fields right for a moment at which the host's time-stamp counter was
 * `host_tsc`, or takes them back into use as if it were that moment now. The CPU does not run. With
 * one moment for all CPUs of a machine their counters stay equal. What is derived from the state is
 * the caller's, as is what the soft MMU and the chips keep: see vcpu.h for the whole. */
void cpu_state_save(Cpu *cpu, uint64_t host_tsc);
void cpu_state_load(Cpu *cpu, uint64_t host_tsc);

#endif
