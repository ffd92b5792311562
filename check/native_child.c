/* SPDX-License-Identifier: GPL-2.0-or-later */
/* native_child.c - the process that tests run in.  Its FS and GS bases are 0, as the tests see
 * them, so that nothing here may use the C library's thread state: system calls are made by hand,
 * and nothing is called that could fail. */
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include "check/native_host_int.h"

_Static_assert(STACK16 == HOST_DATA16, "native_enter.S");
_Static_assert(offsetof(NativeStart, gpr) == START_GPR, "native_enter.S");
_Static_assert(offsetof(NativeStart, rflags) == START_RFLAGS, "native_enter.S");
_Static_assert(offsetof(NativeEnd, gpr) == END_GPR, "native_enter.S");
_Static_assert(offsetof(NativeEnd, rflags) == END_RFLAGS, "native_enter.S");

static long system_call(long number, long a, long b, long c)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

static void put64(uint64_t at, uint64_t value)
{
    *(volatile uint64_t *)(uintptr_t)at = value;
}

static uint64_t get64(uint64_t at)
{
    return *(volatile uint64_t *)(uintptr_t)at;
}

/* ---- Exceptions of a test ---- */

static void copy(void *to, const void *from, size_t n)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static void on_signal(int signo, siginfo_t *info, void *opaque)
{
    static const int places[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                    REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                    REG_R12, REG_R13, REG_R14, REG_R15 };
    const ucontext_t *context = opaque;
    const greg_t *regs = context->uc_mcontext.gregs;
    NativeEnd *end = (NativeEnd *)(uintptr_t)get64(CONTROL_END);

    __asm__ volatile("push $2\n\tpopfq" : : : "memory", "cc"); /* alignment checks off */
    (void)info;
    if (get64(CONTROL_INSIDE) == 0) {
        system_call(SYS_exit_group, 100 + signo, 0, 0);
    }
    for (unsigned i = 0; i < 16; i++) {
        end->gpr[i] = (uint64_t)regs[places[i]];
    }
    end->rip = (uint64_t)regs[REG_RIP];
    end->rflags = (uint64_t)regs[REG_EFL];
    end->vector = (uint32_t)regs[REG_TRAPNO];
    end->error = (uint64_t)regs[REG_ERR];
    end->address = (uint64_t)regs[REG_CR2];
    if (end->vector == 1 &&
        (end->rip == (uint64_t)(uintptr_t)native_leave || end->rip == CONTROL_THUNK)) {
        /* single step was on: the trap is behind the jump that leads out */
        end->vector = NATIVE_END;
        end->rip = ((const NativeStart *)(uintptr_t)get64(CONTROL_START))->leave;
    }
    copy(end->vector_state, context->uc_mcontext.fpregs, NATIVE_VECTOR_SIZE);
    __asm__ volatile("jmp *%0" : : "r"(native_abort));
    __builtin_unreachable();
}

static void signals_install(void)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
    static uint8_t stack[64 << 10] __attribute__((aligned(64)));
    struct sigaction action = { .sa_sigaction = on_signal,
                                .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK };

    sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof(stack) }, NULL);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        sigaction(signals[i], &action, NULL);
    }
}

/* ---- The sandbox ---- */

static void *map_at(uint64_t at, size_t size, int protection, int fd)
{
    int flags = MAP_FIXED_NOREPLACE | (fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS);

    return mmap((void *)(uintptr_t)at, size, protection, flags, fd, 0);
}

bool native_segments_make(Isa isa)
{
    static const struct user_desc segments[] = {
        { .entry_number = HOST_CS32 >> 3,
          .limit = 0xfffff,
          .seg_32bit = 1,
          .contents = MODIFY_LDT_CONTENTS_CODE,
          .limit_in_pages = 1,
          .useable = 1 },
        { .entry_number = HOST_CS16 >> 3,
          .base_addr = NATIVE_CODE,
          .limit = 0xffff,
          .contents = MODIFY_LDT_CONTENTS_CODE,
          .useable = 1 },
        { .entry_number = HOST_DATA16 >> 3,
          .base_addr = NATIVE_SEGMENT,
          .limit = 0xffff,
          .useable = 1 },
        { .entry_number = HOST_ES16 >> 3,
          .base_addr = NATIVE_SEGMENT,
          .limit = NATIVE_ES_LIMIT,
          .useable = 1 },
    };
    size_t first = isa == ISA_32 ? 0 : 1, end = isa == ISA_32 ? 1 : 4;

    for (size_t i = first; i < end; i++) {
        if (syscall(SYS_modify_ldt, 0x11, &segments[i], sizeof(segments[i])) != 0) {
            return false;
        }
    }
    return true;
}

/* What the process that has forked this one has below 4 GiB would be there for tests. */
static bool memory_map(int code_fd)
{
    const uintptr_t lowest = 0x10000;

    munmap((void *)lowest, (1ull << 32) - lowest);
    return map_at(NATIVE_CODE, NATIVE_CODE_SIZE, PROT_READ | PROT_EXEC, code_fd) != MAP_FAILED &&
           map_at(NATIVE_WINDOW, NATIVE_WINDOW_SIZE, PROT_READ | PROT_WRITE, -1) != MAP_FAILED &&
           map_at(CONTROL_PAGE, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, -1) != MAP_FAILED;
}

static bool system_calls_forbid(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 6),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 5, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_arch_prctl, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* 64-bit code leaves straight to native_leave; other code through a far jump to code in the
 * control page that goes there. Pointers are aligned: a test may leave with AC set. */
static void ways_set(Isa isa)
{
    static const uint8_t jump[] = { 0xff, 0x25, 2, 0, 0, 0, 0xcc, 0xcc }; /* jmp [rip + 2] */

    if (isa == ISA_64) {
        put64(CONTROL_LEAVE, (uint64_t)(uintptr_t)native_leave);
        return;
    }
    put64(CONTROL_LEAVE, (uint64_t)HOST_CS64 << 32 | CONTROL_THUNK);
    copy((void *)(uintptr_t)CONTROL_THUNK, jump, sizeof(jump));
    put64(CONTROL_THUNK + sizeof(jump), (uint64_t)(uintptr_t)native_leave);
}

/* ---- Tests ---- */

static uint64_t entry_selector(Isa isa)
{
    return isa == ISA_64 ? 0 : isa == ISA_32 ? HOST_CS32 : HOST_CS16;
}

/* For each test: one that jumps into another's bytes may have loaded them. */
static void segments_load(Isa isa)
{
    __asm__ volatile("mov %0, %%ds\n\tmov %1, %%es\n\tmov %0, %%fs\n\tmov %2, %%gs"
                     :
                     : "r"(isa == ISA_32 ? HOST_DATA : HOST_DATA16),
                       "r"(isa == ISA_32 ? HOST_DATA : HOST_ES16),
                       "r"(isa == ISA_32 ? HOST_DATA : 0));
}

static void run_one(Isa isa, NativeShared *shared, unsigned i)
{
    uint8_t *window = (uint8_t *)(uintptr_t)NATIVE_WINDOW;
    NativeEnd *end = &shared->end[i];

    shared->current = i;
    end->vector = NATIVE_END;
    end->rip = shared->start[i].leave;
    if (isa != ISA_64) {
        segments_load(isa);
    }
    put64(CONTROL_START, (uint64_t)(uintptr_t)&shared->start[i]);
    put64(CONTROL_END, (uint64_t)(uintptr_t)end);
    put64(CONTROL_ENTER, shared->start[i].rip | entry_selector(isa) << 32);
    (isa == ISA_64 ? native_enter64 : isa == ISA_32 ? native_enter32 : native_enter16)();
    if (isa == ISA_16) {
        __asm__ volatile("mov %0, %%ss" : : "r"(HOST_DATA));
    }
    native_lines(&shared->image, window, end);
}

static void run_batch(Isa isa, NativeShared *shared, unsigned n)
{
    const long window = NATIVE_WINDOW, rights = PROT_READ | PROT_WRITE;

    system_call(SYS_mprotect, window, NATIVE_WINDOW_SIZE, rights);
    copy((void *)(uintptr_t)NATIVE_WINDOW, shared->image.bytes, NATIVE_WINDOW_SIZE);
    system_call(SYS_mprotect, window + NATIVE_WRITABLE, NATIVE_WINDOW_SIZE - NATIVE_WRITABLE,
                PROT_READ);
    for (unsigned i = 0; i < n; i++) {
        run_one(isa, shared, i);
    }
}

_Noreturn void native_child(Isa isa, NativeShared *shared, int code_fd, int in, int out)
{
    uint32_t n;

    signals_install();
    if (!memory_map(code_fd) || (isa != ISA_64 && !native_segments_make(isa)) ||
        !system_calls_forbid()) {
        _exit(1);
    }
    ways_set(isa);
    if (isa == ISA_64) {
        system_call(SYS_arch_prctl, ARCH_SET_GS, 0, 0);
        system_call(SYS_arch_prctl, ARCH_SET_FS, 0, 0);
    }
    while (system_call(SYS_read, in, (long)&n, sizeof(n)) == sizeof(n)) {
        run_batch(isa, shared, n);
        system_call(SYS_write, out, (long)&n, 1);
    }
    system_call(SYS_exit_group, 0, 0, 0);
    __builtin_unreachable();
}
