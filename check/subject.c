/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check/subject.h"
#include <glib.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/decode_cache.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include "runtime/software_cpu/host_traits.h"
#include "runtime/software_cpu/thunk.h"
#include "softmmu/mmu.h"

enum { ENGINE_STACK = 256 << 10, SIGNAL_STACK = 64 << 10, CACHE_SIZE = 4 << 20, BUDGET = 200000 };

const char *executor_name(Executor executor)
{
    static const char *const names[EXECUTORS] = { "interpreted", "translated" };

    return names[executor];
}

/* ---- The bus: nothing is attached ---- */

static uint32_t bus_port_in(Cpu *cpu, uint16_t port, unsigned width)
{
    (void)cpu;
    (void)port;
    return (uint32_t)width_mask(width);
}

static void bus_port_out(Cpu *cpu, uint16_t port, unsigned width, uint32_t value)
{
    (void)cpu;
    (void)port;
    (void)width;
    (void)value;
}

static int bus_interrupt_ack(Cpu *cpu)
{
    (void)cpu;
    return -1;
}

static bool bus_apic_msr_read(Cpu *cpu, uint32_t msr, uint64_t *value)
{
    (void)cpu;
    (void)msr;
    *value = 0;
    return true;
}

static bool bus_apic_msr_write(Cpu *cpu, uint32_t msr, uint64_t value)
{
    (void)cpu;
    (void)msr;
    (void)value;
    return true;
}

static uint8_t bus_tpr_read(Cpu *cpu)
{
    (void)cpu;
    return 0;
}

static void bus_tpr_write(Cpu *cpu, uint8_t value)
{
    (void)cpu;
    (void)value;
}

static void bus_triple_fault(Cpu *cpu)
{
    cpu_request_set(cpu, CPU_REQUEST_STOP);
}

static void bus_smm_changed(Cpu *cpu, bool smm)
{
    (void)cpu;
    (void)smm;
}

static void bus_ferr(Cpu *cpu)
{
    (void)cpu;
}

static const CpuBus subject_bus = {
    .port_in = bus_port_in,
    .port_out = bus_port_out,
    .interrupt_ack = bus_interrupt_ack,
    .apic_msr_read = bus_apic_msr_read,
    .apic_msr_write = bus_apic_msr_write,
    .tpr_read = bus_tpr_read,
    .tpr_write = bus_tpr_write,
    .triple_fault = bus_triple_fault,
    .smm_changed = bus_smm_changed,
    .ferr = bus_ferr,
};

/* ---- Host signals: a handler has no other way to learn whose code it interrupts ---- */

static _Thread_local Cpu *volatile running;
static _Thread_local volatile unsigned run_serial, run_watched;
static _Thread_local sigjmp_buf run_crashed;

static void on_fault(int signo, siginfo_t *info, void *context)
{
    if (running == NULL) {
        signal(signo, SIG_DFL);
    } else if (!thunk_fixup(running, signo, context) &&
               !engine_signal(running, signo, info->si_addr, context)) {
        siglongjmp(run_crashed,
                   1); /* a bug of the translator: it reached what is not the guest's */
    }
}

/* A run that is seen by two ticks takes too long. */
static void on_tick(int signo)
{
    (void)signo;
    if (running != NULL && run_watched == run_serial) {
        cpu_request_set(running, CPU_REQUEST_STOP);
    }
    run_watched = run_serial;
}

void subject_signals_install(void)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
    static uint8_t stack[SIGNAL_STACK];
    struct sigaction fault = { .sa_sigaction = on_fault,
                               .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK };
    struct sigaction tick = { .sa_handler = on_tick, .sa_flags = SA_RESTART | SA_ONSTACK };
    struct itimerval tenth = { { 0, 100000 }, { 0, 100000 } };

    sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof(stack) }, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
        sigaction(signals[i], &fault, NULL);
    }
    sigaction(SIGPROF, &tick, NULL);
    signal(SIGPIPE, SIG_IGN);
    setitimer(ITIMER_PROF, &tenth, NULL); /* CPU time: a busy machine makes no run too long */
}

/* ---- Making one ---- */

static void code_written(void *opaque, uint64_t ram_offset, uint64_t size)
{
    engine_invalidate(opaque, ram_offset, size);
}

/* x87, SSE and AVX. */
static uint64_t host_vector_components(void)
{
    uint32_t low, high;

    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low & 7;
}

static bool engine_make(Subject *subject, GError **error)
{
    /* user code goes through the window as long as there is credit for it, and by the TLB then */
    EngineOptions options = { .cache_size = CACHE_SIZE,
                              .precise_flags = true,
                              .window = ENGINE_WINDOW_ALL };
    PhysMapOwner owner = { .code_written = code_written };

    subject->engine = engine_new(subject->map, &options, error);
    if (subject->engine == NULL) {
        return false;
    }
    engine_attach(subject->engine, subject->cpu);
    phys_map_set_owner(subject->map, &owner, subject->engine);
    return true;
}

Subject *subject_new(Executor executor, uint64_t ram_size, GError **error)
{
    Subject *subject = g_new0(Subject, 1);
    Cpu *cpu;

    subject->executor = executor;
    subject->budget = BUDGET;
    subject->memory = g_aligned_alloc0(1, ENGINE_STACK + sizeof(Cpu), 64);
    subject->cpu = cpu = (Cpu *)(void *)(subject->memory + ENGINE_STACK);
    subject->map = phys_map_new(ram_size, error);
    subject->model = subject->map != NULL ? cpu_model_new("max", error) : NULL;
    cpu->thunks = subject->model != NULL ? thunk_cache_new(error) : NULL;
    if (cpu->thunks == NULL) {
        subject_free(subject);
        return NULL;
    }
    phys_map_add_ram(subject->map, 0, 0, ram_size, 0);
    subject->ram = phys_map_ram(subject->map);
    cpu->bus = &subject_bus;
    cpu->machine = subject;
    cpu->model = subject->model;
    cpu->traits = subject->traits = host_traits_new();
    cpu->a20_mask = 0xffffffff;
    cpu->host_mxcsr = 0x1f80;
    cpu->xsave_mask = host_vector_components();
    cpu->mmu = soft_mmu_new(cpu, subject->map);
    cpu->decode = decode_cache_new();
    if (executor == TRANSLATED && !engine_make(subject, error)) {
        subject_free(subject);
        return NULL;
    }
    subject_reset(subject);
    return subject;
}

void subject_free(Subject *subject)
{
    Cpu *cpu = subject->cpu;

    engine_free(subject->engine);
    g_clear_pointer(&cpu->decode, decode_cache_free);
    g_clear_pointer(&cpu->mmu, soft_mmu_free);
    g_clear_pointer(&cpu->thunks, thunk_cache_free);
    g_clear_pointer(&subject->model, cpu_model_free);
    g_clear_pointer(&subject->traits, host_traits_free);
    g_clear_pointer(&subject->map, phys_map_free);
    g_aligned_free(subject->memory);
    g_free(subject);
}

void subject_reset(Subject *subject)
{
    Cpu *cpu = subject->cpu;
    const uint16_t attr = ATTR_P | ATTR_S | ATTR_RW | ATTR_ACCESSED;

    cpu->vector_live = false;
    software_cpu_reset(cpu, false);
    cpu->request = 0;
    cpu->fault = (Fault){ 0 };
    memset(cpu->xsave, 0, sizeof(cpu->xsave));
    cpu->xsave[0] = 0x7f; /* control word 0x037f */
    cpu->xsave[1] = 0x03;
    cpu->xsave[24] = 0x80; /* MXCSR 0x1f80 */
    cpu->xsave[25] = 0x1f;
    cpu->cr0 = CR0_ET | CR0_NE;
    cpu->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
    cpu->xcr0 = cpu->xsave_mask;
    for (unsigned i = 0; i <= GS; i++) {
        cpu->seg[i] = (Segment){ 0, 0xffff, 0, attr };
    }
    cpu->seg[CS].attr |= ATTR_CODE;
    cpu->idtr = (TableRegister){ 0, 0x3ff };
    cpu->rflags = FLAG_1;
    memset(cpu->gpr, 0, sizeof(cpu->gpr));
    cpu->rip = 0;
    cpu_mode_update(cpu);
    mmu_mode_changed(cpu);
    mmu_flush_all(cpu);
}

/* ---- Running ---- */

bool subject_run(Subject *subject)
{
    subject->cpu->halted = false;
    return subject_resume(subject);
}

bool subject_cpu_run(Cpu *cpu)
{
    run_serial++;
    if (sigsetjmp(run_crashed, 0) != 0) {
        running = NULL;
        cpu_vector_park(cpu);
        return false;
    }
    running = cpu;
    mmu_window_tick(cpu);
    engine_run(cpu);
    cpu_vector_park(cpu);
    running = NULL;
    return true;
}

bool subject_resume(Subject *subject)
{
    Cpu *cpu = subject->cpu;

    run_serial++;
    if (sigsetjmp(run_crashed, 0) != 0) {
        running = NULL;
        cpu_vector_park(cpu);
        subject->crashed++;
        return false;
    }
    running = cpu;
    if (subject->engine != NULL) {
        mmu_window_tick(cpu);
        engine_run(cpu);
    } else {
        software_cpu_run(cpu, subject->budget);
    }
    cpu_vector_park(cpu);
    running = NULL;
    if (cpu->request & CPU_REQUEST_STOP) {
        cpu_request_clear(cpu, CPU_REQUEST_STOP);
        subject->hung++;
        return false;
    }
    return cpu->halted;
}
