/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_dump.c - dump-guest-memory: an ELF core file with the registers of every CPU (NT_PRSTATUS)
 * and all of RAM, by physical addresses, and with paging=true by the linear ones of the first CPU
 * as well; crash and gdb read it. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hw/board.h"
#include "hw/device_types.h"
#include "hw/vmcoreinfo.h"
#include "runtime/machine/guest_memory.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/monitor/monitor_int.h"

#define HIGH_RAM 0x100000000ull

enum { SEGMENTS_MAX = 1 << 20, PIECE = 1 << 20, NOTE_MAX = 1 << 20 };

/* struct elf_prstatus of Linux on x86-64, whose header would bring other names along. */
typedef struct PrStatus {
    uint8_t signals[32];
    uint32_t pid;
    uint8_t others[76];
    uint64_t regs[27];
    uint32_t fp_valid, padding;
} PrStatus;
_Static_assert(sizeof(PrStatus) == 336, "as the kernel writes it");

typedef struct Dump {
    Machine *machine;
    int fd;
    uint64_t low, high; /* bytes of RAM below the hole, and from 4 GiB on */
    GByteArray *notes;
    GArray *headers; /* of Elf64_Phdr; offsets count from the first byte of RAM at first */
    GError **error;
} Dump;

/* ---- Notes ---- */

static void prstatus_fill(PrStatus *status, const Cpu *cpu)
{
    static const uint8_t order[] = { R15, R14, R13, R12, RBP, RBX, R11, R10,
                                     R9,  R8,  RAX, RCX, RDX, RSI, RDI };
    uint64_t *regs = status->regs;

    for (unsigned i = 0; i < G_N_ELEMENTS(order); i++) {
        regs[i] = cpu->gpr[order[i]];
    }
    regs[15] = cpu->gpr[RAX]; /* orig_rax */
    regs[16] = cpu->rip;
    regs[17] = cpu->seg[CS].selector;
    regs[18] = cpu->rflags;
    regs[19] = cpu->gpr[RSP];
    regs[20] = cpu->seg[SS].selector;
    regs[21] = cpu->seg[FS].base;
    regs[22] = cpu->seg[GS].base;
    regs[23] = cpu->seg[DS].selector;
    regs[24] = cpu->seg[ES].selector;
    regs[25] = cpu->seg[FS].selector;
    regs[26] = cpu->seg[GS].selector;
    status->pid = cpu->index + 1;
}

static void notes_make(Dump *dump)
{
    for (unsigned i = 0; i < machine_cpu_count(dump->machine); i++) {
        PrStatus status = { 0 };
        const Elf64_Nhdr head = { 5, sizeof(status), NT_PRSTATUS };

        if (!machine_has_cpu(dump->machine, i)) {
            continue;
        }
        prstatus_fill(&status, machine_cpu(dump->machine, i));
        g_byte_array_append(dump->notes, (const guint8 *)&head, sizeof(head));
        g_byte_array_append(dump->notes, (const guint8 *)"CORE\0\0\0", 8);
        g_byte_array_append(dump->notes, (const guint8 *)&status, sizeof(status));
    }
}

/* What the kernel says of itself (-device vmcoreinfo), if it is a note. */
static void note_of_kernel(Dump *dump)
{
    const Device *dev = board_find_type(pc_board(dump->machine->pc), &vmcoreinfo_type);
    Elf64_Nhdr head;
    uint64_t gpa, need;
    uint32_t size;
    guint at = dump->notes->len;

    if (dev == NULL || !vmcoreinfo_note(dev, &gpa, &size) || size < sizeof(head) ||
        size > NOTE_MAX) {
        return;
    }
    phys_map_read(dump->machine->map, gpa, &head, sizeof(head));
    need = sizeof(head) + (((uint64_t)head.n_namesz + 3) & ~3ull) +
           (((uint64_t)head.n_descsz + 3) & ~3ull);
    if (need > size) {
        return;
    }
    g_byte_array_set_size(dump->notes, at + (guint)need);
    phys_map_read(dump->machine->map, gpa, dump->notes->data + at, need);
    memcpy(dump->notes->data + at, &head, sizeof(head)); /* as it was looked at */
}

/* ---- Segments ---- */

static void segment_add(Dump *dump, uint64_t gva, uint64_t gpa, uint64_t offset, uint64_t size)
{
    const Elf64_Phdr header = { .p_type = PT_LOAD,
                                .p_flags = PF_R | PF_W | PF_X,
                                .p_offset = offset,
                                .p_vaddr = gva,
                                .p_paddr = gpa,
                                .p_filesz = size,
                                .p_memsz = size };

    g_array_append_val(dump->headers, header);
}

/* Pages in a row, in RAM, are one segment. */
static void segment_page(void *opaque, const GuestPage *page)
{
    Dump *dump = opaque;
    Elf64_Phdr *last = dump->headers->len != 0
                           ? &g_array_index(dump->headers, Elf64_Phdr, dump->headers->len - 1)
                           : NULL;
    bool low = page->gpa + page->size <= dump->low;

    if (!low && (page->gpa < HIGH_RAM || page->gpa + page->size > HIGH_RAM + dump->high)) {
        return;
    }
    if (last != NULL && last->p_vaddr + last->p_memsz == page->gva &&
        last->p_paddr + last->p_memsz == page->gpa) {
        last->p_memsz += page->size;
        last->p_filesz += page->size;
    } else if (dump->headers->len < SEGMENTS_MAX) {
        segment_add(dump, page->gva, page->gpa, low ? page->gpa : page->gpa - HIGH_RAM + dump->low,
                    page->size);
    }
}

static bool segments_make(Dump *dump, bool paging)
{
    segment_add(dump, 0, 0, 0, dump->low);
    if (dump->high != 0) {
        segment_add(dump, 0, HIGH_RAM, dump->low, dump->high);
    }
    if (paging) {
        guest_memory_pages(machine_cpu(dump->machine, 0), dump->machine->map, segment_page, dump);
    }
    return dump->headers->len < SEGMENTS_MAX ||
           monitor_fail(dump->error, MONITOR_ERROR_GENERIC, "the guest maps too many pieces");
}

/* ---- The file ---- */

static bool dump_write(Dump *dump, const void *data, size_t n)
{
    const uint8_t *at = data;

    while (n != 0) {
        ssize_t done = write(dump->fd, at, n);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return monitor_fail(dump->error, MONITOR_ERROR_GENERIC,
                                "dump: failed to save memory: %s", g_strerror(errno));
        }
        at += done;
        n -= (size_t)done;
    }
    return true;
}

static bool dump_headers(Dump *dump)
{
    uint64_t n = dump->headers->len + 1;
    uint64_t section_at = sizeof(Elf64_Ehdr) + n * sizeof(Elf64_Phdr);
    uint64_t notes_at = section_at + sizeof(Elf64_Shdr);
    uint64_t ram_at = (notes_at + dump->notes->len + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1ull);
    g_autofree uint8_t *padding = g_malloc0(PAGE_SIZE);
    Elf64_Ehdr head = { .e_type = ET_CORE,
                        .e_machine = EM_X86_64,
                        .e_version = EV_CURRENT,
                        .e_phoff = sizeof(head),
                        .e_ehsize = sizeof(head),
                        .e_phentsize = sizeof(Elf64_Phdr),
                        .e_phnum = n < PN_XNUM ? (Elf64_Half)n : PN_XNUM,
                        .e_shoff = section_at,
                        .e_shentsize = sizeof(Elf64_Shdr),
                        .e_shnum = 1 };
    const Elf64_Shdr section = { .sh_info = (Elf64_Word)n }; /* the true number */
    const Elf64_Phdr note = { .p_type = PT_NOTE,
                              .p_offset = notes_at,
                              .p_filesz = dump->notes->len,
                              .p_memsz = dump->notes->len };

    memcpy(head.e_ident, ELFMAG, SELFMAG);
    head.e_ident[EI_CLASS] = ELFCLASS64;
    head.e_ident[EI_DATA] = ELFDATA2LSB;
    head.e_ident[EI_VERSION] = EV_CURRENT;
    for (guint i = 0; i < dump->headers->len; i++) {
        g_array_index(dump->headers, Elf64_Phdr, i).p_offset += ram_at;
    }
    return dump_write(dump, &head, sizeof(head)) && dump_write(dump, &note, sizeof(note)) &&
           dump_write(dump, dump->headers->data, dump->headers->len * sizeof(Elf64_Phdr)) &&
           dump_write(dump, &section, sizeof(section)) &&
           dump_write(dump, dump->notes->data, dump->notes->len) &&
           dump_write(dump, padding, ram_at - notes_at - dump->notes->len);
}

static bool dump_ram(Dump *dump, uint64_t gpa, uint64_t size)
{
    g_autofree uint8_t *piece = g_malloc(PIECE);

    for (uint64_t at = 0; at < size; at += PIECE) {
        uint64_t n = MIN(size - at, PIECE);

        phys_map_read(dump->machine->map, gpa + at, piece, n);
        if (!dump_write(dump, piece, n)) {
            return false;
        }
    }
    return true;
}

static bool dump_all(Dump *dump, bool paging)
{
    bool done;

    machine_hold(dump->machine);
    machine_lock(dump->machine);
    dump->low = pc_low_ram(dump->machine->pc);
    dump->high = pc_high_ram(dump->machine->pc);
    notes_make(dump);
    note_of_kernel(dump);
    done = segments_make(dump, paging) && dump_headers(dump) && dump_ram(dump, 0, dump->low) &&
           dump_ram(dump, HIGH_RAM, dump->high);
    machine_unlock(dump->machine);
    machine_release(dump->machine);
    return done;
}

/* "file:PATH" or "fd:NAME" (getfd). */
static int protocol_open(Machine *machine, const char *protocol, GError **error)
{
    int fd;

    if (g_str_has_prefix(protocol, "fd:")) {
        fd = monitors_take_fd(machine->monitors, protocol + strlen("fd:"));
        if (fd < 0) {
            monitor_fail(error, MONITOR_ERROR_GENERIC,
                         "File descriptor named '%s' has not been found", protocol + strlen("fd:"));
        }
        return fd;
    }
    if (!g_str_has_prefix(protocol, "file:")) {
        monitor_fail(error, MONITOR_ERROR_GENERIC,
                     "parameter 'protocol' must start with 'file:' or 'fd:'");
        return -1;
    }
    fd = open(protocol + strlen("file:"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        monitor_fail(error, MONITOR_ERROR_GENERIC, "Could not open '%s': %s",
                     protocol + strlen("file:"), g_strerror(errno));
    }
    return fd;
}

static JsonObject *dump_result(const Monitors *monitors)
{
    JsonObject *result = json_object_new();
    bool done = g_strcmp0(monitors->dump_status, "completed") == 0;

    json_object_set_string_member(result, "status",
                                  monitors->dump_status != NULL ? monitors->dump_status : "none");
    json_object_set_int_member(result, "completed", done ? monitors->dump_size : 0);
    json_object_set_int_member(result, "total", monitors->dump_size);
    return result;
}

/* The file is whole when the command answers, with detach, too: then an event says so again. */
static void dump_tell(Dump *dump, bool done, bool detach)
{
    Monitors *monitors = dump->machine->monitors;
    JsonObject *data;

    monitors->dump_status = done ? "completed" : "failed";
    monitors->dump_size = (int64_t)(dump->low + dump->high);
    if (!detach) {
        return;
    }
    data = json_object_new();
    json_object_set_object_member(data, "result", dump_result(monitors));
    if (!done) {
        json_object_set_string_member(data, "error", (*dump->error)->message);
    }
    monitors_event(monitors, "DUMP_COMPLETED", data);
}

static bool run_query_dump(MonitorCall *call, GError **error)
{
    (void)error;
    call->result = json_node_new(JSON_NODE_OBJECT);
    json_node_take_object(call->result, dump_result(call->machine->monitors));
    return true;
}

static void show_dump(MonitorCall *call)
{
    g_string_append_printf(
        call->text, "Status: %s\n",
        json_object_get_string_member(json_node_get_object(call->result), "status"));
}

static bool run_dump(MonitorCall *call, GError **error)
{
    GError *reason = NULL;
    Dump dump = { .machine = call->machine, .error = &reason };
    bool done;

    if (call_has(call, "begin") || call_has(call, "length")) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "a dump is of all memory");
    }
    dump.fd = protocol_open(call->machine, call_str(call, "protocol"), error);
    if (dump.fd < 0) {
        return false;
    }
    dump.notes = g_byte_array_new();
    dump.headers = g_array_new(FALSE, TRUE, sizeof(Elf64_Phdr));
    done = dump_all(&dump, call_bool(call, "paging", false));
    g_byte_array_unref(dump.notes);
    g_array_free(dump.headers, TRUE);
    if (close(dump.fd) != 0 && done) {
        done = monitor_fail(&reason, MONITOR_ERROR_GENERIC, "dump: %s", g_strerror(errno));
    }
    dump_tell(&dump, done, call_bool(call, "detach", false));
    if (!done) {
        g_propagate_error(error, reason);
    }
    return done;
}

static bool hmp_dump(MonitorCall *call, GError **error)
{
    g_autofree char *protocol = g_strconcat("file:", call_str(call, "filename"), NULL);

    json_object_set_string_member(call->args, "protocol", protocol);
    return run_dump(call, error);
}

static bool run_query_capability(MonitorCall *call, GError **error)
{
    JsonArray *formats = json_array_new();

    (void)error;
    json_array_add_string_element(formats, "elf");
    json_object_set_array_member(call_object(call), "formats", formats);
    return true;
}

static const MonitorRow rows[] = {
    { "dump-guest-memory", "dump-guest-memory",
      .args = "paging:bool protocol:str *detach:bool *begin:int *length:int "
              "*format:DumpGuestMemoryFormat",
      .hmp_args = "*paging/p:bool *detach/d:bool filename:str", .run = run_dump,
      .hmp_run = hmp_dump, .flags = MONITOR_UNLOCKED,
      .help = "dump guest memory into an ELF core file" },
    { "query-dump", "info dump", .result = "DumpQueryResult", .run = run_query_dump,
      .show = show_dump, .help = "how the last dump went" },
    { "query-dump-guest-memory-capability", .result = "DumpGuestMemoryCapability",
      .run = run_query_capability, .flags = MONITOR_EMPTY, .help = "formats of such dumps" },
    { 0 },
};

static const MonitorType types[] = {
    { "DumpGuestMemoryFormat", .values = "elf" },
    { "DumpStatus", .values = "none active completed failed" },
    { "DumpQueryResult", .members = "status:DumpStatus completed:int total:int" },
    { "DumpGuestMemoryCapability", .members = "formats:[DumpGuestMemoryFormat]" },
    { 0 },
};

static const MonitorEvent events[] = {
    { "DUMP_COMPLETED", "result:DumpQueryResult *error:str", "a detached dump has ended" },
    { 0 },
};

const MonitorTable monitor_dump_table = { rows, types, events };
