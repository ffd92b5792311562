/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu_model_list.c - models and flags, one by one, for whoever asks what there is. */
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/cpuid_int.h"

void cpu_model_each(CpuModelEach *each, void *opaque)
{
    for (unsigned i = 0; i < cpu_model_rows_count; i++) {
        const CpuModelRow *row = &cpu_model_rows[i];

        each(opaque, row->name, NULL);
        if (row->alias != NULL) {
            each(opaque, row->alias, row->name);
        }
    }
}

void cpu_model_each_flag(const CpuModel *model, CpuFlagEach *each, void *opaque)
{
    for (unsigned i = 0; i < cpu_flags_count; i++) {
        const CpuFlag *flag = &cpu_flags[i];

        if (flag->kind != FLAG_NEVER) {
            each(opaque, flag->name, model->words[flag->word] >> flag->bit & 1);
        }
    }
}
