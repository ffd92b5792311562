/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gdbstub.c - the connection: bytes in and out, attaching, stops. */
#include "runtime/machine/gdbstub/gdbstub.h"

#include <string.h>

#include "runtime/machine/gdbstub/gdbstub_int.h"
#include "runtime/software_cpu/cpuid.h"

enum { SIGNAL_INT = 2, SIGNAL_TRAP = 5, INPUT_MAX = 4 * GDB_PACKET_MAX, OUTPUT_MAX = 1 << 20 };
enum { STEP_NO_IRQ = 2, STEP_NO_TIMER = 4, STEP_DEFAULT = 7 };
enum { LEAF_EXTENDED = 0x80000001, EDX_LONG_MODE = 29 };

Cpu *gdb_cpu(const GdbStub *stub)
{
    return machine_cpu(stub->machine, stub->thread);
}

/* ---- Output ---- */

static void stub_write(GdbStub *stub, const char *text, size_t n)
{
    machine_lock(stub->machine);
    chardev_write(stub->chr, (const uint8_t *)text, n);
    machine_unlock(stub->machine);
}

void gdb_reply_bytes(GdbStub *stub, const char *text, size_t n)
{
    g_string_set_size(stub->last, 0);
    gdb_packet_frame(stub->last, text, n);
    stub_write(stub, stub->last->str, stub->last->len);
}

void gdb_reply(GdbStub *stub, const char *text)
{
    gdb_reply_bytes(stub, text, strlen(text));
}

static const char *watch_word(const CpuWatch *watch)
{
    return !watch->read ? "watch" : !watch->write ? "rwatch" : "awatch";
}

void gdb_reply_stopped(GdbStub *stub, int signal)
{
    g_autoptr(GString) reply = g_string_new(NULL);
    const Cpu *cpu = gdb_cpu(stub);

    g_string_append_printf(reply, "T%02xthread:%02x;", signal, stub->thread + 1);
    if (cpu->debug_watch != NULL) {
        g_string_append_printf(reply, "%s:%" G_GINT64_MODIFIER "x;", watch_word(cpu->debug_watch),
                               cpu->debug_watch->address);
    } else if (signal == SIGNAL_TRAP && cpu_debug_stop(cpu) && cpu_code_linear(cpu) == cpu->rip) {
        g_string_append(reply, "swbreak:;"); /* gdb knows no segments: it would not find it */
    }
    gdb_reply(stub, reply->str);
}

/* ---- Stops ---- */

/* On a vCPU's thread. */
static void debug_stopped(void *opaque, Cpu *cpu)
{
    GdbStub *stub = opaque;

    __atomic_store_n(&stub->stopped_cpu, (int)cpu->index, __ATOMIC_RELEASE);
    machine_request_stop(stub->machine, STOP_DEBUG, 0);
}

void gdbstub_stopped(GdbStub *stub)
{
    int cpu = __atomic_exchange_n(&stub->stopped_cpu, -1, __ATOMIC_ACQ_REL);
    bool interrupted = stub->interrupted || cpu < 0;

    if (!stub->attached || !stub->waiting) {
        return;
    }
    if (cpu >= 0) {
        stub->thread = stub->run_thread = (unsigned)cpu;
    }
    stub->waiting = stub->interrupted = false;
    gdb_reply_stopped(stub, interrupted ? SIGNAL_INT : SIGNAL_TRAP);
}

void gdb_debug_changed(GdbStub *stub)
{
    Machine *machine = stub->machine;

    for (unsigned i = 0; i < machine_cpu_count(machine); i++) {
        if (machine->vcpu[i] == NULL) {
            continue;
        }
        vcpu_set_debug(machine->vcpu[i], stub->attached ? &stub->debug : NULL, VCPU_STEP_NONE);
    }
    if (machine->engine != NULL) {
        engine_flush(machine->engine);
    }
}

void gdbstub_cpu_came(GdbStub *stub)
{
    if (stub->attached) {
        gdb_debug_changed(stub);
    }
}

void gdb_resume(GdbStub *stub, bool step, unsigned cpu)
{
    Machine *machine = stub->machine;
    VcpuStep kind = !step                             ? VCPU_STEP_OVER
                    : (stub->step_bits & STEP_NO_IRQ) ? VCPU_STEP_INSN
                                                      : VCPU_STEP_ALL;

    if (machine_is_running(machine)) {
        return;
    }
    for (unsigned i = 0; i < machine_cpu_count(machine); i++) {
        if (machine->vcpu[i] == NULL) {
            continue;
        }
        vcpu_set_debug(machine->vcpu[i], &stub->debug, !step || i == cpu ? kind : VCPU_STEP_NONE);
    }
    stub->waiting = true;
    machine_set_only(machine, step ? (int)cpu : -1, !(stub->step_bits & STEP_NO_TIMER));
    if (!machine_continue(machine, NULL)) {
        stub->waiting = false;
        gdb_reply(stub, "E22");
    }
}

static void stub_interrupt(GdbStub *stub)
{
    stub->interrupted = true;
    if (machine_is_running(stub->machine)) {
        machine_pause(stub->machine, RUN_STATE_PAUSED); /* comes to gdbstub_stopped */
    } else {
        stub->waiting = true;
        gdbstub_stopped(stub);
    }
}

/* ---- Attaching ---- */

static bool model_is_wide(const GdbStub *stub)
{
    uint32_t out[4];

    cpuid_query(machine_cpu(stub->machine, 0), LEAF_EXTENDED, 0, out);
    return out[3] >> EDX_LONG_MODE & 1;
}

static void stub_attach(GdbStub *stub)
{
    Machine *machine = stub->machine;

    stub->ran = machine_is_running(machine);
    machine_pause(machine, RUN_STATE_PAUSED);
    stub->attached = true;
    stub->no_ack = stub->waiting = stub->physical = stub->interrupted = false;
    stub->thread = stub->run_thread = 0;
    stub->step_bits = STEP_DEFAULT;
    stub->debug.codes = stub->debug.watches = 0;
    stub->packet.state = 0;
    stub->registers = gdb_registers_new(model_is_wide(stub),
                                        (cpu_model_xcr0_mask(machine->model) & 4) != 0);
    stub->xml = gdb_registers_xml(stub->registers);
    gdb_debug_changed(stub);
}

void gdb_detach(GdbStub *stub, bool resume)
{
    Machine *machine = stub->machine;

    if (!stub->attached) {
        return;
    }
    machine_hold(machine);
    stub->attached = stub->waiting = false;
    gdb_debug_changed(stub);
    machine_set_only(machine, -1, true);
    machine_release(machine);
    g_clear_pointer(&stub->registers, gdb_registers_free);
    g_clear_pointer(&stub->xml, g_free);
    if (resume) {
        machine_continue(machine, NULL);
    }
}

/* ---- Input ---- */

static void stub_byte(GdbStub *stub, uint8_t byte)
{
    switch (gdb_packet_byte(&stub->packet, byte)) {
    case GDB_PACKET:
        if (!stub->no_ack) {
            stub_write(stub, "+", 1);
        }
        gdb_command(stub, stub->packet.text->str, stub->packet.text->len);
        break;
    case GDB_BAD:
        stub_write(stub, "-", 1);
        break;
    case GDB_BREAK:
        stub_interrupt(stub);
        break;
    case GDB_NAK:
        stub_write(stub, stub->last->str, stub->last->len);
        break;
    default:
        break;
    }
}

/* What has come is taken at once, and may change who is there. */
static gboolean stub_work(gpointer opaque)
{
    GdbStub *stub = opaque;
    GByteArray *input;
    bool there;

    machine_lock(stub->machine);
    stub->source = 0;
    input = stub->input;
    stub->input = g_byte_array_new();
    there = stub->connected;
    machine_unlock(stub->machine);
    if (!there && stub->attached) {
        gdb_detach(stub, stub->ran);
    } else if (there && !stub->attached && stub->arrived && machine_cpu_count(stub->machine) != 0) {
        stub->arrived = false;
        stub_attach(stub);
    }
    for (guint i = 0; i < input->len && stub->attached; i++) {
        stub_byte(stub, input->data[i]);
    }
    g_byte_array_unref(input);
    machine_lock(stub->machine);
    chardev_accept_input(stub->chr);
    machine_unlock(stub->machine);
    return G_SOURCE_REMOVE;
}

static void stub_kick(GdbStub *stub)
{
    if (stub->source == 0) {
        stub->source = g_idle_add_full(G_PRIORITY_DEFAULT, stub_work, stub, NULL);
    }
}

static size_t stub_can_receive(void *opaque)
{
    const GdbStub *stub = opaque;
    bool slow = chardev_pending(stub->chr) > OUTPUT_MAX;

    return slow || stub->input->len >= INPUT_MAX ? 0 : INPUT_MAX - stub->input->len;
}

static void stub_receive(void *opaque, const uint8_t *data, size_t n)
{
    GdbStub *stub = opaque;

    g_byte_array_append(stub->input, data, (guint)n);
    stub_kick(stub);
}

static void stub_event(void *opaque, CharEvent event)
{
    GdbStub *stub = opaque;

    if (event == CHAR_EVENT_OPENED) {
        stub->connected = stub->arrived = true;
    } else if (event == CHAR_EVENT_CLOSED) {
        stub->connected = false;
        g_byte_array_set_size(stub->input, 0);
    } else {
        return;
    }
    stub_kick(stub);
}

static void stub_writable(void *opaque)
{
    stub_kick(opaque);
}

/* ---- Life ---- */

GdbStub *gdbstub_new(Machine *machine, CharDev *chr, GError **error)
{
    GdbStub *stub = g_new0(GdbStub, 1);
    const CharFront front = { .can_receive = stub_can_receive,
                              .receive = stub_receive,
                              .event = stub_event,
                              .writable = stub_writable,
                              .opaque = stub,
                              .forgets = true };

    stub->machine = machine;
    stub->chr = chr;
    stub->input = g_byte_array_new();
    stub->packet.text = g_string_new(NULL);
    stub->last = g_string_new(NULL);
    stub->stopped_cpu = -1;
    stub->debug.stopped = debug_stopped;
    stub->debug.opaque = stub;
    machine_lock(machine);
    chardev_set_lossless(chr);
    stub->slot = chardev_add_front(chr, &front);
    machine_unlock(machine);
    if (stub->slot < 0) {
        g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "the character device is in use");
        gdbstub_free(stub);
        return NULL;
    }
    return stub;
}

void gdbstub_free(GdbStub *stub)
{
    if (stub == NULL) {
        return;
    }
    if (stub->attached) {
        gdb_reply(stub, "W00");
        gdb_detach(stub, false);
    }
    if (stub->slot >= 0) {
        chardev_remove_front(stub->chr, stub->slot);
    }
    if (stub->source != 0) {
        g_source_remove(stub->source);
    }
    g_byte_array_unref(stub->input);
    g_string_free(stub->packet.text, TRUE);
    g_string_free(stub->last, TRUE);
    g_free(stub);
}
