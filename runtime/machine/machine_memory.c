/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine_memory.c - guest RAM: what it is made of.
 *
 * One object of the user's, those of the NUMA nodes one behind the other, or one that nobody named,
 * which is called pc.ram as QEMU does. */
#include "runtime/machine/machine_int.h"

/* What no object is named for. */
static MemoryBackend *memory_of_machine(Machine *machine, GError **error)
{
    static char name[] = "pc.ram";
    const Options *options = machine->options;
    MemoryBackendInfo info;

    memory_backend_defaults(&info, options->mem_prealloc);
    info.id = name;
    info.path = options->mem_path;
    info.size = options->ram;
    info.merge = options->mem_merge;
    info.dump = options->mem_dump;
    machine->ram = memory_backend_new(&info, error);
    if (machine->ram == NULL) {
        g_prefix_error(error, "%s: ", options->ram_words);
    }
    return machine->ram;
}

static bool by_nodes(const Machine *machine)
{
    unsigned n = numa_nodes(machine->numa);

    for (unsigned i = 0; i < n; i++) {
        if (numa_backend(machine->numa, i) != NULL) {
            return true;
        }
    }
    return false;
}

/* Those that make up RAM, in order. false: an error. */
static bool backends_choose(Machine *machine, GPtrArray *chosen, GError **error)
{
    const char *id = machine->options->memory_backend;
    MemoryBackend *backend;

    if (by_nodes(machine)) {
        for (unsigned i = 0; i < numa_nodes(machine->numa); i++) {
            if ((backend = numa_backend(machine->numa, i)) != NULL) {
                g_ptr_array_add(chosen, backend);
            }
        }
        return true;
    }
    backend = id != NULL ? objects_find(machine->objects, "memory-backend", id)
                         : memory_of_machine(machine, error);
    g_ptr_array_add(chosen, backend);
    return backend != NULL;
}

static bool map_make(Machine *machine, const GPtrArray *chosen, GError **error)
{
    g_autofree PhysRamFile *files = g_new0(PhysRamFile, chosen->len);
    uint8_t *at;

    for (guint i = 0; i < chosen->len; i++) {
        MemoryBackend *backend = g_ptr_array_index(chosen, i);

        if (!memory_backend_use(backend, error)) {
            return false;
        }
        files[i].fd = memory_backend_fd(backend);
        files[i].size = memory_backend_info(backend)->size;
    }
    machine->map = phys_map_new_of(files, chosen->len, error);
    if (machine->map == NULL) {
        g_prefix_error(error, "%s: ", machine->options->ram_words);
        return false;
    }
    at = phys_map_ram(machine->map);
    for (guint i = 0; i < chosen->len; i++) {
        if (!memory_backend_advise(g_ptr_array_index(chosen, i), at, error)) {
            return false;
        }
        at += files[i].size;
    }
    return true;
}

bool machine_make_memory(Machine *machine, GError **error)
{
    g_autoptr(GPtrArray) chosen = g_ptr_array_new();

    if (!machine_open_memory(machine, error)) {
        return false;
    }
    machine->numa = numa_new(machine->options, machine->objects, error);
    return machine->numa != NULL && backends_choose(machine, chosen, error) &&
           map_make(machine, chosen, error);
}

void machine_free_memory(Machine *machine)
{
    g_clear_pointer(&machine->numa, numa_free);
    g_clear_pointer(&machine->ram, memory_backend_free);
}
