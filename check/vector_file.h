/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_VECTOR_FILE_H
#define CHECK_VECTOR_FILE_H
/* vector_file.h - tests captured from real chips: the SingleStepTests JSON form.
 *
 * Registers have 16-bit or 32-bit names, by the set; other ones are ignored, and so is metadata
 * that is not known here. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* General registers in encoding order, then these. */
typedef enum VectorReg {
    VECTOR_REG_IP = 8,
    VECTOR_REG_FLAGS,
    VECTOR_REG_ES,
    VECTOR_REG_CS,
    VECTOR_REG_SS,
    VECTOR_REG_DS,
    VECTOR_REG_FS,
    VECTOR_REG_GS,
    VECTOR_REGS
} VectorReg;

const char *vector_reg_name(VectorReg reg);

typedef struct VectorByte {
    uint32_t address;
    uint8_t value;
} VectorByte;

typedef struct VectorState {
    uint32_t reg[VECTOR_REGS];
    uint32_t present; /* bits by VectorReg */
    VectorByte *ram;
    unsigned n_ram;
} VectorState;

typedef struct VectorTest {
    char *name; /* the instruction, as the set's authors disassemble it */
    char *hash; /* may be NULL */
    unsigned index;
    uint8_t bytes[64];
    unsigned n_bytes;
    VectorState initial, final; /* final: only what changed */
    int exception;              /* -1: none */
} VectorTest;

typedef struct VectorFile {
    char *form; /* name without suffix: "80.3" is opcode 80 /3 */
    VectorTest *test;
    unsigned n;
} VectorFile;

VectorFile *vector_file_read(const char *path, GError **error);
void vector_file_free(VectorFile *file);

typedef struct VectorMetadata VectorMetadata;

/* Reads metadata.json and revocation_list.txt of a directory; either may be missing. */
VectorMetadata *vector_metadata_read(const char *directory, GError **error);
void vector_metadata_free(VectorMetadata *metadata);

/* Flags that the form defines. */
uint32_t vector_metadata_flags(const VectorMetadata *metadata, const char *form);
bool vector_metadata_revoked(const VectorMetadata *metadata, const VectorTest *test);

#endif
