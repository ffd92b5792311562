/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_memory.c - commands that look at guest memory: x, xp, print, memsave, info mem, info tlb. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/machine/guest_memory.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/monitor/cmd_int.h"
#include "runtime/machine/monitor/monitor_rows.h"
#include "softmmu/mmu.h"
#include "translator/insn.h"

enum { COUNT_MAX = 1 << 20, INSN_BYTES = 15 };

/* "/8xb": how many, how shown (x d u o c i), how wide (b h w g). */
typedef struct Format {
    unsigned count, width;
    char show;
} Format;

static bool format_read(const char *text, Format *format, GError **error)
{
    static const char sizes[] = "bhwg";
    const char *size;

    if (text == NULL) {
        return true;
    }
    if (g_ascii_isdigit(*text)) {
        uint64_t count = g_ascii_strtoull(text, (char **)&text, 10);

        format->count = (unsigned)MIN(count, COUNT_MAX);
    }
    for (; *text != '\0'; text++) {
        if (strchr("xduoci", *text) != NULL) {
            format->show = *text;
        } else if ((size = strchr(sizes, *text)) != NULL) {
            format->width = 1u << (size - sizes);
        } else {
            return monitor_fail(error, MONITOR_ERROR_GENERIC, "invalid char in format: '%c'",
                                *text);
        }
    }
    return true;
}

static void value_print(GString *text, const Format *format, uint64_t value)
{
    int64_t wide = (int64_t)(value << (64 - 8 * format->width)) >> (64 - 8 * format->width);

    switch (format->show) {
    case 'd':
        g_string_append_printf(text, "%" PRId64, wide);
        break;
    case 'u':
        g_string_append_printf(text, "%" PRIu64, value);
        break;
    case 'o':
        g_string_append_printf(text, "%#" PRIo64, value);
        break;
    case 'c':
        g_string_append_printf(text, "'%c'", g_ascii_isprint((char)value) ? (char)value : '.');
        break;
    default:
        g_string_append_printf(text, "0x%0*" PRIx64, (int)(2 * format->width), value);
        break;
    }
}

typedef struct Look {
    MonitorCall *call;
    Cpu *cpu;
    bool physical;
} Look;

static bool look_read(const Look *look, uint64_t address, void *data, uint64_t size)
{
    PhysMap *map = look->call->machine->map;

    if (look->physical) {
        phys_map_read(map, address, data, size);
        return true;
    }
    return guest_memory_read(look->cpu, map, address, data, size);
}

static void look_instructions(const Look *look, const Format *format, uint64_t address)
{
    unsigned width = look->cpu->mode & MODE_CS64 ? 8 : look->cpu->mode & MODE_CS32 ? 4 : 2;

    for (unsigned i = 0; i < format->count; i++) {
        uint8_t bytes[INSN_BYTES];
        unsigned n = 0;
        char text[160] = "(bad)";
        Insn insn;

        while (n < sizeof(bytes) && look_read(look, address + n, &bytes[n], 1)) {
            n++;
        }
        if (n == 0) {
            g_string_append(look->call->text, "Asm output not available\n");
            return;
        }
        insn.length = 1;
        if (insn_decode(&insn, bytes, n, width) == INSN_OK) {
            insn_format(&insn, address, text, sizeof(text));
        } else {
            insn.length = 1;
        }
        g_string_append_printf(look->call->text, "0x%08" PRIx64 ":  %s\n", address, text);
        address += insn.length;
    }
}

static bool look_values(const Look *look, const Format *format, uint64_t address, GError **error)
{
    unsigned a_line = format->show == 'c' ? 8 : format->width == 8 ? 2 : format->width == 1 ? 8 : 4;

    for (unsigned i = 0; i < format->count; i++, address += format->width) {
        uint64_t value = 0;

        if (!look_read(look, address, &value, format->width)) {
            return monitor_fail(error, MONITOR_ERROR_GENERIC, "Cannot access memory");
        }
        if (i % a_line == 0) {
            g_string_append_printf(look->call->text,
                                   look->physical ? "%016" PRIx64 ":" : "%08" PRIx64 ":", address);
        }
        g_string_append_c(look->call->text, ' ');
        value_print(look->call->text, format, value);
        if (i % a_line == a_line - 1 || i == format->count - 1) {
            g_string_append_c(look->call->text, '\n');
        }
    }
    return true;
}

static bool look_run(MonitorCall *call, bool physical, GError **error)
{
    const Look look = { call, machine_cpu(call->machine, call_cpu(call)), physical };
    Format format = { .count = 1, .width = 4, .show = 'x' };
    uint64_t address = (uint64_t)call_int(call, "addr", 0);
    bool done = format_read(call_str(call, "fmt"), &format, error);

    if (!done) {
        return false;
    }
    machine_hold(call->machine);
    machine_lock(call->machine);
    if (format.show == 'i') {
        look_instructions(&look, &format, address);
    } else {
        done = look_values(&look, &format, address, error);
    }
    machine_unlock(call->machine);
    machine_release(call->machine);
    return done;
}

static bool run_x(MonitorCall *call, GError **error)
{
    return look_run(call, false, error);
}

static bool run_xp(MonitorCall *call, GError **error)
{
    return look_run(call, true, error);
}

static bool run_print(MonitorCall *call, GError **error)
{
    Format format = { .count = 1, .width = 8, .show = 'x' };

    if (!format_read(call_str(call, "fmt"), &format, error)) {
        return false;
    }
    if (format.show == 'x') {
        g_string_append_printf(call->text, "0x%" PRIx64, (uint64_t)call_int(call, "val", 0));
    } else {
        value_print(call->text, &format, (uint64_t)call_int(call, "val", 0));
    }
    g_string_append_c(call->text, '\n');
    return true;
}

static bool run_gva2gpa(MonitorCall *call, GError **error)
{
    uint64_t gpa;

    (void)error;
    machine_hold(call->machine);
    if (mmu_translate_debug(machine_cpu(call->machine, call_cpu(call)),
                            (uint64_t)call_int(call, "addr", 0), &gpa)) {
        g_string_append_printf(call->text, "gpa: %#" PRIx64 "\n", gpa);
    } else {
        g_string_append(call->text, "Unmapped\n");
    }
    machine_release(call->machine);
    return true;
}

/* ---- Into files ---- */

static bool save(MonitorCall *call, const Look *look, FILE *file, GError **error)
{
    uint64_t address = (uint64_t)call_int(call, "val", 0);
    uint64_t left = (uint64_t)call_int(call, "size", 0);
    uint8_t piece[PAGE_SIZE];

    while (left != 0) {
        uint64_t n = MIN(left, sizeof(piece));

        if (!look_read(look, address, piece, n)) {
            return monitor_fail(error, MONITOR_ERROR_GENERIC,
                                "Invalid addr 0x%016" PRIx64 "/size %" PRId64 " specified", address,
                                call_int(call, "size", 0));
        }
        if (fwrite(piece, 1, n, file) != n) {
            return monitor_fail(error, MONITOR_ERROR_GENERIC, "An IO error has occurred: %s",
                                g_strerror(errno));
        }
        address += n;
        left -= n;
    }
    return true;
}

static bool save_run(MonitorCall *call, bool physical, GError **error)
{
    const char *name = call_str(call, "filename");
    int64_t index = call_int(call, "cpu-index", (int64_t)call_cpu(call));
    Look look = { call, NULL, physical };
    FILE *file;
    bool done;

    if (index < 0 || index >= (int64_t)machine_cpu_count(call->machine) ||
        !machine_has_cpu(call->machine, (unsigned)index)) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "Parameter 'cpu-index' expects a CPU number");
    }
    look.cpu = machine_cpu(call->machine, (unsigned)index);
    file = fopen(name, "wbe");
    if (file == NULL) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "Could not open '%s': %s", name,
                            g_strerror(errno));
    }
    machine_hold(call->machine);
    machine_lock(call->machine);
    done = save(call, &look, file, error);
    machine_unlock(call->machine);
    machine_release(call->machine);
    if (fclose(file) != 0 && done) {
        done = monitor_fail(error, MONITOR_ERROR_GENERIC, "An IO error has occurred: %s",
                            g_strerror(errno));
    }
    return done;
}

static bool run_memsave(MonitorCall *call, GError **error)
{
    return save_run(call, false, error);
}

static bool run_pmemsave(MonitorCall *call, GError **error)
{
    return save_run(call, true, error);
}

/* ---- Tables ---- */

static void tlb_page(void *opaque, const GuestPage *page)
{
    static const struct {
        char letter;
        uint8_t bit;
    } flags[] = { { 'X', 63 }, { 'G', 8 }, { 'P', 7 }, { 'D', 6 }, { 'A', 5 },
                  { 'C', 4 },  { 'T', 3 }, { 'U', 2 }, { 'W', 1 } };
    GString *text = opaque;

    g_string_append_printf(text, "%016" PRIx64 ": %016" PRIx64 " ", page->gva, page->gpa);
    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++) {
        g_string_append_c(text, page->entry >> flags[i].bit & 1 ? flags[i].letter : '-');
    }
    g_string_append_c(text, '\n');
}

/* Neighbours of equal rights are one line. */
typedef struct Ranges {
    GString *text;
    GuestPage range; /* size 0: none yet */
} Ranges;

static void range_print(const Ranges *ranges)
{
    const GuestPage *range = &ranges->range;

    if (range->size != 0) {
        g_string_append_printf(ranges->text, "%016" PRIx64 "-%016" PRIx64 " %016" PRIx64 " %cr%c\n",
                               range->gva, range->gva + range->size, range->size,
                               range->user ? 'u' : '-', range->writable ? 'w' : '-');
    }
}

static void range_page(void *opaque, const GuestPage *page)
{
    Ranges *ranges = opaque;
    GuestPage *range = &ranges->range;

    if (range->size != 0 && range->gva + range->size == page->gva && range->user == page->user &&
        range->writable == page->writable) {
        range->size += page->size;
        return;
    }
    range_print(ranges);
    *range = *page;
}

static bool tables_run(MonitorCall *call, GuestPageEach *each, void *opaque)
{
    const Cpu *cpu = machine_cpu(call->machine, call_cpu(call));

    machine_hold(call->machine);
    machine_lock(call->machine);
    if (cpu->cr0 & CR0_PG) {
        guest_memory_pages(cpu, call->machine->map, each, opaque);
    } else {
        g_string_append(call->text, "PG disabled\n");
    }
    machine_unlock(call->machine);
    machine_release(call->machine);
    return true;
}

static bool run_info_tlb(MonitorCall *call, GError **error)
{
    (void)error;
    return tables_run(call, tlb_page, call->text);
}

static bool run_info_mem(MonitorCall *call, GError **error)
{
    Ranges ranges = { call->text, { 0 } };
    bool done = tables_run(call, range_page, &ranges);

    (void)error;
    range_print(&ranges);
    return done;
}

static bool run_memory_size(MonitorCall *call, GError **error)
{
    JsonObject *result = call_object(call);

    (void)error;
    json_object_set_int_member(result, "base-memory", (gint64)call->machine->options->ram);
    json_object_set_int_member(result, "plugged-memory", 0);
    return true;
}

static void show_memory_size(MonitorCall *call)
{
    g_string_append_printf(call->text, "base memory: %" PRIu64 "\nplugged memory: 0\n",
                           call->machine->options->ram);
}

static const MonitorRow rows[] = {
    { .hmp = "x",
      .args = "*fmt:format addr:int",
      .run = run_x,
      .flags = MONITOR_UNLOCKED,
      .help = "virtual memory dump starting at 'addr'" },
    { .hmp = "xp",
      .args = "*fmt:format addr:int",
      .run = run_xp,
      .flags = MONITOR_UNLOCKED,
      .help = "physical memory dump starting at 'addr'" },
    { .hmp = "p|print",
      .args = "*fmt:format val:int",
      .run = run_print,
      .flags = MONITOR_EMPTY,
      .help = "print expression value (use $reg for CPU register access)" },
    { .hmp = "gva2gpa",
      .args = "addr:int",
      .run = run_gva2gpa,
      .flags = MONITOR_UNLOCKED,
      .help = "print the guest physical address that a virtual one is mapped to" },
    { "memsave", "memsave", .args = "val:int size:int filename:str *cpu-index:int",
      .hmp_args = "val:int size:int filename:str", .run = run_memsave, .flags = MONITOR_UNLOCKED,
      .help = "save to disk virtual memory dump starting at 'val' of size 'size'" },
    { "pmemsave", "pmemsave", .args = "val:int size:int filename:str", .run = run_pmemsave,
      .flags = MONITOR_UNLOCKED,
      .help = "save to disk physical memory dump starting at 'val' of size 'size'" },
    { .hmp = "info tlb",
      .run = run_info_tlb,
      .flags = MONITOR_UNLOCKED,
      .help = "show virtual to physical memory mappings" },
    { .hmp = "info mem",
      .run = run_info_mem,
      .flags = MONITOR_UNLOCKED,
      .help = "show the active virtual memory mappings" },
    { "query-memory-size-summary", "info memory_size_summary", .result = "MemoryInfo",
      .run = run_memory_size, .show = show_memory_size, .flags = MONITOR_EMPTY,
      .help = "show the amount of initially allocated and plugged memory" },
    { 0 },
};

static const MonitorType types[] = {
    { "MemoryInfo", .members = "base-memory:size *plugged-memory:size" },
    { 0 },
};

const MonitorTable monitor_memory_table = { .rows = rows, .types = types };
