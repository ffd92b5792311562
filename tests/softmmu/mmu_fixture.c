/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mmu_fixture.c - see mmu_fixture.h. */
#include "tests/softmmu/mmu_fixture.h"

#include <stdlib.h>
#include <string.h>

Fixture fx;

uint64_t device_read(void *opaque, uint64_t offset, unsigned width)
{
    Device *device = opaque;
    uint64_t value = 0;

    device->reads++;
    device->log[device->logged++ % 64] = offset << 8 | width << 1;
    memcpy(&value, device->memory + offset, width);
    return value;
}

void device_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    Device *device = opaque;

    device->writes++;
    device->log[device->logged++ % 64] = offset << 8 | width << 1 | 1;
    device->offset = offset;
    device->width = width;
    device->value = value;
    memcpy(device->memory + offset, &value, width);
}

static const MmioOps device_ops = { device_read, device_write, 0, 0 };

static void owner_changed(void *opaque)
{
    Fixture *fixture = opaque;

    fixture->changed++;
    cpu_request_set(fixture->cpu, CPU_REQUEST_FLUSH);
}

static void owner_lock(void *opaque)
{
    ((Fixture *)opaque)->locked++;
}

static void owner_unassigned(void *opaque, uint64_t gpa, unsigned width, bool write)
{
    (void)gpa;
    (void)width;
    (void)write;
    ((Fixture *)opaque)->unassigned++;
}

static void owner_code_written(void *opaque, uint64_t ram_offset, uint64_t size)
{
    Fixture *fixture = opaque;

    fixture->code_writes++;
    fixture->code_offset = ram_offset;
    fixture->code_size = size;
}

static const PhysMapOwner owner = { .changed = owner_changed,
                                    .lock = owner_lock,
                                    .unassigned = owner_unassigned,
                                    .code_written = owner_code_written };

void fixture_set_up(void)
{
    static uint8_t image[ROM_SIZE - 0x100];
    GError *error = NULL;

    memset(&fx, 0, sizeof(fx));
    for (size_t i = 0; i < sizeof(image); i++) {
        image[i] = (uint8_t)(i * 7 + 1);
    }
    fx.map = phys_map_new(RAM_SIZE, &error);
    ck_assert_msg(fx.map != NULL, "%s", error != NULL ? error->message : "");
    phys_map_begin(fx.map);
    phys_map_add_ram(fx.map, 0, 0, RAM_SIZE, 0);
    phys_map_add_mmio(fx.map, MMIO_GPA, MMIO_SIZE, &device_ops, &fx.device, 0);
    phys_map_add_rom(fx.map, ROM_GPA, image, sizeof(image), 0);
    phys_map_commit(fx.map);
    fx.cpu = aligned_alloc(64, (sizeof(Cpu) + 63) & ~(size_t)63);
    memset(fx.cpu, 0, sizeof(Cpu));
    fx.cpu->a20_mask = ~0u;
    fx.mmu = soft_mmu_new(fx.cpu, fx.map);
    phys_map_set_owner(fx.map, &owner, &fx);
    fx.next_table = ROOT + 0x8000;
}

void fixture_tear_down(void)
{
    soft_mmu_free(fx.mmu);
    phys_map_free(fx.map);
    free(fx.cpu);
}

void control_set(uint64_t *reg, uint64_t bits, bool on)
{
    *reg = on ? *reg | bits : *reg & ~bits;
    mmu_mode_changed(fx.cpu);
}

void paging_32(uint32_t cr4)
{
    fx.cpu->cr3 = ROOT;
    fx.cpu->cr4 |= cr4;
    fx.cpu->cr0 |= CR0_PE | CR0_PG | CR0_WP;
    mmu_mode_changed(fx.cpu);
}

void paging_pae(void)
{
    fx.cpu->cr3 = ROOT + 0x20;
    for (unsigned i = 0; i < 4; i++) {
        ram_set(ROOT + 0x20 + i * 8, 8, (ROOT + 0x1000 * (i + 1)) | PTE_P);
    }
    ck_assert(mmu_load_pdptes(fx.cpu));
    fx.cpu->cr4 |= CR4_PAE;
    fx.cpu->efer |= EFER_NXE;
    fx.cpu->cr0 |= CR0_PE | CR0_PG | CR0_WP;
    mmu_mode_changed(fx.cpu);
}

void paging_4level(void)
{
    fx.cpu->cr3 = ROOT;
    fx.cpu->cr4 |= CR4_PAE;
    fx.cpu->efer |= EFER_LME | EFER_LMA | EFER_NXE;
    fx.cpu->cr0 |= CR0_PE | CR0_PG | CR0_WP;
    fx.cpu->mode |= MODE_CS64 | MODE_LMA | MODE_PE | MODE_PG;
    mmu_mode_changed(fx.cpu);
}

void ram_set(uint64_t gpa, unsigned width, uint64_t value)
{
    memcpy(phys_map_ram(fx.map) + gpa, &value, width);
}

uint64_t ram_get(uint64_t gpa, unsigned width)
{
    uint64_t value = 0;

    memcpy(&value, phys_map_ram(fx.map) + gpa, width);
    return value;
}

uint64_t table_new(void)
{
    uint64_t table = fx.next_table;

    fx.next_table += 0x1000;
    return table;
}

uint64_t map_page(uint64_t gva, uint64_t entry, unsigned level)
{
    bool narrow = !(fx.cpu->cr4 & CR4_PAE);
    unsigned width = narrow ? 4 : 8, bits = narrow ? 10 : 9;
    unsigned at = fx.cpu->efer & EFER_LMA ? 3 : 1;
    uint64_t table = fx.cpu->cr3 & ~0xfffull;

    if (!narrow && at == 1) {
        table += 0x1000 * (((gva >> 30) & 3) + 1);
    }
    for (;; at--) {
        uint64_t gpa = table + ((gva >> (12 + at * bits)) & ((1u << bits) - 1)) * width;
        uint64_t found = ram_get(gpa, width);

        if (at == level) {
            ram_set(gpa, width, entry);
            return gpa;
        }
        if (!(found & PTE_P)) {
            found = table_new() | PTE_ALL;
            ram_set(gpa, width, found);
        }
        table = found & 0xfffffff000ull;
    }
}

int touch(MmuContext context, uint64_t gva, Access access)
{
    uint8_t byte = 0;
    bool done;

    fx.cpu->context = context;
    if (mmu_hit(fx.cpu, gva, 1, access) != NULL) {
        return -1;
    }
    fx.cpu->fault = (Fault){ 0 };
    switch (access) {
    case ACCESS_READ:
        done = mmu_read_slow(fx.cpu, gva, &byte, 1);
        break;
    case ACCESS_WRITE:
        done = mmu_write_slow(fx.cpu, gva, &byte, 1);
        break;
    default:
        done = mmu_fetch_bytes(fx.cpu, gva, &byte, 1);
        break;
    }
    if (done) {
        return -1;
    }
    ck_assert_uint_eq(fx.cpu->fault.vector, VECTOR_PF);
    ck_assert(fx.cpu->fault.has_error);
    ck_assert_uint_eq(fx.cpu->fault.address, gva);
    return (int)fx.cpu->fault.error;
}
