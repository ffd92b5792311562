/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/vcpu.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/machine/alarm.h"
#include "runtime/cpu/cpu_state.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/guest_run.h"
#include "runtime/machine/host_signals.h"
#include "runtime/engine/sampler.h"
#include "runtime/software_cpu/interrupt.h"
#include "runtime/machine/options.h"
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/decode_cache.h"
#include "runtime/software_cpu/software_cpu.h"
#include "runtime/software_cpu/thunk.h"
#include "runtime/software_cpu/tsc.h"
#include "runtime/engine/trace.h"
#include "softmmu/mmu.h"

/* Translated code keeps the host's stack pointer at the start of the Cpu, and what it calls pushes
 * below: so there is a stack in front of it, with a guard page at its end. */
enum { VCPU_STACK = 256 * 1024, VCPU_GUARD = 4096, HOST_MXCSR = 0x1f80 };

/* The line of a MWAIT is looked at after 20 us, and then ever later, up to 1.3 ms. */
enum { MWAIT_FIRST_NS = 20000, MWAIT_DOUBLINGS = 6, MWAIT_LOOKS = 50 };

/* Places in the legacy area of the XSAVE image. */
enum { XSAVE_FCW = 0, XSAVE_MXCSR = 24 };

struct Vcpu {
    Cpu *cpu;
    ClockSource *clock;
    Alarm *alarm; /* of the thread, NULL: it does not run the clock's timers */
    void *memory; /* the mapping that holds guard, stack and Cpu */
    size_t memory_size;
    Log *log;
    pthread_t thread;
    bool started;
    int thread_id;        /* atomic */
    unsigned mwait_looks; /* at the line that a MWAIT waits for, since it began to */

    pthread_mutex_t gate; /* guards all below */
    pthread_cond_t changed;
    bool paused; /* wanted */
    bool parked; /* reached */
    bool quit;
    VcpuStep step; /* the thread's while it runs, the machine's while it is parked */
};

static Cpu *cpu_map(Vcpu *vcpu, GError **error)
{
    size_t size = (VCPU_GUARD + VCPU_STACK + sizeof(Cpu) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1ul);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED) {
        g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "no memory for a CPU: %s",
                    g_strerror(errno));
        return NULL;
    }
    mprotect(memory, VCPU_GUARD, PROT_NONE);
    vcpu->memory = memory;
    vcpu->memory_size = size;
    return (Cpu *)((uint8_t *)memory + VCPU_GUARD + VCPU_STACK);
}

Vcpu *vcpu_new(const VcpuConfig *config, GError **error)
{
    Vcpu *vcpu = g_new0(Vcpu, 1);
    Cpu *cpu = cpu_map(vcpu, error);

    if (cpu == NULL) {
        g_free(vcpu);
        return NULL;
    }
    vcpu->cpu = cpu;
    vcpu->log = config->log;
    vcpu->clock = config->clock;
    vcpu->paused = true;
    pthread_mutex_init(&vcpu->gate, NULL);
    pthread_cond_init(&vcpu->changed, NULL);
    cpu->index = config->index;
    cpu->model = config->model;
    cpu->traits = config->traits;
    cpu->bus = config->bus;
    cpu->machine = config->machine;
    cpu->a20_mask = UINT32_MAX;
    cpu->host_mxcsr = HOST_MXCSR;
    cpu->xsave_mask = 3 | cpu_model_xcr0_mask(config->model);
    soft_mmu_new(cpu, config->map);
    soft_mmu_set_phys_bits(cpu->mmu, cpu_model_phys_bits(config->model));
    cpu->decode = decode_cache_new();
    cpu->thunks = thunk_cache_new(error);
    if (cpu->thunks == NULL) {
        vcpu_free(vcpu);
        return NULL;
    }
    vcpu_reset(vcpu);
    return vcpu;
}

Cpu *vcpu_cpu(Vcpu *vcpu)
{
    return vcpu->cpu;
}

int vcpu_thread_id(const Vcpu *vcpu)
{
    return __atomic_load_n(&vcpu->thread_id, __ATOMIC_ACQUIRE);
}

static void vector_state_clear(Cpu *cpu)
{
    static const uint16_t fcw = 0x37f;
    static const uint32_t mxcsr = HOST_MXCSR;

    cpu->vector_live = false;
    memset(cpu->xsave, 0, sizeof(cpu->xsave));
    memcpy(cpu->xsave + XSAVE_FCW, &fcw, sizeof(fcw));
    memcpy(cpu->xsave + XSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
}

void vcpu_reset(Vcpu *vcpu)
{
    Cpu *cpu = vcpu->cpu;

    vector_state_clear(cpu);
    /* an alarm that has gone off stays: the clock source counts on a run */
    cpu_request_clear(cpu, ~(uint32_t)CPU_REQUEST_TIMER);
    software_cpu_reset(cpu, false);
    tsc_write(cpu, 0);
    mmu_flush_all(cpu);
    log_printf(vcpu->log, LOG_RESET, "cpu %u: reset\n", cpu->index);
    trace_registers(cpu, vcpu->log, LOG_RESET);
}

void vcpu_state_save(Vcpu *vcpu, uint64_t host_tsc)
{
    Cpu *cpu = vcpu->cpu;

    cpu_state_save(cpu, host_tsc);
    memcpy(cpu->pdpte, mmu_pdptes(cpu), sizeof(cpu->pdpte));
}

void vcpu_state_load(Vcpu *vcpu, uint64_t host_tsc)
{
    Cpu *cpu = vcpu->cpu;

    cpu_state_load(cpu, host_tsc);
    memcpy(mmu_pdptes(cpu), cpu->pdpte, sizeof(cpu->pdpte));
    software_cpu_loaded(cpu);
}

/* ---- The thread ---- */

/* Stands still while a pause is wanted. false: the thread is to end. */
static bool vcpu_pass_gate(Vcpu *vcpu)
{
    bool go;

    pthread_mutex_lock(&vcpu->gate);
    cpu_request_clear(vcpu->cpu, CPU_REQUEST_STOP);
    while (vcpu->paused && !vcpu->quit) {
        engine_forgo(vcpu->cpu);
        mwait_end(vcpu->cpu); /* so that no saved state has one */
        vcpu->parked = true;
        pthread_cond_broadcast(&vcpu->changed);
        pthread_cond_wait(&vcpu->changed, &vcpu->gate);
    }
    vcpu->parked = false;
    go = !vcpu->quit;
    pthread_mutex_unlock(&vcpu->gate);
    return go;
}

static bool vcpu_has_work(const Cpu *cpu)
{
    return (__atomic_load_n(&cpu->request, __ATOMIC_SEQ_CST) & CPU_REQUESTS_OF_MACHINE) != 0 ||
           interrupt_ready(cpu) || (cpu->halted && mwait_over(cpu));
}

/* Sleeps until the request word changes, or that moment of CLOCK_MONOTONIC. Another thread that
 * changes the word looks at `sleeping` afterwards; the alarm's signal interrupts the wait. */
static void vcpu_sleep(Vcpu *vcpu, int64_t until)
{
    const struct timespec moment = { until / NS_PER_S, until % NS_PER_S };
    Cpu *cpu = vcpu->cpu;
    uint32_t seen;

    __atomic_store_n(&cpu->sleeping, 1, __ATOMIC_SEQ_CST);
    seen = __atomic_load_n(&cpu->request, __ATOMIC_SEQ_CST);
    if (!vcpu_has_work(cpu)) {
        syscall(SYS_futex, &cpu->request, FUTEX_WAIT_BITSET_PRIVATE, seen,
                until == INT64_MAX ? NULL : &moment, NULL, FUTEX_BITSET_MATCH_ANY);
    }
    __atomic_store_n(&cpu->sleeping, 0, __ATOMIC_SEQ_CST);
}

static int64_t monotonic_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* When a CPU that is in MWAIT is to look at its line again: ever later. */
static int64_t mwait_moment(const Vcpu *vcpu)
{
    unsigned shift = MIN(vcpu->mwait_looks, MWAIT_DOUBLINGS);

    return vcpu->cpu->monitor_waits ? monotonic_now() + ((int64_t)MWAIT_FIRST_NS << shift)
                                    : INT64_MAX;
}

/* A store that left what was there is not seen: the guest has to look itself now and then. */
static void mwait_look(Vcpu *vcpu)
{
    if (mwait_over(vcpu->cpu) || ++vcpu->mwait_looks > MWAIT_LOOKS) {
        mwait_end(vcpu->cpu);
        vcpu->mwait_looks = 0;
    }
}

static void vcpu_wait(Vcpu *vcpu)
{
    int64_t moment = mwait_moment(vcpu);

    if (vcpu->alarm == NULL) {
        vcpu_sleep(vcpu, moment);
    } else {
        vcpu_sleep(vcpu, MIN(moment, clock_source_rest(vcpu->clock)));
        clock_source_run(vcpu->clock);
    }
    mwait_look(vcpu);
}

static void vcpu_run(Vcpu *vcpu)
{
    if (vcpu->cpu->debug != NULL) {
        vcpu_debug_run(vcpu->cpu, &vcpu->step);
    } else if (vcpu->cpu->engine == NULL && log_wants(vcpu->log, LOG_EVERY_STEP)) {
        guest_trace(vcpu->cpu, vcpu->log);
    } else {
        guest_run(vcpu->cpu);
    }
}

/* Signals are for the main thread, but for those that the thread itself causes. */
static void vcpu_block_signals(void)
{
    static const int own[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT };
    sigset_t set;

    sigfillset(&set);
    for (size_t i = 0; i < G_N_ELEMENTS(own); i++) {
        sigdelset(&set, own[i]);
    }
    sigdelset(&set, SAMPLER_SIGNAL_TIME);
    sigdelset(&set, SAMPLER_SIGNAL_DELAY);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
}

static void vcpu_set_alarm(void *opaque, int64_t ns)
{
    Vcpu *vcpu = opaque;

    alarm_set(vcpu->alarm, ns);
}

static void vcpu_enter(Vcpu *vcpu)
{
    const ClockAlarm alarm = { vcpu_set_alarm, vcpu };

    __atomic_store_n(&vcpu->thread_id, (int)gettid(), __ATOMIC_RELEASE);
    vcpu_block_signals();
    host_signals_enter(vcpu->cpu);
    if (vcpu->clock != NULL) {
        vcpu->alarm = alarm_new(vcpu->cpu);
    }
    if (vcpu->alarm != NULL) {
        clock_source_attach(vcpu->clock, &alarm);
    }
}

static void vcpu_leave(Vcpu *vcpu)
{
    if (vcpu->alarm != NULL) {
        clock_source_detach(vcpu->clock, vcpu);
        g_clear_pointer(&vcpu->alarm, alarm_free);
    }
    host_signals_enter(NULL);
}

/* What the machine wants done between two instructions. */
static void vcpu_serve(Vcpu *vcpu)
{
    Cpu *cpu = vcpu->cpu;
    uint32_t request = __atomic_load_n(&cpu->request, __ATOMIC_SEQ_CST);

    if (request & CPU_REQUEST_TIMER) {
        cpu_request_clear(cpu, CPU_REQUEST_TIMER);
        clock_source_run(vcpu->clock);
    }
    if (cpu->engine != NULL) { /* it does the rest, in its turn */
        return;
    }
    if (request & CPU_REQUEST_FLUSH) {
        cpu_request_clear(cpu, CPU_REQUEST_FLUSH);
        mmu_flush_all(cpu);
    }
    cpu_request_clear(cpu, CPU_REQUEST_CODE); /* there is nothing to synchronise */
}

static void *vcpu_thread(void *opaque)
{
    Vcpu *vcpu = opaque;
    Cpu *cpu = vcpu->cpu;

    vcpu_enter(vcpu);
    while (vcpu_pass_gate(vcpu)) {
        vcpu_serve(vcpu);
        if (cpu->halted && mwait_over(cpu)) {
            mwait_end(cpu);
            vcpu->mwait_looks = 0;
        }
        if ((cpu->halted || cpu->wait_sipi) && !vcpu_has_work(cpu) && cpu->debug_watch == NULL) {
            vcpu_wait(vcpu);
        } else {
            vcpu_run(vcpu);
        }
    }
    vcpu_leave(vcpu);
    return NULL;
}

bool vcpu_start(Vcpu *vcpu, GError **error)
{
    int result = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);

    if (result != 0) {
        g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "cannot start a thread: %s",
                    g_strerror(result));
        return false;
    }
    vcpu->started = true;
    pthread_setname_np(vcpu->thread, "vcpu");
    return true;
}

void vcpu_end(Vcpu *vcpu)
{
    if (vcpu->started) {
        pthread_mutex_lock(&vcpu->gate);
        vcpu->quit = true;
        pthread_cond_broadcast(&vcpu->changed);
        pthread_mutex_unlock(&vcpu->gate);
        vcpu_request(vcpu, CPU_REQUEST_STOP);
        pthread_join(vcpu->thread, NULL);
        vcpu->started = false;
    }
}

void vcpu_free(Vcpu *vcpu)
{
    if (vcpu == NULL) {
        return;
    }
    vcpu_end(vcpu);
    thunk_cache_free(vcpu->cpu->thunks);
    decode_cache_free(vcpu->cpu->decode);
    soft_mmu_free(vcpu->cpu->mmu);
    pthread_mutex_destroy(&vcpu->gate);
    pthread_cond_destroy(&vcpu->changed);
    munmap(vcpu->memory, vcpu->memory_size);
    g_free(vcpu);
}

/* ---- From other threads ---- */

bool vcpu_is_own(const Vcpu *vcpu)
{
    return vcpu->started && pthread_equal(vcpu->thread, pthread_self());
}

void vcpu_request(Vcpu *vcpu, uint32_t bits)
{
    cpu_request_set(vcpu->cpu, bits);
    if (__atomic_load_n(&vcpu->cpu->sleeping, __ATOMIC_SEQ_CST)) {
        syscall(SYS_futex, &vcpu->cpu->request, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

void vcpu_pause(Vcpu *vcpu)
{
    pthread_mutex_lock(&vcpu->gate);
    vcpu->paused = true;
    pthread_mutex_unlock(&vcpu->gate);
    vcpu_request(vcpu, CPU_REQUEST_STOP);
}

void vcpu_pause_wait(Vcpu *vcpu)
{
    pthread_mutex_lock(&vcpu->gate);
    while (vcpu->started && vcpu->paused && !vcpu->parked) {
        pthread_cond_wait(&vcpu->changed, &vcpu->gate);
    }
    pthread_mutex_unlock(&vcpu->gate);
}

void vcpu_set_debug(Vcpu *vcpu, const struct CpuDebug *debug, VcpuStep step)
{
    vcpu->cpu->debug = debug;
    vcpu->cpu->debug_watch = NULL;
    vcpu->step = step;
    software_cpu_loaded(vcpu->cpu);
}

void vcpu_resume(Vcpu *vcpu)
{
    pthread_mutex_lock(&vcpu->gate);
    vcpu->paused = false;
    pthread_cond_broadcast(&vcpu->changed);
    pthread_mutex_unlock(&vcpu->gate);
}
