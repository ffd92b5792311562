/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host-mapped window: random operations, after each of which nothing may be mapped but what a
 * TLB that is flushed properly could hold. */
#include "tests/softmmu/window_fixture.h"

enum { SPACES = 3, PAGES = 48, FRAMES = 16, OPERATIONS = 20000 };

typedef struct Model {
    uint64_t seed;
    unsigned space; /* the current one; its PCID, too */
    uint64_t root[SPACES];
    uint64_t entry[SPACES][PAGES]; /* without A and D */
    uint64_t place[SPACES][PAGES]; /* gpa of the entry */
    bool watched[FRAMES];
} Model;

static unsigned random_below(Model *model, unsigned n)
{
    model->seed = model->seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(model->seed >> 33) % n;
}

/* In three chunks, on both sides of a group's end. */
static uint64_t model_gva(unsigned page)
{
    return (page % 3) * GIB_4 + BASE + 0xa000 + page / 3 * PAGE_SIZE;
}

static unsigned frame_of(uint64_t entry)
{
    return (unsigned)((entry & 0xffffff000) - DATA) >> PAGE_SHIFT;
}

static WindowFault model_expects(const Model *model, unsigned page, Access access)
{
    uint64_t entry = model->entry[model->space][page];

    if (!(entry & PTE_P) || !(entry & PTE_US) || (access == ACCESS_WRITE && !(entry & PTE_RW))) {
        return WINDOW_GUEST_FAULT;
    }
    return access == ACCESS_WRITE && model->watched[frame_of(entry)] ? WINDOW_REFUSED
                                                                     : WINDOW_MAPPED;
}

/* Nothing is mapped but what the tables and the watch allow, and what is, is the right page. */
static void model_check(const Model *model)
{
    for (unsigned page = 0; page < PAGES; page++) {
        uint64_t gva = model_gva(page), entry = model->entry[model->space][page];
        Reach reach = mapped(gva);

        if (reach != REACH_NOTHING) {
            ck_assert_int_eq(model_expects(model, page, ACCESS_READ), WINDOW_MAPPED);
            ck_assert_uint_eq(window_get(gva), frame_of(entry));
            ck_assert(ram_get(model->place[model->space][page], 8) & PTE_A);
        }
        if (reach == REACH_WRITE) {
            ck_assert_int_eq(model_expects(model, page, ACCESS_WRITE), WINDOW_MAPPED);
            ck_assert(ram_get(model->place[model->space][page], 8) & PTE_D);
        }
    }
}

static void model_remap(Model *model, unsigned space, unsigned page)
{
    uint64_t entry = (DATA + random_below(model, FRAMES) * PAGE_SIZE) |
                     (random_below(model, 4) != 0 ? PTE_ALL : random_below(model, 8));
    uint64_t current = fx.cpu->cr3;

    model->entry[space][page] = entry;
    fx.cpu->cr3 = model->root[space];
    model->place[space][page] = map_page(model_gva(page), entry, 0);
    fx.cpu->cr3 = current;
    if (space == model->space && random_below(model, 2) == 0) {
        mmu_flush_page(fx.cpu, model_gva(page));
    } else {
        mmu_invpcid(fx.cpu, 0, (uint16_t)space, model_gva(page));
    }
}

static void model_switch(Model *model)
{
    model->space = random_below(model, SPACES);
    fx.cpu->cr3 = model->root[model->space] | model->space;
    mmu_cr3_write(fx.cpu, random_below(model, 3) != 0);
}

static void model_watch(Model *model)
{
    unsigned frame = random_below(model, FRAMES);

    model->watched[frame] = random_below(model, 3) == 0;
    if (model->watched[frame]) {
        watch(DATA + frame * PAGE_SIZE);
    } else {
        code_pages_clear(phys_map_code_pages(fx.map), DATA + frame * PAGE_SIZE);
    }
}

static void model_reach(Model *model)
{
    unsigned page = random_below(model, PAGES);
    Access access = random_below(model, 2) == 0 ? ACCESS_READ : ACCESS_WRITE;

    if (random_below(model, 3) == 0) { /* by the TLB: a later fault finds it there */
        touch(MMU_USER, model_gva(page), access);
    } else {
        ck_assert_int_eq(reach(model_gva(page), access), model_expects(model, page, access));
    }
}

static void model_step(Model *model)
{
    switch (random_below(model, 24)) {
    case 0:
        model_switch(model);
        break;
    case 1:
        mmu_flush_all(fx.cpu);
        break;
    case 2:
        mmu_invpcid(fx.cpu, 1, (uint16_t)random_below(model, SPACES), 0);
        break;
    case 3:
    case 4:
        model_watch(model);
        break;
    case 5:
    case 6:
    case 7:
    case 8:
        model_remap(model, random_below(model, SPACES), random_below(model, PAGES));
        break;
    default:
        model_reach(model);
        break;
    }
}

START_TEST(random_operations_leave_nothing_behind)
{
    Model model = { .seed = (uint64_t)_i + 1 };

    control_set(&fx.cpu->cr4, CR4_PCIDE, true);
    for (unsigned space = 0; space < SPACES; space++) {
        model.root[space] = space == 0 ? (uint64_t)ROOT : table_new();
        for (unsigned page = 0; page < PAGES; page++) {
            model_remap(&model, space, page);
        }
    }
    for (unsigned i = 0; i < OPERATIONS; i++) {
        mmu_window_tick(fx.cpu);
        model_step(&model);
        model_check(&model);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("random operations");
    TCase *tc = tcase_create("random operations");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, window_set_up, fixture_tear_down);
    suite_add_tcase(suite, tc);
    tcase_add_loop_test(tc, random_operations_leave_nothing_behind, 0, 4);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
