/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host.c - doppel-check host: the CPU's name, and what it has answered to the software CPU. */
#include "check/host.h"
#include <cpuid.h>
#include <stdio.h>
#include <string.h>
#include "check/check.h"
#include "runtime/software_cpu/host_traits.h"

char *host_cpu_text(void)
{
    char vendor[13] = { 0 }, brand[49] = { 0 };
    uint32_t eax, ebx, ecx, edx, regs[3];
    unsigned family, model;

    __cpuid(0, eax, regs[0], regs[2], regs[1]);
    memcpy(vendor, regs, 12);
    __cpuid(1, eax, ebx, ecx, edx);
    family = eax >> 8 & 0xf;
    model = (eax >> 4 & 0xf) | (eax >> 12 & 0xf0);
    family += family == 0xf ? eax >> 20 & 0xff : 0;
    for (unsigned i = 0; i < 3 && __get_cpuid_max(0x80000000, NULL) >= 0x80000004; i++) {
        uint32_t words[4];

        __cpuid(0x80000002 + i, words[0], words[1], words[2], words[3]);
        memcpy(brand + 16 * i, words, 16);
    }
    return g_strdup_printf("%s family %u model %u stepping %u, %s", vendor, family, model,
                           eax & 0xf, g_strstrip(brand));
}

static void print_bytes(const char *name, const uint16_t table[HOST_TEN_BYTES])
{
    for (unsigned k = 1; k < HOST_TEN_BYTES; k++) {
        if (table[k] != 0) {
            printf("  %s with %u bytes in front of an absent page: writes those of mask %x\n", name,
                   k, table[k]);
        }
    }
}

int host_command(int argc, char **argv, GError **error)
{
    g_autofree char *text = host_cpu_text();
    HostTraits *traits;

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        printf("usage: doppel-check host\n");
        return CHECK_AGREES;
    }
    if (argc > 1) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_USAGE, "'%s': there are no options", argv[1]);
        return CHECK_FAILED;
    }
    traits = host_traits_new();
    printf("%s\n", text);
    for (unsigned i = 0; i < HOST_TRAITS; i++) {
        printf("  %s: %s\n", host_trait_about((HostTrait)i),
               host_trait_value_name((HostTrait)i, traits->value[i]));
    }
    print_bytes("FBSTP", traits->fbstp);
    print_bytes("FSTP of ten bytes", traits->fstp);
    printf("  32-bit code, for decimal adjustment: %s\n",
           traits->code32 != NULL ? "runs" : "the kernel gives no segment for it");
    host_traits_free(traits);
    return CHECK_AGREES;
}
