/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_code32.c - the 32-bit code's memory and segment, and decimal adjustment by it. */
#include "runtime/software_cpu/host_code32.h"
#include <asm/ldt.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    LDT_ENTRY,
    LDT_CODE = LDT_ENTRY << 3 | 7,
    MODIFY_LDT_WRITE = 0x11,
    BASES = 256,
    PIECE_SIZE = 32,
    DECIMAL_SIZE = 16,
    DECIMALS = DECIMAL_AAM + 2 * BASES,
    AT_BACK = CODE32_PROBES * PIECE_SIZE,
    AT_DECIMAL = AT_BACK + PIECE_SIZE,
    SIZE = AT_DECIMAL + DECIMALS * DECIMAL_SIZE,
};

struct HostCode32 {
    uint8_t *code; /* below 4 GiB */
};

#define PIECE(name) extern const uint8_t probe32_##name[], probe32_##name##_end[]
PIECE(push_segment);
PIECE(load);
PIECE(pop);

/* ---- Making it ---- */

static bool segment_make(void)
{
    const struct user_desc flat = { .entry_number = LDT_ENTRY,
                                    .limit = 0xfffff,
                                    .seg_32bit = 1,
                                    .contents = MODIFY_LDT_CONTENTS_CODE,
                                    .limit_in_pages = 1,
                                    .useable = 1 };
    unsigned selector = LDT_CODE;
    bool valid;

    if (syscall(SYS_modify_ldt, MODIFY_LDT_WRITE, &flat, sizeof(flat)) != 0) {
        return false;
    }
    __asm__ volatile("lar %1, %%eax" : "=@ccz"(valid) : "r"(selector) : "eax");
    return valid; /* some kernels take the call and do nothing */
}

static uint16_t code_selector(void)
{
    uint16_t cs;

    __asm__("mov %%cs, %0" : "=r"(cs));
    return cs;
}

/* The instructions, and the far jump behind them. */
static void piece_put(uint8_t *image, uint32_t base, unsigned at, const uint8_t *code, size_t size)
{
    const uint32_t back = base + AT_BACK;
    const uint16_t cs = code_selector();
    uint8_t *to = image + at;

    memcpy(to, code, size);
    to += size;
    *to++ = 0xea;
    memcpy(to, &back, sizeof(back));
    memcpy(to + sizeof(back), &cs, sizeof(cs));
}

static unsigned decimal_place(Decimal decimal, unsigned base)
{
    unsigned number = decimal < DECIMAL_AAM    ? decimal
                      : decimal == DECIMAL_AAM ? DECIMAL_AAM + base
                                               : DECIMAL_AAM + BASES + base;

    return AT_DECIMAL + number * DECIMAL_SIZE;
}

static void image_fill(uint8_t *image, uint32_t base)
{
    static const uint8_t jmp_r13[] = { 0x41, 0xff, 0xe5 };
    static const uint8_t opcodes[] = { 0x27, 0x2f, 0x37, 0x3f, 0xd4, 0xd5 };
    static const struct {
        const uint8_t *code, *end;
    } pieces[CODE32_PROBES] = {
        [CODE32_PUSH_SEGMENT] = { probe32_push_segment, probe32_push_segment_end },
        [CODE32_LOAD] = { probe32_load, probe32_load_end },
        [CODE32_POP] = { probe32_pop, probe32_pop_end },
    };

    for (unsigned i = 0; i < CODE32_PROBES; i++) {
        piece_put(image, base, i * PIECE_SIZE, pieces[i].code,
                  (size_t)(pieces[i].end - pieces[i].code));
    }
    memcpy(image + AT_BACK, jmp_r13, sizeof(jmp_r13));
    for (unsigned i = DECIMAL_DAA; i <= DECIMAL_AAD; i++) {
        for (unsigned number = 0; number < (i < DECIMAL_AAM ? 1 : BASES); number++) {
            const uint8_t code[] = { opcodes[i], (uint8_t)number };

            piece_put(image, base, decimal_place((Decimal)i, number), code,
                      i < DECIMAL_AAM ? 1 : 2);
        }
    }
}

HostCode32 *host_code32_new(void)
{
    g_autofree uint8_t *image = g_malloc0(SIZE);
    int fd = memfd_create("doppel-code32", MFD_CLOEXEC);
    uint8_t *code = MAP_FAILED;
    HostCode32 *host;

    if (fd >= 0 && segment_make() && ftruncate(fd, SIZE) == 0) {
        code = mmap(NULL, SIZE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_32BIT, fd, 0);
    }
    if (code != MAP_FAILED) {
        image_fill(image, (uint32_t)(uintptr_t)code);
        if (pwrite(fd, image, SIZE, 0) != SIZE) {
            munmap(code, SIZE);
            code = MAP_FAILED;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    if (code == MAP_FAILED) {
        return NULL;
    }
    host = g_new0(HostCode32, 1);
    host->code = code;
    return host;
}

/* The segment stays: another machine of the process may use it. */
void host_code32_free(HostCode32 *host)
{
    if (host != NULL) {
        munmap(host->code, SIZE);
        g_free(host);
    }
}

uint32_t host_code32_piece(const HostCode32 *host, unsigned piece)
{
    return (uint32_t)(uintptr_t)host->code + piece * PIECE_SIZE;
}

uint16_t host_code32_selector(const HostCode32 *host)
{
    (void)host;
    return LDT_CODE;
}

/* ---- Decimal adjustment ---- */

uint16_t host_code32_decimal(const HostCode32 *host, Decimal decimal, uint8_t base, uint16_t ax,
                             uint64_t *flags)
{
    const struct {
        uint32_t offset;
        uint16_t selector;
    } target = { (uint32_t)(uintptr_t)host->code + decimal_place(decimal, base), LDT_CODE };
    uint64_t result = ax;

    __asm__ volatile("addb $0x7f, %%al\n\t"
                     "sahf\n\t"
                     "movq %1, %%rax\n\t"
                     "movq %%rsp, %%r14\n\t"
                     "leaq 1f(%%rip), %%r13\n\t"
                     "ljmpl *(%2)\n"
                     "1:\n\t"
                     "movq %%r14, %%rsp\n\t"
                     "movq %%rax, %1\n\t"
                     "lahf\n\t"
                     "seto %%al"
                     : "+a"(*flags), "+b"(result)
                     : "S"(&target), "m"(target)
                     : "rcx", "rdx", "r8", "r9", "r10", "r11", "r13", "r14", "cc", "memory");
    return (uint16_t)result;
}
