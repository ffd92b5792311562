/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thunk.c - the memory of the thunks, how they are found and run, and their exceptions. */
#include "runtime/software_cpu/thunk_int.h"
#include <cpuid.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum {
    CODE_SIZE = 1 << 20,
    SLOTS = 16384, /* by the bytes of the thunk's instruction; open addressing */
    SLOTS_FULL = SLOTS / 4 * 3,
    PLANS = 2048, /* by the bytes of the guest's instruction; direct mapped */
};

typedef struct ThunkSlot {
    uint64_t key[2];
    ThunkCode code; /* NULL: free */
} ThunkSlot;

struct ThunkCache {
    ThunkContext context;
    uint8_t *code_rx, *code_rw; /* the same memory */
    size_t used;
    unsigned slots_used;
    XsaveComponent component[XSAVE_COMPONENTS];
    ThunkSlot slots[SLOTS];
    VectorPlan plans[PLANS];
};

static _Thread_local Cpu *thread_cpu;

/* ---- Memory ---- */

static bool map_code(ThunkCache *cache, int fd)
{
    void *rx, *rw;

    if (ftruncate(fd, CODE_SIZE) != 0) {
        return false;
    }
    rx = mmap(NULL, CODE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    if (rx == MAP_FAILED) {
        return false;
    }
    rw = mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (rw == MAP_FAILED) {
        munmap(rx, CODE_SIZE);
        return false;
    }
    cache->code_rx = rx;
    cache->code_rw = rw;
    return true;
}

/* CPUID leaf 0Dh; kept because CPUID traps on virtual hosts. */
static void find_components(ThunkCache *cache)
{
    for (unsigned i = 2; i < XSAVE_COMPONENTS; i++) {
        uint32_t eax, ebx, ecx, edx;

        if (__get_cpuid_count(0xd, i, &eax, &ebx, &ecx, &edx) && !(ecx & 1) &&
            ebx + eax <= XSAVE_SIZE) {
            cache->component[i] = (XsaveComponent){ (uint16_t)ebx, (uint16_t)eax, (ecx & 2) != 0 };
        }
    }
}

ThunkCache *thunk_cache_new(GError **error)
{
    ThunkCache *cache = mmap(NULL, sizeof(*cache), PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    int fd = memfd_create("doppel-thunks", MFD_CLOEXEC);
    bool mapped = cache != MAP_FAILED && fd >= 0 && map_code(cache, fd);
    int saved = errno;

    if (fd >= 0) {
        close(fd);
    }
    if (!mapped) {
        if (cache != MAP_FAILED) {
            munmap(cache, sizeof(*cache));
        }
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(saved),
                    "executable memory for vector instructions: %s", g_strerror(saved));
        return NULL;
    }
    find_components(cache);
    return cache;
}

void thunk_cache_free(ThunkCache *cache)
{
    if (cache == NULL) {
        return;
    }
    munmap(cache->code_rx, CODE_SIZE);
    munmap(cache->code_rw, CODE_SIZE);
    munmap(cache, sizeof(*cache));
}

/* All thunks go at once, and with them every plan that names one. */
static void cache_drop(ThunkCache *cache)
{
    cache->used = 0;
    cache->slots_used = 0;
    for (unsigned i = 0; i < SLOTS; i++) {
        cache->slots[i].code = NULL;
    }
    for (unsigned i = 0; i < PLANS; i++) {
        cache->plans[i].run = NULL;
        cache->plans[i].key[1] = 0;
    }
}

ThunkContext *thunk_context(Cpu *cpu)
{
    return &cpu->thunks->context;
}

const XsaveComponent *thunk_xsave_component(Cpu *cpu, unsigned i)
{
    return &cpu->thunks->component[i];
}

/* ---- Finding ---- */

static unsigned key_hash(const uint64_t key[2], unsigned size)
{
    uint64_t mixed = (key[0] ^ (key[1] * 0x9e3779b97f4a7c15ull)) * 0xff51afd7ed558ccdull;

    return (unsigned)(mixed >> 40) & (size - 1);
}

static void key_load(uint64_t key[2], const uint8_t bytes[16])
{
    __builtin_memcpy(&key[0], bytes, 8);
    __builtin_memcpy(&key[1], bytes + 8, 8);
}

static ThunkCode thunk_add(ThunkCache *cache, const ThunkInsn *insn)
{
    size_t at = cache->used;

    cache->used += (thunk_emit(cache->code_rw + at, insn) + 7u) & ~7u;
    return (ThunkCode)(void *)(cache->code_rx + at);
}

ThunkCode thunk_find(Cpu *cpu, const ThunkInsn *insn)
{
    ThunkCache *cache = cpu->thunks;
    uint64_t key[2];
    unsigned i;

    key_load(key, insn->bytes);
    for (i = key_hash(key, SLOTS); cache->slots[i].code != NULL; i = (i + 1) & (SLOTS - 1)) {
        if (cache->slots[i].key[0] == key[0] && cache->slots[i].key[1] == key[1]) {
            return cache->slots[i].code;
        }
    }
    if (cache->slots_used >= SLOTS_FULL || cache->used + THUNK_MAX_CODE > CODE_SIZE) {
        cache_drop(cache);
        i = key_hash(key, SLOTS);
    }
    cache->slots_used++;
    cache->slots[i] = (ThunkSlot){ { key[0], key[1] }, thunk_add(cache, insn) };
    return cache->slots[i].code;
}

const VectorPlan *thunk_plan(Cpu *cpu, const Insn *insn)
{
    uint64_t key[2];
    VectorPlan *plan;
    ThunkInsn thunk;

    key_load(key, insn->bytes);
    key[1] |= (uint64_t)insn->code_width << 56;
    plan = &cpu->thunks->plans[key_hash(key, PLANS)];
    if (plan->key[0] == key[0] && plan->key[1] == key[1]) {
        return plan;
    }
    vector_plan_make(plan, insn, &thunk);
    if (!(plan->uses & USES_BAD)) {
        plan->run = thunk_find(cpu, &thunk);
    }
    plan->key[0] = key[0];
    plan->key[1] = key[1];
    return plan;
}

/* ---- Running ---- */

bool thunk_run(Cpu *cpu, ThunkCode code, void *operand)
{
    ThunkContext *context = &cpu->thunks->context;

    cpu_vector_load(cpu);
    context->faulted = false;
    code(context, operand);
    return !*(volatile bool *)&context->faulted;
}

void thunk_thread_enter(Cpu *cpu)
{
    thread_cpu = cpu;
}

/* Of all instructions in thunks only the x87's begin so. */
static bool code_is_x87(const uint8_t *code)
{
    return *code >= 0xd8 && *code <= 0xdf;
}

bool thunk_fixup(Cpu *cpu, int signo, void *ucontext)
{
    greg_t *regs = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
    const ThunkCache *cache = cpu->thunks;
    const uint8_t *rip = (const uint8_t *)regs[REG_RIP];

    if (cache == NULL || rip < cache->code_rx || rip >= cache->code_rx + CODE_SIZE) {
        return false;
    }
    if (signo == SIGILL) {
        cpu_fault(cpu, VECTOR_UD); /* the model has a feature that the host has not */
    } else if (signo != SIGFPE) {
        return false;
    } else if (code_is_x87(rip)) {
        cpu_fault(cpu, VECTOR_MF);
    } else {
        cpu_fault(cpu, cpu->cr4 & CR4_OSXMMEXCPT ? VECTOR_XM : VECTOR_UD);
    }
    cpu->thunks->context.faulted = true;
    regs[REG_RIP] = *(const greg_t *)regs[REG_RSP]; /* as RET: nothing is pushed around it */
    regs[REG_RSP] += 8;
    return true;
}

static void on_signal(int signo, siginfo_t *info, void *ucontext)
{
    (void)info;
    if (thread_cpu == NULL || !thunk_fixup(thread_cpu, signo, ucontext)) {
        signal(signo, SIG_DFL); /* the instruction runs again, and the signal ends the process */
    }
}

void thunk_signals_install(void)
{
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER };

    sigemptyset(&action.sa_mask);
    sigaction(SIGFPE, &action, NULL);
    sigaction(SIGILL, &action, NULL);
}
