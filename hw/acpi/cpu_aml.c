/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu_aml.c - the CPUs in the SSDT, \_SB.CPUS.Cnnn, in AML (ACPI 6.3 chapter 20): cpu_hotplug.asl
 * has the methods that they call. */
#include "hw/acpi/tables_int.h"

enum {
    AML_ZERO = 0x00,
    AML_NAME = 0x08,
    AML_BYTE = 0x0a,
    AML_SCOPE = 0x10,
    AML_BUFFER = 0x11,
    AML_METHOD = 0x14,
    AML_ARG0 = 0x68,
    AML_ARG1,
    AML_ARG2,
    AML_PROCESSOR = 0x835b, /* the extension's prefix first */
    AML_NOTIFY = 0x86,
    AML_EQUAL = 0x93,
    AML_IF = 0xa0,
    AML_RETURN = 0xa4,
    SERIALIZED = 8, /* of a method's flags; below it the number of arguments */
    LENGTH_SIZE = 4,
    LOCAL_APIC_SIZE = 8,
};

/* A package length counts its own bytes; always in the form of four, for simplicity. */
static uint32_t length_begin(GByteArray *out)
{
    uint32_t at = out->len;

    acpi_put(out, LENGTH_SIZE, 0);
    return at;
}

static void length_end(GByteArray *out, uint32_t at)
{
    uint32_t length = out->len - at;

    out->data[at] = (uint8_t)(0xc0 | (length & 0xf));
    for (unsigned i = 1; i < LENGTH_SIZE; i++) {
        out->data[at + i] = (uint8_t)(length >> (8 * i - 4));
    }
}

static void put_byte(GByteArray *out, unsigned value)
{
    acpi_put(out, 1, AML_BYTE);
    acpi_put(out, 1, value);
}

static void put_cpu_name(GByteArray *out, unsigned cpu)
{
    char name[8];

    g_snprintf(name, sizeof(name), "C%03X", cpu & 0xfff);
    acpi_put_text(out, name);
}

/* A method that calls another one for this CPU, with its own arguments behind. */
static void put_method(GByteArray *out, const char *name, unsigned flags, bool returns,
                       const char *called, unsigned cpu, unsigned passed)
{
    uint32_t length;

    acpi_put(out, 1, AML_METHOD);
    length = length_begin(out);
    acpi_put_text(out, name);
    acpi_put(out, 1, flags);
    if (returns) {
        acpi_put(out, 1, AML_RETURN);
    }
    acpi_put_text(out, called);
    put_byte(out, cpu);
    for (unsigned i = 0; i < passed; i++) {
        acpi_put(out, 1, AML_ARG0 + i);
    }
    length_end(out, length);
}

/* _MAT: its entry of the MADT, as it is when the CPU is there. */
static void put_mat(GByteArray *out, const AcpiTablesConfig *config, unsigned cpu)
{
    uint32_t length;

    acpi_put(out, 1, AML_NAME);
    acpi_put_text(out, "_MAT");
    acpi_put(out, 1, AML_BUFFER);
    length = length_begin(out);
    put_byte(out, LOCAL_APIC_SIZE);
    acpi_put_local_apic(out, cpu, acpi_apic_id(config, cpu), true);
    length_end(out, length);
}

static void put_cpu(GByteArray *out, const AcpiTablesConfig *config, unsigned cpu)
{
    uint32_t length;

    acpi_put(out, 2, AML_PROCESSOR);
    length = length_begin(out);
    put_cpu_name(out, cpu);
    acpi_put(out, 1, cpu);
    acpi_put(out, 4, 0); /* no register block */
    acpi_put(out, 1, 0);
    put_method(out, "_STA", SERIALIZED, true, "CSTA", cpu, 0);
    put_mat(out, config, cpu);
    if (cpu != 0) {
        put_method(out, "_EJ0", 1, false, "CEJ0", cpu, 0);
    }
    put_method(out, "_OST", 3 | SERIALIZED, false, "COST", cpu, 2);
    if (config->numa != NULL) {
        acpi_put(out, 1, AML_NAME);
        acpi_put_text(out, "_PXM");
        put_byte(out, config->numa->cpu_node[cpu]);
    }
    length_end(out, length);
}

/* CTFY (CPU, event) */
static void put_notify(GByteArray *out, unsigned cpus)
{
    uint32_t method, one;

    acpi_put(out, 1, AML_METHOD);
    method = length_begin(out);
    acpi_put_text(out, "CTFY");
    acpi_put(out, 1, 2);
    for (unsigned i = 0; i < cpus; i++) {
        acpi_put(out, 1, AML_IF);
        one = length_begin(out);
        acpi_put(out, 1, AML_EQUAL);
        acpi_put(out, 1, AML_ARG0);
        put_byte(out, i);
        acpi_put(out, 1, AML_NOTIFY);
        put_cpu_name(out, i);
        acpi_put(out, 1, AML_ARG1);
        length_end(out, one);
    }
    length_end(out, method);
}

void acpi_put_cpus(GByteArray *out, const AcpiTablesConfig *config)
{
    unsigned cpus = MAX(config->max_cpus, config->cpus);
    uint32_t scope;

    acpi_put(out, 1, AML_SCOPE);
    scope = length_begin(out);
    acpi_put_text(out, "\\");
    acpi_put(out, 1, 0x2e); /* two names */
    acpi_put_text(out, "_SB_CPUS");
    for (unsigned i = 0; i < cpus; i++) {
        put_cpu(out, config, i);
    }
    put_notify(out, cpus);
    length_end(out, scope);
}
