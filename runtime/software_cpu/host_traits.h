/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_HOST_TRAITS_H
#define SOFTWARE_CPU_HOST_TRAITS_H
/* host_traits.h - what the host CPU does where the manuals leave it open and vendors differ.
 *
 * A guest gets what the host that it runs on does.  Most of that comes by itself, for results and
 * flags are made by the host's own instructions.  What a fault leaves behind, and which of two
 * comes first, does not: host_traits.def lists such behaviours, and each is found out by running
 * the instruction once, before the machine starts; no CPU is known by its name. */
#include <glib.h>
#include "runtime/cpu/cpu.h"

typedef enum HostTrait {
#define HOST_TRAIT(name, about, value0, value1, value2) HOST_##name,
#include "runtime/software_cpu/host_traits.def"
#undef HOST_TRAIT
    HOST_TRAITS
} HostTrait;

/* Values, where the row has names for more than two; otherwise false and true do. */
enum { HOST_WRAP_LIMIT, HOST_WRAP_FIRST, HOST_WRAP_ZERO };
enum { HOST_MMX_BEFORE, HOST_MMX_TOP, HOST_MMX_VALID };
enum { HOST_ALIGN_NEVER, HOST_ALIGN_SELECTED, HOST_ALIGN_ALWAYS };
enum { HOST_MASKED_ELEMENT, HOST_MASKED_FIRST, HOST_MASKED_LAST };

enum { HOST_TEN_BYTES = 10 };

struct HostTraits {
    uint8_t value[HOST_TRAITS];
    /* A store of ten bytes by FBSTP or FSTP, k of them in front of a page that faults: [k] has the
     * bits of those that are written all the same. */
    uint16_t fbstp[HOST_TEN_BYTES], fstp[HOST_TEN_BYTES];
    struct HostCode32 *code32; /* see host_code32.h; NULL: the host runs no 32-bit code */
};

/* Asks the host CPU: a fraction of a millisecond, with SIGSEGV, SIGBUS, SIGFPE and SIGILL of the
 * calling thread handled meanwhile.  What cannot be asked has value 0. */
HostTraits *host_traits_new(void);
void host_traits_free(HostTraits *traits);

const char *host_trait_about(HostTrait trait);
/* NULL: the trait has no such value. */
const char *host_trait_value_name(HostTrait trait, unsigned value);

/* Of the host that the CPU was told of: value 0 without. */
static inline unsigned host_trait(const Cpu *cpu, HostTrait trait)
{
    return cpu->traits != NULL ? cpu->traits->value[trait] : 0;
}

#endif
