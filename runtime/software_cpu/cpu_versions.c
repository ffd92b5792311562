/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu_versions.c - versions of the named CPU models from the second on, with the names that some of
 * them have besides. What differs only in features that doppel has not is the same CPU. */
#include "runtime/software_cpu/cpuid_int.h"

const CpuVersionRow cpu_version_rows[] = {
    { .model = "Broadwell", .version = 2, .alias = "Broadwell-noTSX", .brand = "Intel Core Processor (Broadwell, no TSX)" },
    { .model = "Broadwell", .version = 3, .alias = "Broadwell-IBRS", .brand = "Intel Core Processor (Broadwell, IBRS)", .flags = "spec-ctrl" },
    { .model = "Broadwell", .version = 4, .alias = "Broadwell-noTSX-IBRS", .brand = "Intel Core Processor (Broadwell, no TSX, IBRS)", .flags = "spec-ctrl" },
    { .model = "Cascadelake-Server", .version = 2, .note = "[ARCH_CAPABILITIES]", .flags = "arch-capabilities ibrs-all mds-no rdctl-no skip-l1dfl-vmentry" },
    { .model = "Cascadelake-Server", .version = 3, .alias = "Cascadelake-Server-noTSX", .note = "[ARCH_CAPABILITIES, no TSX]", .flags = "arch-capabilities ibrs-all mds-no rdctl-no skip-l1dfl-vmentry" },
    { .model = "Cascadelake-Server", .version = 4, .note = "[ARCH_CAPABILITIES, EPT switching, no TSX]", .flags = "arch-capabilities ibrs-all mds-no rdctl-no skip-l1dfl-vmentry" },
    { .model = "Cascadelake-Server", .version = 5, .note = "[ARCH_CAPABILITIES, EPT switching, XSAVES, no TSX]", .flags = "arch-capabilities ibrs-all mds-no rdctl-no skip-l1dfl-vmentry" },
    { .model = "Cooperlake", .version = 2, .note = "[XSAVES]" },
    { .model = "Denverton", .version = 2, .note = "[no MPX, no MONITOR]", .flags = "-monitor" },
    { .model = "Denverton", .version = 3, .note = "[XSAVES, no MPX, no MONITOR]", .flags = "-monitor" },
    { .model = "Dhyana", .version = 2, .note = "[XSAVES]" },
    { .model = "EPYC-Rome", .version = 2, .flags = "amd-ssbd ibrs" },
    { .model = "EPYC", .version = 2, .alias = "EPYC-IBPB", .brand = "AMD EPYC Processor (with IBPB)", .flags = "ibpb" },
    { .model = "EPYC", .version = 3, .flags = "clzero ibpb xsaveerptr" },
    { .model = "Haswell", .version = 2, .alias = "Haswell-noTSX", .brand = "Intel Core Processor (Haswell, no TSX)", .stepping = 1 },
    { .model = "Haswell", .version = 3, .alias = "Haswell-IBRS", .brand = "Intel Core Processor (Haswell, IBRS)", .flags = "spec-ctrl" },
    { .model = "Haswell", .version = 4, .alias = "Haswell-noTSX-IBRS", .brand = "Intel Core Processor (Haswell, no TSX, IBRS)", .flags = "spec-ctrl", .stepping = 1 },
    { .model = "Icelake-Server", .version = 2, .alias = "Icelake-Server-noTSX", .note = "[no TSX]" },
    { .model = "Icelake-Server", .version = 3, .flags = "arch-capabilities ibrs-all mds-no pschange-mc-no rdctl-no skip-l1dfl-vmentry taa-no" },
    { .model = "Icelake-Server", .version = 4, .flags = "arch-capabilities fsrm ibrs-all mds-no pschange-mc-no rdctl-no rdpid sha-ni skip-l1dfl-vmentry taa-no", .number = 106 },
    { .model = "Icelake-Server", .version = 5, .note = "[XSAVES]", .flags = "arch-capabilities fsrm ibrs-all mds-no pschange-mc-no rdctl-no rdpid sha-ni skip-l1dfl-vmentry taa-no", .number = 106 },
    { .model = "Icelake-Server", .version = 6, .note = "[5-level EPT]", .flags = "arch-capabilities fsrm ibrs-all mds-no pschange-mc-no rdctl-no rdpid sha-ni skip-l1dfl-vmentry taa-no", .number = 106 },
    { .model = "IvyBridge", .version = 2, .alias = "IvyBridge-IBRS", .brand = "Intel Xeon E3-12xx v2 (Ivy Bridge, IBRS)", .flags = "spec-ctrl" },
    { .model = "Nehalem", .version = 2, .alias = "Nehalem-IBRS", .brand = "Intel Core i7 9xx (Nehalem Core i7, IBRS update)", .flags = "spec-ctrl" },
    { .model = "SandyBridge", .version = 2, .alias = "SandyBridge-IBRS", .brand = "Intel Xeon E312xx (Sandy Bridge, IBRS update)", .flags = "spec-ctrl" },
    { .model = "Skylake-Client", .version = 2, .alias = "Skylake-Client-IBRS", .brand = "Intel Core Processor (Skylake, IBRS)", .flags = "spec-ctrl" },
    { .model = "Skylake-Client", .version = 3, .alias = "Skylake-Client-noTSX-IBRS", .brand = "Intel Core Processor (Skylake, IBRS, no TSX)", .flags = "spec-ctrl" },
    { .model = "Skylake-Client", .version = 4, .brand = "Intel Core Processor (Skylake, IBRS, no TSX)", .note = "[IBRS, XSAVES, no TSX]", .flags = "spec-ctrl" },
    { .model = "Skylake-Server", .version = 2, .alias = "Skylake-Server-IBRS", .brand = "Intel Xeon Processor (Skylake, IBRS)", .flags = "spec-ctrl -clflushopt" },
    { .model = "Skylake-Server", .version = 3, .alias = "Skylake-Server-noTSX-IBRS", .brand = "Intel Xeon Processor (Skylake, IBRS, no TSX)", .flags = "spec-ctrl -clflushopt" },
    { .model = "Skylake-Server", .version = 4, .brand = "Intel Xeon Processor (Skylake, IBRS, no TSX)", .note = "[IBRS, EPT switching, no TSX]", .flags = "spec-ctrl -clflushopt" },
    { .model = "Skylake-Server", .version = 5, .brand = "Intel Xeon Processor (Skylake, IBRS, no TSX)", .note = "[IBRS, XSAVES, EPT switching, no TSX]", .flags = "spec-ctrl -clflushopt" },
    { .model = "Snowridge", .version = 2, .brand = "Intel Atom Processor (Snowridge, no MPX)" },
    { .model = "Snowridge", .version = 3, .brand = "Intel Atom Processor (Snowridge, no MPX)", .note = "[XSAVES, no MPX]" },
    { .model = "Snowridge", .version = 4, .brand = "Intel Atom Processor (Snowridge, no MPX)", .note = "[no split lock detect, no core-capability]" },
    { .model = "Westmere", .version = 2, .alias = "Westmere-IBRS", .brand = "Westmere E56xx/L56xx/X56xx (IBRS update)", .flags = "spec-ctrl" },
};
const unsigned cpu_version_rows_count = sizeof(cpu_version_rows) / sizeof(cpu_version_rows[0]);
