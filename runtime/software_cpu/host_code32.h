/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_HOST_CODE32_H
#define SOFTWARE_CPU_HOST_CODE32_H
/* host_code32.h - 32-bit code for the host CPU to run: instructions that 64-bit mode has not.
 *
 * The code lies below 4 GiB and runs in a segment of the process's LDT.  It is entered by a far
 * jump and leaves by one; R12 to R15 and RSP, which it cannot name, keep their values, as they do
 * for every 32-bit program that a 64-bit one calls so. */
#include <stdbool.h>
#include <stdint.h>

typedef struct HostCode32 HostCode32;

/* Pieces of host_probe_code.S; each ends with a far jump to `back`. */
enum { CODE32_PUSH_SEGMENT, CODE32_LOAD, CODE32_POP, CODE32_PROBES };

/* Decimal adjustment: AAM and AAD with any base. */
typedef enum Decimal {
    DECIMAL_DAA,
    DECIMAL_DAS,
    DECIMAL_AAA,
    DECIMAL_AAS,
    DECIMAL_AAM,
    DECIMAL_AAD
} Decimal;

/* NULL: the kernel gives no such segment, or no memory. */
HostCode32 *host_code32_new(void);
void host_code32_free(HostCode32 *code);

/* Where a piece begins, for a far jump; it comes back to 64-bit code at *R13. */
uint32_t host_code32_piece(const HostCode32 *code, unsigned piece);
uint16_t host_code32_selector(const HostCode32 *code);

/* AX and the flags behind the instruction (flags as LAHF and SETO have them, see integer.h). AAM
 * with base 0 must not be asked for. Any thread may. */
uint16_t host_code32_decimal(const HostCode32 *code, Decimal decimal, uint8_t base, uint16_t ax,
                             uint64_t *flags);

#endif
