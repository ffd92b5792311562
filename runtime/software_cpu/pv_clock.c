/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/software_cpu/pv_clock.h"

#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/tsc.h"
#include "softmmu/mmu.h"

enum { ENABLED = 1, TSC_STABLE = 1, VERSION = 2 /* even: not being written */ };

typedef struct SystemTime { /* little-endian, as the guest reads it */
    uint32_t version, pad0;
    uint64_t tsc_timestamp; /* the TSC at `system_time` */
    uint64_t system_time;
    uint32_t tsc_to_system_mul; /* nanoseconds: ((TSC << shift) * mul) >> 32 */
    int8_t tsc_shift;
    uint8_t flags, pad1[2];
} SystemTime;
_Static_assert(sizeof(SystemTime) == 32, "the guest's layout");

typedef struct WallClock { /* at system time 0 */
    uint32_t version, seconds, nanoseconds;
} WallClock;

static const uint64_t NS = 1000000000;

/* hz as a shift and a factor of 32 bits with its highest bit set. */
static void scale_set(SystemTime *time, uint64_t hz)
{
    uint64_t shifted = hz;

    while (shifted > 2 * NS) { /* a tick is shorter than half a nanosecond */
        shifted >>= 1;
        time->tsc_shift--;
    }
    while (shifted <= NS) {
        shifted <<= 1;
        time->tsc_shift++;
    }
    time->tsc_to_system_mul = (uint32_t)((NS << 32) / shifted);
}

static void system_time_publish(Cpu *cpu)
{
    SystemTime time = { .version = VERSION, .flags = TSC_STABLE, .tsc_timestamp = cpu->tsc_adjust };

    if ((cpu->pv_system_time & ENABLED) == 0) {
        return;
    }
    scale_set(&time, cpu_model_tsc_hz(cpu->model));
    cpu_vector_park(cpu);
    phys_map_write(soft_mmu_map(cpu->mmu), cpu->pv_system_time & ~(uint64_t)ENABLED, &time,
                   sizeof(time));
}

static void wall_clock_publish(Cpu *cpu)
{
    uint64_t hz = cpu_model_tsc_hz(cpu->model), wall;
    unsigned __int128 since = (unsigned __int128)(tsc_read(cpu) - cpu->tsc_adjust) * NS / hz;
    WallClock clock = { .version = VERSION };

    if (cpu->bus == NULL || cpu->bus->wall_clock == NULL) {
        return;
    }
    wall = cpu->bus->wall_clock(cpu) - (uint64_t)since;
    clock.seconds = (uint32_t)(wall / NS);
    clock.nanoseconds = (uint32_t)(wall % NS);
    cpu_vector_park(cpu);
    phys_map_write(soft_mmu_map(cpu->mmu), cpu->pv_wall_clock, &clock, sizeof(clock));
}

static bool is_system_time(uint32_t msr)
{
    return msr == MSR_KVM_SYSTEM_TIME || msr == MSR_KVM_SYSTEM_TIME_OLD;
}

bool pv_clock_is(const Cpu *cpu, uint32_t msr)
{
    return cpu->model != NULL && cpu_has_feature(cpu, CPU_FEATURE_PV_CLOCK) &&
           (is_system_time(msr) || msr == MSR_KVM_WALL_CLOCK || msr == MSR_KVM_WALL_CLOCK_OLD);
}

uint64_t pv_clock_read(const Cpu *cpu, uint32_t msr)
{
    return is_system_time(msr) ? cpu->pv_system_time : cpu->pv_wall_clock;
}

bool pv_clock_write(Cpu *cpu, uint32_t msr, uint64_t value)
{
    if (cpu_model_tsc_hz(cpu->model) == 0) {
        return false;
    }
    if (is_system_time(msr)) {
        cpu->pv_system_time = value;
        system_time_publish(cpu);
    } else {
        cpu->pv_wall_clock = value;
        wall_clock_publish(cpu);
    }
    return true;
}

void pv_clock_tsc_changed(Cpu *cpu)
{
    system_time_publish(cpu);
}
