/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_cpu.c - commands about vCPUs: info registers, cpu, query-cpus-fast. */
#include <inttypes.h>
#include <string.h>

#include "runtime/machine/cpu_places.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/monitor/cmd_int.h"
#include "runtime/machine/monitor/monitor_int.h"
#include "runtime/software_cpu/cpuid.h"

unsigned call_cpu(const MonitorCall *call)
{
    return call->machine->monitors->cpu;
}

/* ---- info registers: in the form of QEMU's ---- */

static void print_gprs(GString *text, const Cpu *cpu)
{
    static const uint8_t order[] = { RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP,
                                     R8,  R9,  R10, R11, R12, R13, R14, R15 };
    static const char *const wide[] = { "RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RBP", "RSP",
                                        "R8 ", "R9 ", "R10", "R11", "R12", "R13", "R14", "R15" };
    static const char *const narrow[] = { "EAX", "EBX", "ECX", "EDX", "ESI", "EDI", "EBP", "ESP" };
    bool is_64 = cpu->mode & MODE_CS64;

    for (unsigned i = 0; i < (is_64 ? 16 : 8); i++) {
        if (is_64) {
            g_string_append_printf(text, "%s=%016" PRIx64, wide[i], cpu->gpr[order[i]]);
        } else {
            g_string_append_printf(text, "%s=%08x", narrow[i], (uint32_t)cpu->gpr[order[i]]);
        }
        g_string_append_c(text, i % 4 == 3 ? '\n' : ' ');
    }
}

static void print_flags(GString *text, const Cpu *cpu)
{
    static const struct {
        uint32_t bit;
        char letter;
    } flags[] = { { FLAG_DF, 'D' }, { FLAG_OF, 'O' }, { FLAG_SF, 'S' }, { FLAG_ZF, 'Z' },
                  { FLAG_AF, 'A' }, { FLAG_PF, 'P' }, { FLAG_CF, 'C' } };

    if (cpu->mode & MODE_CS64) {
        g_string_append_printf(text, "RIP=%016" PRIx64 " RFL=%08x [", cpu->rip,
                               (uint32_t)cpu->rflags);
    } else {
        g_string_append_printf(text, "EIP=%08x EFL=%08x [", (uint32_t)cpu->rip,
                               (uint32_t)cpu->rflags);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++) {
        g_string_append_c(text, cpu->rflags & flags[i].bit ? flags[i].letter : '-');
    }
    g_string_append_printf(text, "] CPL=%u II=%d A20=%u SMM=%d HLT=%d\n", cpu_cpl(cpu),
                           cpu->shadow != SHADOW_NONE, cpu->a20_mask >> 20 & 1, cpu->smm,
                           cpu->halted);
}

static void print_segments(GString *text, const Cpu *cpu)
{
    static const char *const names[SEGMENTS] = { "ES ", "CS ", "SS ", "DS ",
                                                 "FS ", "GS ", "LDT", "TR " };
    int width = cpu->efer & EFER_LMA ? 16 : 8;

    for (unsigned i = 0; i < SEGMENTS; i++) {
        const Segment *seg = &cpu->seg[i];

        g_string_append_printf(text, "%s=%04x %0*" PRIx64 " %08x %08x\n", names[i], seg->selector,
                               width, seg->base, seg->limit, (uint32_t)seg->attr << 8);
    }
    g_string_append_printf(text, "GDT=     %0*" PRIx64 " %08x\n", width, cpu->gdtr.base,
                           cpu->gdtr.limit);
    g_string_append_printf(text, "IDT=     %0*" PRIx64 " %08x\n", width, cpu->idtr.base,
                           cpu->idtr.limit);
}

static void print_control(GString *text, const Cpu *cpu)
{
    int width = cpu->efer & EFER_LMA ? 16 : 8;

    g_string_append_printf(
        text,
        "CR0=%08x CR2=%0*" PRIx64 " CR3=%0*" PRIx64 " CR4=%08x\n"
        "DR0=%016" PRIx64 " DR1=%016" PRIx64 " DR2=%016" PRIx64 " DR3=%016" PRIx64
        "\nDR6=%016" PRIx64 " DR7=%016" PRIx64 "\nEFER=%016" PRIx64 "\n",
        (uint32_t)cpu->cr0, width, cpu->cr2, width, cpu->cr3, (uint32_t)cpu->cr4, cpu->dr[0],
        cpu->dr[1], cpu->dr[2], cpu->dr[3], cpu->dr[6], cpu->dr[7], cpu->efer);
}

static uint64_t image_get(const Cpu *cpu, unsigned at, unsigned width)
{
    uint64_t value = 0;

    memcpy(&value, cpu->xsave + at, width);
    return value;
}

/* Places in the legacy area of the XSAVE image (SDM vol. 1 table 10-2). */
enum { AT_FCW = 0, AT_FSW = 2, AT_FTW = 4, AT_MXCSR = 24, AT_ST0 = 32, AT_XMM0 = 160 };

static void print_vectors(GString *text, const Cpu *cpu)
{
    unsigned fsw = (unsigned)image_get(cpu, AT_FSW, 2);

    g_string_append_printf(text, "FCW=%04x FSW=%04x [ST=%u] FTW=%02x MXCSR=%08x\n",
                           (unsigned)image_get(cpu, AT_FCW, 2), fsw, fsw >> 11 & 7,
                           (unsigned)image_get(cpu, AT_FTW, 1),
                           (unsigned)image_get(cpu, AT_MXCSR, 4));
    for (unsigned i = 0; i < 8; i++) {
        g_string_append_printf(
            text, "FPR%u=%016" PRIx64 " %04x%c", i, image_get(cpu, AT_ST0 + 16 * i, 8),
            (unsigned)image_get(cpu, AT_ST0 + 16 * i + 8, 2), i % 2 == 1 ? '\n' : ' ');
    }
    for (unsigned i = 0; i < (cpu->mode & MODE_CS64 ? 16 : 8); i++) {
        g_string_append_printf(text, "XMM%02u=%016" PRIx64 " %016" PRIx64 "%c", i,
                               image_get(cpu, AT_XMM0 + 16 * i + 8, 8),
                               image_get(cpu, AT_XMM0 + 16 * i, 8), i % 2 == 1 ? '\n' : ' ');
    }
}

static void print_registers(GString *text, const Cpu *cpu)
{
    g_string_append_printf(text, "\nCPU#%u\n", cpu->index);
    print_gprs(text, cpu);
    print_flags(text, cpu);
    print_segments(text, cpu);
    print_control(text, cpu);
    print_vectors(text, cpu);
}

static bool cpu_is_there(const MonitorCall *call, int64_t index)
{
    return index >= 0 && index < (int64_t)machine_cpu_count(call->machine) &&
           machine_has_cpu(call->machine, (unsigned)index);
}

static bool run_info_registers(MonitorCall *call, GError **error)
{
    bool all = call_bool(call, "cpustate_all", false);
    int64_t wanted = call_int(call, "vcpu", (int64_t)call_cpu(call));

    if (!all && (!cpu_is_there(call, wanted))) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "CPU#%" PRId64 " not available", wanted);
    }
    machine_hold(call->machine);
    for (unsigned i = 0; i < machine_cpu_count(call->machine); i++) {
        if (machine_has_cpu(call->machine, i) && (all || i == (unsigned)wanted)) {
            print_registers(call->text, machine_cpu(call->machine, i));
        }
    }
    machine_release(call->machine);
    return true;
}

/* ---- Which there are ---- */

static bool run_cpu(MonitorCall *call, GError **error)
{
    int64_t index = call_int(call, "index", 0);

    if (!cpu_is_there(call, index)) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "invalid CPU index");
    }
    call->machine->monitors->cpu = (unsigned)index;
    return true;
}

static JsonObject *cpu_props(const Machine *machine, unsigned index)
{
    const SmpOptions *smp = &machine->options->smp;
    CpuPlace place = cpu_place(smp, index);

    if (numa_nodes(machine->numa) != 0) {
        place.node = numa_cpu_node(machine->numa, index);
    }
    return cpu_place_json(smp, &place);
}

/* Those from the start are no devices. */
static char *cpu_path(const Machine *machine, unsigned index)
{
    const Device *dev = pc_cpu_device(machine->pc, index);

    return dev != NULL ? device_path(dev)
                       : g_strdup_printf("/machine/unattached/device[%u]", index);
}

static bool run_query_cpus_fast(MonitorCall *call, GError **error)
{
    JsonArray *array = call_array(call);

    (void)error;
    for (unsigned i = 0; i < machine_cpu_count(call->machine); i++) {
        g_autofree char *path = NULL;
        JsonObject *cpu;

        if (!machine_has_cpu(call->machine, i)) {
            continue;
        }
        path = cpu_path(call->machine, i);
        cpu = json_array_new_object(array);
        json_object_set_int_member(cpu, "thread-id", vcpu_thread_id(call->machine->vcpu[i]));
        json_object_set_object_member(cpu, "props", cpu_props(call->machine, i));
        json_object_set_string_member(cpu, "qom-path", path);
        json_object_set_int_member(cpu, "cpu-index", i);
        json_object_set_string_member(cpu, "target", "x86_64");
    }
    return true;
}

static void show_cpus(MonitorCall *call)
{
    for (unsigned i = 0; i < machine_cpu_count(call->machine); i++) {
        if (machine_has_cpu(call->machine, i)) {
            g_string_append_printf(call->text, "%c CPU #%u: thread_id=%d\n",
                                   i == call_cpu(call) ? '*' : ' ', i,
                                   vcpu_thread_id(call->machine->vcpu[i]));
        }
    }
}

/* The last place first, as QEMU has it. */
static bool run_query_hotpluggable_cpus(MonitorCall *call, GError **error)
{
    JsonArray *array = call_array(call);

    (void)error;
    for (unsigned i = machine_cpu_count(call->machine); i-- > 0;) {
        JsonObject *cpu = json_array_new_object(array);

        json_object_set_object_member(cpu, "props", cpu_props(call->machine, i));
        json_object_set_int_member(cpu, "vcpus-count", 1);
        if (machine_has_cpu(call->machine, i)) {
            g_autofree char *path = cpu_path(call->machine, i);

            json_object_set_string_member(cpu, "qom-path", path);
        }
        json_object_set_string_member(cpu, "type", call->machine->cpu_type);
    }
    return true;
}

static void hotpluggable_show(GString *text, JsonObject *cpu)
{
    static const char *const names[] = { "node-id",    "socket-id", "die-id",
                                         "cluster-id", "core-id",   "thread-id" };
    JsonObject *props = json_object_get_object_member(cpu, "props");

    g_string_append_printf(text, "  type: \"%s\"\n  vcpus_count: \"%" G_GINT64_FORMAT "\"\n",
                           json_object_get_string_member(cpu, "type"),
                           json_object_get_int_member(cpu, "vcpus-count"));
    if (json_object_has_member(cpu, "qom-path")) {
        g_string_append_printf(text, "  qom_path: \"%s\"\n",
                               json_object_get_string_member(cpu, "qom-path"));
    }
    g_string_append(text, "  CPUInstance Properties:\n");
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (json_object_has_member(props, names[i])) {
            g_string_append_printf(text, "    %s: \"%" G_GINT64_FORMAT "\"\n", names[i],
                                   json_object_get_int_member(props, names[i]));
        }
    }
}

static void show_hotpluggable_cpus(MonitorCall *call)
{
    JsonArray *array = json_node_get_array(call->result);

    g_string_append(call->text, "Hotpluggable CPUs:\n");
    for (guint i = 0; i < json_array_get_length(array); i++) {
        hotpluggable_show(call->text, json_array_get_object_element(array, i));
    }
}

static const MonitorRow rows[] = {
    { .hmp = "info registers",
      .args = "*cpustate_all/a:bool *vcpu:int",
      .run = run_info_registers,
      .flags = MONITOR_UNLOCKED,
      .help = "show the cpu registers (-a: of all CPUs)" },
    { .hmp = "cpu", .args = "index:int", .run = run_cpu, .help = "set the default CPU" },
    { "query-cpus-fast", "info cpus", .result = "[CpuInfoFast]", .run = run_query_cpus_fast,
      .show = show_cpus, .flags = MONITOR_EMPTY, .help = "show infos for each CPU" },
    { "query-hotpluggable-cpus", "info hotpluggable-cpus", .result = "[HotpluggableCPU]",
      .run = run_query_hotpluggable_cpus, .show = show_hotpluggable_cpus, .flags = MONITOR_EMPTY,
      .help = "the places of CPUs and what is in them" },
    { 0 },
};

static const MonitorType types[] = {
    { "CpuInfoFast", .members = "cpu-index:int qom-path:str thread-id:int "
                                "*props:CpuInstanceProperties target:SysEmuTarget" },
    { "CpuInstanceProperties", .members = "*node-id:int *socket-id:int *die-id:int "
                                          "*cluster-id:int *core-id:int *thread-id:int" },
    { "HotpluggableCPU", .members = "type:str vcpus-count:int props:CpuInstanceProperties "
                                    "*qom-path:str" },
    { 0 },
};

const MonitorTable monitor_cpu_table = { .rows = rows, .types = types };
