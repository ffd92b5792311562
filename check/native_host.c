/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check/native_host.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check/check.h"
#include "check/native_host_int.h"

enum { HANG_MS = 2000 };

struct NativeHost {
    Isa isa;
    NativeShared *shared;
    uint8_t *code;
    int code_fd;
    pid_t child; /* 0: none */
    int to, from;
};

/* Runs in the child as well. */
void native_lines(const NativeImage *image, uint8_t *now, NativeEnd *end)
{
    end->n_lines = 0;
    for (uint32_t at = 0; at < NATIVE_WRITABLE; at += NATIVE_LINE) {
        const uint64_t *a = (const uint64_t *)(const void *)(image->bytes + at);
        uint64_t *b = (uint64_t *)(void *)(now + at);
        uint64_t differ = 0;

        for (unsigned i = 0; i < NATIVE_LINE / 8; i++) {
            differ |= a[i] ^ b[i];
        }
        if (differ == 0) {
            continue;
        }
        if (end->n_lines < NATIVE_LINES) {
            end->line[end->n_lines].offset = at;
            __builtin_memcpy(end->line[end->n_lines].bytes, b, NATIVE_LINE);
        }
        end->n_lines++;
        __builtin_memcpy(b, a, NATIVE_LINE);
    }
}

/* Indirect jumps, in 32-bit code a far one; 16-bit code has the far pointer in the instruction. */
void native_host_leave(Isa isa, uint8_t *code)
{
    static const uint8_t jumps[ISAS][3] = { { 0xff, 0x24, 0x25 }, { 0xff, 0x2d }, { 0x66, 0xea } };
    static const unsigned lengths[ISAS] = { 3, 2, 2 };
    const uint32_t way = isa == ISA_16 ? CONTROL_THUNK : CONTROL_LEAVE;
    const uint16_t selector = HOST_CS64;

    memcpy(code, jumps[isa], lengths[isa]);
    memcpy(code + lengths[isa], &way, sizeof(way));
    if (isa == ISA_16) {
        memcpy(code + lengths[isa] + sizeof(way), &selector, sizeof(selector));
    }
}

static void host_fail(GError **error, const char *what)
{
    g_set_error(error, CHECK_ERROR, CHECK_ERROR_HOST, "%s: %s", what, g_strerror(errno));
}

static bool selector_valid(unsigned selector)
{
    bool valid;

    __asm__ volatile("lar %1, %%eax" : "=@ccz"(valid) : "r"(selector) : "eax");
    return valid;
}

const char *native_host_refusal(Isa isa)
{
    if (isa == ISA_64) {
        return NULL;
    }
    if (!native_segments_make(isa)) {
        return errno == ENOSYS ? "its kernel has no modify_ldt"
                               : "its kernel's modify_ldt refuses such a segment";
    }
    if (isa == ISA_32 ? !selector_valid(HOST_CS32)
                      : !(selector_valid(HOST_CS16) && selector_valid(HOST_DATA16) &&
                          selector_valid(HOST_ES16))) {
        return "modify_ldt succeeds, but the CPU finds no such segment";
    }
    return NULL;
}

static bool child_start(NativeHost *host, GError **error)
{
    int to[2], from[2];

    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) {
        host_fail(error, "pipe");
        return false;
    }
    host->child = fork();
    if (host->child < 0) {
        host_fail(error, "fork");
        return false;
    }
    if (host->child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPROF, SIG_IGN);
        native_child(host->isa, host->shared, host->code_fd, to[0], from[1]);
    }
    close(to[0]);
    close(from[1]);
    host->to = to[1];
    host->from = from[0];
    return true;
}

/* Ends it, in whatever state it is; the status it left. */
static int child_end(NativeHost *host)
{
    int status = 0;

    if (host->child > 0) {
        kill(host->child, SIGKILL);
        while (waitpid(host->child, &status, 0) < 0 && errno == EINTR) {
        }
        close(host->to);
        close(host->from);
        host->child = 0;
    }
    return status;
}

NativeHost *native_host_new(Isa isa, GError **error)
{
    NativeHost *host = g_new0(NativeHost, 1);
    void *shared = mmap(NULL, sizeof(NativeShared), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    host->isa = isa;
    host->shared = shared == MAP_FAILED ? NULL : shared;
    host->code_fd = memfd_create("doppel-check", MFD_CLOEXEC);
    if (host->shared == NULL || host->code_fd < 0 ||
        ftruncate(host->code_fd, NATIVE_CODE_SIZE) != 0) {
        host_fail(error, "memory for tests");
        native_host_free(host);
        return NULL;
    }
    shared = mmap(NULL, NATIVE_CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, host->code_fd, 0);
    host->code = shared == MAP_FAILED ? NULL : shared;
    if (host->code == NULL || !child_start(host, error)) {
        native_host_free(host);
        return NULL;
    }
    return host;
}

void native_host_free(NativeHost *host)
{
    child_end(host);
    if (host->code != NULL) {
        munmap(host->code, NATIVE_CODE_SIZE);
    }
    if (host->code_fd >= 0) {
        close(host->code_fd);
    }
    if (host->shared != NULL) {
        munmap(host->shared, sizeof(NativeShared));
    }
    g_free(host);
}

/* true: the child has done all of it. */
static bool child_answers(NativeHost *host)
{
    struct pollfd fd = { .fd = host->from, .events = POLLIN };
    char byte;
    int n;

    do {
        n = poll(&fd, 1, HANG_MS);
    } while (n < 0 && errno == EINTR);
    return n == 1 && read(host->from, &byte, 1) == 1;
}

bool native_host_run(NativeHost *host, const NativeImage *image, const uint8_t *code,
                     const NativeStart *start, NativeEnd *end, unsigned n, GError **error)
{
    unsigned done = 0;

    memcpy(&host->shared->image, image, sizeof(*image));
    memcpy(host->code, code, NATIVE_CODE_SIZE);
    while (done < n) {
        uint32_t count = n - done;

        if (host->child == 0 && !child_start(host, error)) {
            return false;
        }
        memcpy(host->shared->start, start + done, count * sizeof(*start));
        host->shared->current = UINT32_MAX;
        if (write(host->to, &count, sizeof(count)) != sizeof(count) || !child_answers(host)) {
            int status = child_end(host);

            if (host->shared->current == UINT32_MAX) {
                g_set_error(error, CHECK_ERROR, CHECK_ERROR_HOST,
                            "the native process does not start (status %#x)", status);
                return false;
            }
            count = host->shared->current + 1;
            host->shared->end[count - 1].vector = NATIVE_LOST;
        }
        memcpy(end + done, host->shared->end, count * sizeof(*end));
        done += count;
    }
    return true;
}
