/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gdb_command.c - the packets, a row each. */
#include "runtime/machine/gdbstub/gdbstub_int.h"

#include <string.h>

#include "runtime/machine/guest_memory.h"
#include "runtime/machine/monitor/monitor.h"

enum { SIGNAL_TRAP = 5, MEMORY_MAX = GDB_PACKET_MAX / 2 - 8, CONSOLE_PIECE = 1024 };
enum { STEP_NO_IRQ = 2 };

/* `args` is what stands behind the row's prefix; n bytes, and a NUL behind. */
typedef void GdbRun(GdbStub *stub, const char *args, size_t n);

typedef struct GdbRow {
    const char *prefix;
    GdbRun *run;
    bool resumes; /* not with the machine held */
} GdbRow;

static void reply_error(GdbStub *stub)
{
    gdb_reply(stub, "E22");
}

static void reply_ok(GdbStub *stub)
{
    gdb_reply(stub, "OK");
}

/* ---- Registers ---- */

static void run_get_all(GdbStub *stub, const char *args, size_t n)
{
    g_autoptr(GString) text = g_string_new(NULL);
    uint8_t value[16];

    (void)args, (void)n;
    for (unsigned i = 0; i < gdb_registers_core_count(stub->registers); i++) {
        unsigned width = gdb_register_get(stub->registers, gdb_cpu(stub), i, value);

        gdb_hex(text, value, width);
    }
    gdb_reply(stub, text->str);
}

/* Numbers count from 1. */
static bool thread_is_there(const GdbStub *stub, uint64_t thread)
{
    return thread >= 1 && thread <= machine_cpu_count(stub->machine) &&
           machine_has_cpu(stub->machine, (unsigned)thread - 1);
}

static void run_set_all(GdbStub *stub, const char *args, size_t n)
{
    for (unsigned i = 0; i < gdb_registers_core_count(stub->registers); i++) {
        uint8_t value[16];
        unsigned width = gdb_register_get(stub->registers, gdb_cpu(stub), i, value);
        g_autofree char *digits = g_strndup(args, 2 * width);

        if (n < 2 * width) {
            break;
        }
        if (gdb_unhex(digits, value, width) == (gssize)width) {
            gdb_register_set(stub->registers, gdb_cpu(stub), i, value);
        }
        args += 2 * width;
        n -= 2 * width;
    }
    reply_ok(stub);
}

static void run_get(GdbStub *stub, const char *args, size_t n)
{
    g_autoptr(GString) text = g_string_new(NULL);
    uint8_t value[16];
    uint64_t number;

    (void)n;
    if (!gdb_number(&args, &number) || number >= gdb_registers_count(stub->registers)) {
        reply_error(stub);
        return;
    }
    gdb_hex(text, value, gdb_register_get(stub->registers, gdb_cpu(stub), (unsigned)number, value));
    gdb_reply(stub, text->str);
}

static void run_set(GdbStub *stub, const char *args, size_t n)
{
    uint8_t value[16];
    uint64_t number;
    unsigned width;

    (void)n;
    if (!gdb_number(&args, &number) || *args++ != '=' ||
        number >= gdb_registers_count(stub->registers)) {
        reply_error(stub);
        return;
    }
    width = gdb_register_get(stub->registers, gdb_cpu(stub), (unsigned)number, value);
    if (gdb_unhex(args, value, sizeof(value)) != (gssize)width) {
        reply_error(stub);
        return;
    }
    gdb_register_set(stub->registers, gdb_cpu(stub), (unsigned)number, value);
    reply_ok(stub);
}

/* ---- Memory ---- */

static bool range_read(const char **args, uint64_t *address, uint64_t *size)
{
    return gdb_number(args, address) && *(*args)++ == ',' && gdb_number(args, size) &&
           *size <= MEMORY_MAX;
}

static void run_read(GdbStub *stub, const char *args, size_t n)
{
    PhysMap *map = stub->machine->map;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree uint8_t *data = NULL;
    uint64_t address, size;

    (void)n;
    if (!range_read(&args, &address, &size)) {
        reply_error(stub);
        return;
    }
    data = g_malloc0(size + 1);
    if (stub->physical) {
        phys_map_read(map, address, data, size);
    } else if (!guest_memory_read(gdb_cpu(stub), map, address, data, size)) {
        gdb_reply(stub, "E14");
        return;
    }
    gdb_hex(text, data, size);
    gdb_reply(stub, text->str);
}

static void memory_write(GdbStub *stub, uint64_t address, const void *data, uint64_t size)
{
    PhysMap *map = stub->machine->map;

    if (stub->physical) {
        phys_map_write(map, address, data, size);
    } else if (!guest_memory_write(gdb_cpu(stub), map, address, data, size)) {
        gdb_reply(stub, "E14");
        return;
    }
    reply_ok(stub);
}

static void run_write(GdbStub *stub, const char *args, size_t n)
{
    uint8_t data[MEMORY_MAX];
    uint64_t address, size;

    (void)n;
    if (!range_read(&args, &address, &size) || *args++ != ':' ||
        gdb_unhex(args, data, sizeof(data)) != (gssize)size) {
        reply_error(stub);
        return;
    }
    memory_write(stub, address, data, size);
}

static void run_write_bytes(GdbStub *stub, const char *args, size_t n)
{
    const char *end = args + n;
    uint64_t address, size;

    if (!range_read(&args, &address, &size) || *args++ != ':' || (uint64_t)(end - args) != size) {
        reply_error(stub);
        return;
    }
    memory_write(stub, address, args, size);
}

/* ---- Breakpoints ---- */

static void run_insert(GdbStub *stub, const char *args, size_t n)
{
    (void)n;
    gdb_breakpoint(stub, args, true);
}

static void run_remove(GdbStub *stub, const char *args, size_t n)
{
    (void)n;
    gdb_breakpoint(stub, args, false);
}

/* ---- Going on ---- */

static void go_from(GdbStub *stub, const char *args, bool step)
{
    uint64_t rip;

    if (gdb_number(&args, &rip)) {
        machine_cpu(stub->machine, stub->run_thread)->rip = rip;
    }
    gdb_resume(stub, step, stub->run_thread);
}

static void run_continue(GdbStub *stub, const char *args, size_t n)
{
    (void)n;
    go_from(stub, args, false);
}

static void run_step(GdbStub *stub, const char *args, size_t n)
{
    (void)n;
    go_from(stub, args, true);
}

/* Behind a signal, which a guest has no use for: "05;address". */
static void run_continue_signal(GdbStub *stub, const char *args, size_t n)
{
    const char *address = strchr(args, ';');

    (void)n;
    go_from(stub, address != NULL ? address + 1 : "", false);
}

static void run_step_signal(GdbStub *stub, const char *args, size_t n)
{
    const char *address = strchr(args, ';');

    (void)n;
    go_from(stub, address != NULL ? address + 1 : "", true);
}

static void run_vcont_query(GdbStub *stub, const char *args, size_t n)
{
    (void)args, (void)n;
    gdb_reply(stub, "vCont;c;C;s;S");
}

/* "s:1;c": a step of one thread goes before what the others are to do. */
static void run_vcont(GdbStub *stub, const char *args, size_t n)
{
    g_auto(GStrv) actions = g_strsplit(args, ";", -1);
    unsigned cpu = stub->run_thread;
    bool step = false;

    (void)n;
    for (char **action = actions; *action != NULL && !step; action++) {
        const char *thread = strchr(*action, ':');
        uint64_t number = 0;

        step = g_ascii_tolower(**action) == 's';
        if (!step && g_ascii_tolower(**action) != 'c') {
            reply_error(stub);
            return;
        }
        if (thread != NULL && ++thread && gdb_number(&thread, &number) &&
            thread_is_there(stub, number)) {
            cpu = (unsigned)number - 1;
        }
    }
    gdb_resume(stub, step, cpu);
}

static void run_why(GdbStub *stub, const char *args, size_t n)
{
    (void)args, (void)n;
    gdb_reply_stopped(stub, SIGNAL_TRAP);
}

static void run_detach(GdbStub *stub, const char *args, size_t n)
{
    (void)args, (void)n;
    reply_ok(stub);
    gdb_detach(stub, true);
}

static void run_kill(GdbStub *stub, const char *args, size_t n)
{
    (void)args, (void)n;
    if (*args == ';') { /* vKill wants an answer */
        reply_ok(stub);
    }
    machine_request_stop(stub->machine, STOP_HOST_QUIT, 0);
}

/* ---- Threads ---- */

static void run_set_thread(GdbStub *stub, const char *args, size_t n)
{
    const char *number = args + 1;
    uint64_t thread;

    if (n < 2 || (*args != 'g' && *args != 'c')) {
        reply_error(stub);
        return;
    }
    if (*number == '-' || !gdb_number(&number, &thread) || thread == 0) {
        reply_ok(stub); /* any */
        return;
    }
    if (!thread_is_there(stub, thread)) {
        reply_error(stub);
        return;
    }
    *(*args == 'g' ? &stub->thread : &stub->run_thread) = (unsigned)thread - 1;
    reply_ok(stub);
}

static void run_thread_alive(GdbStub *stub, const char *args, size_t n)
{
    uint64_t thread;

    (void)n;
    gdb_reply(stub, gdb_number(&args, &thread) && thread_is_there(stub, thread) ? "OK" : "E22");
}

static void run_next_thread(GdbStub *stub, const char *args, size_t n)
{
    g_autofree char *reply = NULL;

    (void)args, (void)n;
    while (stub->next_thread < machine_cpu_count(stub->machine) &&
           !machine_has_cpu(stub->machine, stub->next_thread)) {
        stub->next_thread++;
    }
    if (stub->next_thread >= machine_cpu_count(stub->machine)) {
        gdb_reply(stub, "l");
        return;
    }
    reply = g_strdup_printf("m%x", ++stub->next_thread);
    gdb_reply(stub, reply);
}

static void run_first_thread(GdbStub *stub, const char *args, size_t n)
{
    stub->next_thread = 0;
    run_next_thread(stub, args, n);
}

static void run_current_thread(GdbStub *stub, const char *args, size_t n)
{
    g_autofree char *reply = g_strdup_printf("QC%x", stub->thread + 1);

    (void)args, (void)n;
    gdb_reply(stub, reply);
}

static void run_thread_info(GdbStub *stub, const char *args, size_t n)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *words = NULL;
    uint64_t thread;

    (void)n;
    if (!gdb_number(&args, &thread) || !thread_is_there(stub, thread)) {
        reply_error(stub);
        return;
    }
    words = g_strdup_printf("CPU#%u [%s]", (unsigned)thread - 1,
                            machine_cpu(stub->machine, (unsigned)thread - 1)->halted ? "halted "
                                                                                     : "running");
    gdb_hex(text, words, strlen(words));
    gdb_reply(stub, text->str);
}

/* ---- Queries ---- */

static void run_supported(GdbStub *stub, const char *args, size_t n)
{
    g_autofree char *reply = g_strdup_printf(
        "PacketSize=%x;qXfer:features:read+;QStartNoAckMode+;vContSupported+;"
        "swbreak+;hwbreak+",
        GDB_PACKET_MAX - 1);

    (void)args, (void)n;
    gdb_reply(stub, reply);
}

static void run_no_ack(GdbStub *stub, const char *args, size_t n)
{
    (void)args, (void)n;
    reply_ok(stub);
    stub->no_ack = true;
}

/* "target.xml:OFFSET,SIZE" */
static void run_features(GdbStub *stub, const char *args, size_t n)
{
    static const char name[] = "target.xml:";
    g_autoptr(GString) reply = g_string_new(NULL);
    uint64_t offset, size, length = strlen(stub->xml);

    (void)n;
    if (!g_str_has_prefix(args, name)) {
        gdb_reply(stub, "E00");
        return;
    }
    args += strlen(name);
    if (!gdb_number(&args, &offset) || *args++ != ',' || !gdb_number(&args, &size) ||
        offset > length) {
        reply_error(stub);
        return;
    }
    size = MIN(size, MIN(length - offset, MEMORY_MAX));
    g_string_append_c(reply, offset + size < length ? 'm' : 'l');
    g_string_append_len(reply, stub->xml + offset, (gssize)size);
    gdb_reply_bytes(stub, reply->str, reply->len);
}

static void run_attached(GdbStub *stub, const char *args, size_t n)
{
    (void)args, (void)n;
    gdb_reply(stub, "1");
}

static void run_physical(GdbStub *stub, const char *args, size_t n)
{
    (void)n;
    stub->physical = *args == '1';
    reply_ok(stub);
}

static void run_query_physical(GdbStub *stub, const char *args, size_t n)
{
    (void)args, (void)n;
    gdb_reply(stub, stub->physical ? "1" : "0");
}

static void run_step_bits(GdbStub *stub, const char *args, size_t n)
{
    uint64_t bits;

    (void)n;
    if (!gdb_number(&args, &bits) || bits > 7) {
        reply_error(stub);
        return;
    }
    stub->step_bits = (unsigned)bits;
    reply_ok(stub);
}

static void run_query_step_bits(GdbStub *stub, const char *args, size_t n)
{
    (void)args, (void)n;
    gdb_reply(stub, "ENABLE=1,NOIRQ=2,NOTIMER=4");
}

static void run_query_step(GdbStub *stub, const char *args, size_t n)
{
    g_autofree char *reply = g_strdup_printf("0x%x", stub->step_bits);

    (void)args, (void)n;
    gdb_reply(stub, reply);
}

static void run_monitor(GdbStub *stub, const char *args, size_t n)
{
    g_autofree char *line = g_malloc0(n / 2 + 1);
    g_autofree char *text = NULL;

    if (gdb_unhex(args, line, n / 2) < 0) {
        reply_error(stub);
        return;
    }
    text = monitors_execute(stub->machine->monitors, line);
    for (size_t at = 0, length = strlen(text); at < length; at += CONSOLE_PIECE) {
        g_autoptr(GString) piece = g_string_new("O");

        gdb_hex(piece, text + at, MIN(length - at, CONSOLE_PIECE));
        gdb_reply(stub, piece->str);
    }
    reply_ok(stub);
}

/* A longer prefix stands in front of a shorter one. */
static const GdbRow rows[] = {
    { "?", run_why, false },
    { "g", run_get_all, false },
    { "G", run_set_all, false },
    { "p", run_get, false },
    { "P", run_set, false },
    { "m", run_read, false },
    { "M", run_write, false },
    { "X", run_write_bytes, false },
    { "Z", run_insert, false },
    { "z", run_remove, false },
    { "c", run_continue, true },
    { "C", run_continue_signal, true },
    { "s", run_step, true },
    { "S", run_step_signal, true },
    { "vCont?", run_vcont_query, false },
    { "vCont;", run_vcont, true },
    { "vKill", run_kill, true },
    { "D", run_detach, true },
    { "k", run_kill, true },
    { "H", run_set_thread, false },
    { "T", run_thread_alive, false },
    { "qfThreadInfo", run_first_thread, false },
    { "qsThreadInfo", run_next_thread, false },
    { "qThreadExtraInfo,", run_thread_info, false },
    { "qC", run_current_thread, false },
    { "qSupported", run_supported, false },
    { "QStartNoAckMode", run_no_ack, false },
    { "qXfer:features:read:", run_features, false },
    { "qAttached", run_attached, false },
    { "qRcmd,", run_monitor, true },
    { "Qqemu.PhyMemMode:", run_physical, false },
    { "qqemu.PhyMemMode", run_query_physical, false },
    { "qqemu.sstepbits", run_query_step_bits, false },
    { "qqemu.sstep", run_query_step, false },
    { "Qqemu.sstep=", run_step_bits, false },
};

static const GdbRow *row_find(const char *text)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (g_str_has_prefix(text, rows[i].prefix)) {
            return &rows[i];
        }
    }
    return NULL;
}

void gdb_command(GdbStub *stub, const char *text, size_t n)
{
    const GdbRow *row = row_find(text);

    if (row == NULL) {
        gdb_reply(stub, ""); /* "not known" */
        return;
    }
    text += strlen(row->prefix);
    n -= strlen(row->prefix);
    if (row->resumes) {
        row->run(stub, text, n);
        return;
    }
    machine_hold(stub->machine);
    machine_lock(stub->machine);
    row->run(stub, text, n);
    machine_unlock(stub->machine);
    machine_release(stub->machine);
}
