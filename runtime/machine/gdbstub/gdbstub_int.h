/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_GDBSTUB_GDBSTUB_INT_H
#define RUNTIME_MACHINE_GDBSTUB_GDBSTUB_INT_H
/* gdbstub_int.h - the stub's files among themselves. */
#include "runtime/cpu/cpu_debug.h"
#include "runtime/machine/gdbstub/gdbstub.h"
#include "runtime/machine/machine_int.h"

enum { GDB_PACKET_MAX = 16384 };

/* ---- gdb_packet.c: "$...#xx" ---- */

typedef enum GdbByte { GDB_MORE, GDB_PACKET, GDB_BAD, GDB_BREAK, GDB_ACK, GDB_NAK } GdbByte;

typedef struct GdbPacket {
    GString *text; /* between $ and #, escapes undone */
    unsigned state;
    bool escaped;
    uint8_t sum, told;
} GdbPacket;

/* One byte more. GDB_PACKET: text is whole; GDB_BREAK: a lone 03h. */
GdbByte gdb_packet_byte(GdbPacket *packet, uint8_t byte);
/* "$text#xx", what must be escaped is. */
void gdb_packet_frame(GString *out, const char *text, size_t n);
void gdb_hex(GString *out, const void *data, size_t n);
/* Bytes of hexadecimal digits, at most `max`; -1: something else stands there. */
gssize gdb_unhex(const char *text, void *data, size_t max);
/* A hexadecimal number; *text is moved behind it. */
bool gdb_number(const char **text, uint64_t *value);

/* ---- gdb_registers.c ---- */

typedef struct GdbRegisters GdbRegisters;
GdbRegisters *gdb_registers_new(bool wide, bool avx); /* wide: of x86-64 */
void gdb_registers_free(GdbRegisters *registers);
unsigned gdb_registers_count(const GdbRegisters *registers);
unsigned gdb_registers_core_count(const GdbRegisters *registers); /* those of a `g` packet */
/* Bytes in the guest's order; the width. `value` has room for 16. */
unsigned gdb_register_get(const GdbRegisters *registers, const Cpu *cpu, unsigned n, void *value);
void gdb_register_set(const GdbRegisters *registers, Cpu *cpu, unsigned n, const void *value);
/* The target description that goes with them. */
char *gdb_registers_xml(const GdbRegisters *registers);

/* ---- gdbstub.c and gdb_command.c ---- */

struct GdbStub {
    Machine *machine;
    CharDev *chr;
    int slot;
    GByteArray *input; /* device lock, as the next three */
    guint source;
    bool connected, arrived; /* somebody is there; somebody new */

    GdbPacket packet;
    bool no_ack;
    bool attached;
    bool waiting;     /* the machine runs, and gdb waits for it to stop */
    bool interrupted; /* by gdb itself */
    bool ran;         /* the machine ran when gdb came */
    bool physical;    /* memory by physical addresses */
    unsigned step_bits;
    GString *last; /* as sent, until acknowledged */

    GdbRegisters *registers;
    char *xml;
    unsigned thread, run_thread; /* of Hg and Hc: index of the CPU */
    unsigned next_thread;        /* of qsThreadInfo */
    struct CpuDebug debug;
    int stopped_cpu; /* atomic: which has something to tell, -1: none */
};

/* Executes the packet; *reply is sent unless NULL. */
void gdb_command(GdbStub *stub, const char *text, size_t n);
/* "KIND,ADDRESS,SIZE" behind Z (insert) or z: does it, and answers. */
void gdb_breakpoint(GdbStub *stub, const char *args, bool insert);
void gdb_reply(GdbStub *stub, const char *text);
void gdb_reply_bytes(GdbStub *stub, const char *text, size_t n);
/* Why the machine stands, in the form of a reply to `?`. */
void gdb_reply_stopped(GdbStub *stub, int signal);
/* Lets all vCPUs go, or one make a step. */
void gdb_resume(GdbStub *stub, bool step, unsigned cpu);
/* Before and behind changes of stub->debug. */
void gdb_debug_changed(GdbStub *stub);
void gdb_detach(GdbStub *stub, bool resume);
Cpu *gdb_cpu(const GdbStub *stub);

#endif
