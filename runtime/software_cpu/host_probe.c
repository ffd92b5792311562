/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_probe.c - the memory of a probe, its signals, and one run. */
#include "runtime/software_cpu/host_probe.h"
#include <glib.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "runtime/cpu/cpu.h"
#include "runtime/software_cpu/host_code32.h"

enum { DATA_PAGES = 2, SIGNAL_STACK = 64 << 10, N_SIGNALS = 4 };

_Static_assert(offsetof(HostProbe, flags) == PROBE_FLAGS, "host_probe_code.S");
_Static_assert(offsetof(HostProbe, target) == PROBE_TARGET, "host_probe_code.S");
_Static_assert(offsetof(HostProbe, host_rsp) == PROBE_RSP, "host_probe_code.S");
_Static_assert(offsetof(HostProbe, fx) == PROBE_FX, "host_probe_code.S");
_Static_assert(offsetof(HostProbe, r8) == PROBE_FX + 512, "host_probe_code.S");

void host_probe_enter64(HostProbe *probe, const uint8_t *code);
void host_probe_enter32(HostProbe *probe, const uint8_t *unused);
void host_probe_leave(void);

static const int probe_signals[N_SIGNALS] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };

/* A signal handler has no other way to learn whose code it interrupts, and where others' go. */
static _Thread_local HostProbe *running;
static GMutex signals_lock;
static struct sigaction signals_before[N_SIGNALS];

/* ---- Signals ---- */

static void signal_pass_on(int signo, siginfo_t *info, void *context)
{
    for (unsigned i = 0; i < N_SIGNALS; i++) {
        const struct sigaction *before = &signals_before[i];

        if (probe_signals[i] != signo) {
            continue;
        }
        if (before->sa_flags & SA_SIGINFO) {
            before->sa_sigaction(signo, info, context);
        } else {
            signal(signo, SIG_DFL); /* the instruction runs again, and ends the process */
        }
    }
}

/* Ends the run: as if the code had jumped out where it is. */
static void on_signal(int signo, siginfo_t *info, void *opaque)
{
    ucontext_t *context = opaque;
    greg_t *regs = context->uc_mcontext.gregs;
    HostProbe *probe = running;
    uint16_t cs;

    __asm__ volatile("push $2\n\tpopfq" : : : "memory", "cc"); /* alignment checks off */
    if (probe == NULL) {
        signal_pass_on(signo, info, opaque);
        return;
    }
    probe->vector = (uint32_t)regs[REG_TRAPNO];
    probe->address = (uint64_t)regs[REG_CR2];
    regs[REG_R15] = (greg_t)(uintptr_t)probe;
    regs[REG_RIP] = (greg_t)(uintptr_t)host_probe_leave;
    regs[REG_EFL] &= ~(greg_t)FLAG_AC;
    __asm__ volatile("mov %%cs, %0" : "=r"(cs));
    regs[REG_CSGSFS] = (regs[REG_CSGSFS] & ~(greg_t)0xffff) | cs;
}

void host_probe_begin(HostProbe *probe)
{
    struct sigaction action = { .sa_sigaction = on_signal,
                                .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK };

    g_mutex_lock(&signals_lock);
    sigemptyset(&action.sa_mask);
    sigaltstack(&(stack_t){ .ss_sp = probe->stack, .ss_size = SIGNAL_STACK }, &probe->stack_before);
    for (unsigned i = 0; i < N_SIGNALS; i++) {
        sigaction(probe_signals[i], &action, &signals_before[i]);
    }
}

void host_probe_end(HostProbe *probe)
{
    for (unsigned i = 0; i < N_SIGNALS; i++) {
        sigaction(probe_signals[i], &signals_before[i], NULL);
    }
    sigaltstack(&probe->stack_before, NULL);
    g_mutex_unlock(&signals_lock);
}

/* ---- Memory ---- */

bool host_probe_open(HostProbe *probe, HostCode32 *code32)
{
    size_t page = PAGE_SIZE;
    uint8_t *data = mmap(NULL, DATA_PAGES * page, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

    memset(probe, 0, sizeof(*probe));
    if (data == MAP_FAILED) {
        return false;
    }
    mprotect(data + page, page, PROT_NONE);
    probe->data = data;
    probe->absent = data + page;
    probe->stack = g_malloc(SIGNAL_STACK);
    probe->code32 = code32;
    return true;
}

void host_probe_close(HostProbe *probe)
{
    munmap(probe->data, (size_t)DATA_PAGES * PAGE_SIZE);
    g_free(probe->stack);
}

/* ---- A run ---- */

void host_probe_prepare(HostProbe *probe)
{
    memset(probe->gpr, 0, sizeof(probe->gpr));
    probe->gpr[RSP] = (uint64_t)(uintptr_t)probe->data + PAGE_SIZE / 2;
    probe->gpr[RBX] = (uint64_t)(uintptr_t)probe->data;
    probe->flags = FLAG_1;
    memset(probe->data, PROBE_FILL, PAGE_SIZE);
}

static void run(HostProbe *probe, void (*enter)(HostProbe *, const uint8_t *), const uint8_t *code)
{
    probe->vector = PROBE_NO_FAULT;
    running = probe;
    enter(probe, code);
    running = NULL;
}

void host_probe_run(HostProbe *probe, const uint8_t *code)
{
    run(probe, host_probe_enter64, code);
}

/* DS stays the thread's. */
void host_probe_run32(HostProbe *probe, unsigned piece)
{
    uint16_t ds;

    __asm__ volatile("mov %%ds, %0" : "=r"(ds));
    probe->target.offset = host_code32_piece(probe->code32, piece);
    probe->target.selector = host_code32_selector(probe->code32);
    run(probe, host_probe_enter32, NULL);
    __asm__ volatile("mov %0, %%ds" : : "r"(ds));
}
