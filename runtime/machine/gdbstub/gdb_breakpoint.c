/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gdb_breakpoint.c - Z and z packets: breakpoints and watchpoints of a CpuDebug. */
#include "runtime/machine/gdbstub/gdbstub_int.h"

typedef struct Breakpoint {
    uint64_t kind, address, size;
} Breakpoint;

enum { BREAK_SOFTWARE, BREAK_HARDWARE, WATCH_WRITE, WATCH_READ, WATCH_ACCESS };

static bool breakpoint_read(const char *args, Breakpoint *point)
{
    return gdb_number(&args, &point->kind) && *args++ == ',' &&
           gdb_number(&args, &point->address) && *args++ == ',' &&
           gdb_number(&args, &point->size) && point->kind <= WATCH_ACCESS;
}

static bool code_add(struct CpuDebug *debug, uint64_t address)
{
    if (debug->codes == CPU_DEBUG_CODES) {
        return false;
    }
    debug->code[debug->codes++] = address;
    return true;
}

static bool code_remove(struct CpuDebug *debug, uint64_t address)
{
    for (unsigned i = 0; i < debug->codes; i++) {
        if (debug->code[i] == address) {
            debug->code[i] = debug->code[--debug->codes];
            return true;
        }
    }
    return false;
}

static CpuWatch watch_of(const Breakpoint *point)
{
    return (CpuWatch){ .address = point->address,
                       .size = point->size,
                       .read = point->kind != WATCH_WRITE,
                       .write = point->kind != WATCH_READ };
}

static bool watch_add(struct CpuDebug *debug, const Breakpoint *point)
{
    if (debug->watches == CPU_DEBUG_WATCHES) {
        return false;
    }
    debug->watch[debug->watches++] = watch_of(point);
    return true;
}

static bool watch_remove(struct CpuDebug *debug, const Breakpoint *point)
{
    CpuWatch wanted = watch_of(point);

    for (unsigned i = 0; i < debug->watches; i++) {
        const CpuWatch *watch = &debug->watch[i];

        if (watch->address == wanted.address && watch->size == wanted.size &&
            watch->read == wanted.read && watch->write == wanted.write) {
            debug->watch[i] = debug->watch[--debug->watches];
            return true;
        }
    }
    return false;
}

void gdb_breakpoint(GdbStub *stub, const char *args, bool insert)
{
    struct CpuDebug *debug = &stub->debug;
    Breakpoint point;
    bool done;

    if (!breakpoint_read(args, &point)) {
        gdb_reply(stub, "E22");
        return;
    }
    if (point.kind <= BREAK_HARDWARE) {
        done = insert ? code_add(debug, point.address) : code_remove(debug, point.address);
    } else {
        done = insert ? watch_add(debug, &point) : watch_remove(debug, &point);
    }
    gdb_debug_changed(stub);
    gdb_reply(stub, done ? "OK" : "E22");
}
