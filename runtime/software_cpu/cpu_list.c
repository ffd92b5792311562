/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu_list.c - the CPU models by name, and what -cpu help prints of them. */
#include <string.h>
#include "runtime/software_cpu/cpuid_int.h"

static void entry_add(GPtrArray *list, char *name, char *text, const char *alias_of)
{
    CpuModelEntry *entry = g_new0(CpuModelEntry, 1);

    entry->name = name;
    entry->text = text;
    entry->alias_of = g_strdup(alias_of);
    g_ptr_array_add(list, entry);
}

static void entry_free(void *opaque)
{
    CpuModelEntry *entry = opaque;

    g_free(entry->name);
    g_free(entry->text);
    g_free(entry->alias_of);
    g_free(entry);
}

static int entry_compare(const void *a, const void *b)
{
    const CpuModelEntry *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static void named_add(GPtrArray *list, const CpuModelRow *row)
{
    g_autofree char *first = g_strdup_printf("%s-v1", row->name);

    entry_add(list, g_strdup(row->name), g_strdup("(alias configured by machine type)"), first);
    entry_add(list, g_steal_pointer(&first), g_strdup(row->brand), NULL);
}

static const char *version_brand(const CpuVersionRow *version)
{
    for (unsigned i = 0; version->brand == NULL && i < cpu_model_rows_count; i++) {
        if (strcmp(cpu_model_rows[i].name, version->model) == 0) {
            return cpu_model_rows[i].brand;
        }
    }
    return version->brand;
}

static void version_add(GPtrArray *list, const CpuVersionRow *version)
{
    g_autofree char *name = g_strdup_printf("%s-v%u", version->model, version->version);

    if (version->alias != NULL) {
        entry_add(list, g_strdup(version->alias), g_strdup_printf("(alias of %s)", name), name);
    }
    entry_add(list, g_strdup(name),
              g_strconcat(version_brand(version), version->note != NULL ? " " : NULL, version->note,
                          NULL),
              NULL);
}

GPtrArray *cpu_model_list(void)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(entry_free);

    for (unsigned i = 0; i < cpu_model_rows_count; i++) {
        if (cpu_model_rows[i].about == NULL) {
            named_add(list, &cpu_model_rows[i]);
        }
    }
    for (unsigned i = 0; i < cpu_version_rows_count; i++) {
        version_add(list, &cpu_version_rows[i]);
    }
    g_ptr_array_sort(list, entry_compare);
    for (unsigned i = cpu_model_rows_count; i-- > 0;) {
        const CpuModelRow *row = &cpu_model_rows[i];

        if (row->about != NULL && row->alias != NULL) {
            entry_add(list, g_strdup(row->alias), g_strdup_printf("the same as %s", row->name),
                      NULL);
        }
        if (row->about != NULL) {
            entry_add(list, g_strdup(row->name), g_strdup(row->about), NULL);
        }
    }
    return list;
}

/* ---- -cpu help: "x86 ", the name, what it is; then all flags ---- */

static int name_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void flags_print(GString *text)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    unsigned column = 0;

    for (unsigned i = 0; i < cpu_flags_count; i++) {
        g_ptr_array_add(names, (void *)cpu_flags[i].name);
    }
    g_ptr_array_sort(names, name_compare);
    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        unsigned length = (unsigned)strlen(name) + 1;

        if (column + length > 75) {
            g_string_append(text, "\n ");
            column = 0;
        }
        g_string_append_printf(text, " %s", name);
        column += length;
    }
}

char *cpu_model_help(void)
{
    g_autoptr(GPtrArray) list = cpu_model_list();
    GString *text = g_string_new("Available CPUs:\n");

    for (guint i = 0; i < list->len; i++) {
        const CpuModelEntry *entry = g_ptr_array_index(list, i);

        g_string_append_printf(text, "x86 %-20s  %s\n", entry->name, entry->text);
    }
    g_string_append(text, "\nRecognized CPUID flags:\n ");
    flags_print(text);
    g_string_append_c(text, '\n');
    return g_string_free(text, FALSE);
}
