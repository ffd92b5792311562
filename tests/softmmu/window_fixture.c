/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* process_vm_readv */
#include "tests/softmmu/window_fixture.h"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

Reach host_reach(const void *host)
{
    uint8_t byte;
    struct iovec local = { &byte, 1 }, remote = { (void *)(uintptr_t)host, 1 };

    if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != 1) {
        return REACH_NOTHING;
    }
    return process_vm_writev(getpid(), &local, 1, &remote, 1, 0) == 1 ? REACH_WRITE : REACH_READ;
}

uint8_t *window_host(uint64_t gva)
{
    return (uint8_t *)(uintptr_t)(gva + fx.cpu->jit_window[SLOT].delta);
}

bool enter(uint64_t gva)
{
    return fx.cpu->jit_window[SLOT].chunk == gva >> 32 ||
           mmu_window_enter(fx.cpu, gva, SLOT) != WINDOW_DENIED;
}

Reach mapped(uint64_t gva)
{
    return enter(gva) ? host_reach(window_host(gva)) : REACH_NOTHING;
}

WindowFault reach(uint64_t gva, Access access)
{
    Reach needed = access == ACCESS_WRITE ? REACH_WRITE : REACH_READ;
    WindowFault fault = WINDOW_MAPPED;
    const uint8_t *host;

    ck_assert(enter(gva));
    host = window_host(gva);
    for (unsigned i = 0; i < 3 && host_reach(host) < needed; i++) {
        fault = mmu_window_fault(fx.cpu, host, access);
        if (fault != WINDOW_MAPPED) {
            return fault;
        }
    }
    ck_assert_int_ge(host_reach(host), needed);
    return WINDOW_MAPPED;
}

uint64_t window_get(uint64_t gva)
{
    uint64_t value;

    memcpy(&value, window_host(gva) + NUMBER, 8);
    return value;
}

void window_set_up(void)
{
    fixture_set_up();
    paging_4level();
    fx.cpu->context = MMU_USER;
    ck_assert(mmu_window_open(fx.cpu, 1));
    for (unsigned i = 0; i < 64; i++) {
        map_page(BASE + i * PAGE_SIZE, (DATA + i * PAGE_SIZE) | PTE_ALL, 0);
        ram_set(DATA + i * PAGE_SIZE + NUMBER, 8, i);
    }
}

void watch(uint64_t gpa)
{
    code_pages_add(phys_map_code_pages(fx.map), gpa, 8);
    mmu_drop_write_entries(fx.cpu, gpa);
}

void switch_to(uint64_t root, unsigned pcid)
{
    fx.cpu->cr3 = root | pcid;
    mmu_cr3_write(fx.cpu, true);
}
