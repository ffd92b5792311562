/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verify_memory.c - the memory that a block writes: found before the software CPU executes each
 * instruction, kept, put back, compared. More may be logged than is written: that costs nothing. */
#include "runtime/software_cpu/software_cpu_int.h"
#include "runtime/engine/verify_int.h"
#include "softmmu/codepages.h"
#include "softmmu/mmu.h"

static void bytes_copy(uint8_t *to, const uint8_t *from, size_t size)
{
    switch (size) { /* of most accesses: the string instruction takes tens of cycles to begin */
    case 8:
        *(GuestU64 *)to = *(const GuestU64 *)from;
        break;
    case 4:
        *(GuestU32 *)to = *(const GuestU32 *)from;
        break;
    case 1:
        *to = *from;
        break;
    default:
        __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
        break;
    }
}

static bool bytes_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
    for (; size >= 8; a += 8, b += 8, size -= 8) {
        if (*(const GuestU64 *)a != *(const GuestU64 *)b) {
            return false;
        }
    }
    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i]) {
            return false;
        }
    }
    return true;
}

static bool write_add(Verify *verify, uint8_t *host, uint64_t linear, unsigned size)
{
    VerifyWrite *write = &verify->write[verify->n_writes];

    if (verify->n_writes == VERIFY_WRITES || size > VERIFY_BYTES - verify->used) {
        return false;
    }
    *write = (VerifyWrite){ .host = host, .linear = linear, .size = size, .at = verify->used };
    bytes_copy(verify->old + verify->used, host, size);
    verify->n_writes++;
    verify->used += size;
    return true;
}

/* Inside one page. What cannot be accessed at all will fault, or is not touched after all. */
static bool piece_log(Cpu *cpu, Verify *verify, uint64_t linear, unsigned size, bool written)
{
    PhysMap *map = soft_mmu_map(cpu->mmu);
    uint8_t *host = mmu_hit(cpu, linear, size, written ? ACCESS_WRITE : ACCESS_READ);
    unsigned offset = linear & (PAGE_SIZE - 1);
    PhysPage page;
    uint64_t gpa;

    if (host == NULL) {
        if (!mmu_translate_debug(cpu, linear, &gpa)) {
            return true;
        }
        page = phys_map_page(map, gpa & ~(uint64_t)(PAGE_SIZE - 1));
        if (page.host == NULL) {
            return false;
        }
        if (written && page.ram_offset == UINT64_MAX) {
            return true; /* ROM stays as it is */
        }
        if (written && code_pages_hit(phys_map_code_pages(map), page.ram_offset + offset, size)) {
            return false;
        }
        host = page.host + offset;
    }
    return !written || write_add(verify, host, linear, size);
}

static bool range_log(Cpu *cpu, Verify *verify, uint64_t linear, uint64_t size, bool written)
{
    if (size > VERIFY_BYTES) {
        return false;
    }
    while (size > 0) {
        unsigned piece = (unsigned)MIN(size, PAGE_SIZE - (linear & (PAGE_SIZE - 1)));

        if (!piece_log(cpu, verify, linear, piece, written)) {
            return false;
        }
        linear += piece;
        if (!(cpu->mode & MODE_CS64)) {
            linear = (uint32_t)linear;
        }
        size -= piece;
    }
    return true;
}

static uint64_t linear_of(const Cpu *cpu, unsigned segment, uint64_t offset)
{
    if (!(cpu->mode & MODE_CS64)) {
        return (uint32_t)(cpu->seg[segment].base + offset);
    }
    return offset + (segment == FS || segment == GS ? cpu->seg[segment].base : 0);
}

/* The element of a bit string that a register operand chooses. */
static int64_t bit_displacement(const Cpu *cpu, const Insn *insn)
{
    unsigned width = insn->op[0].width;

    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_BT:
    case ZYDIS_MNEMONIC_BTS:
    case ZYDIS_MNEMONIC_BTR:
    case ZYDIS_MNEMONIC_BTC:
        break;
    default:
        return 0;
    }
    if (insn->op[1].kind != OPERAND_GPR) {
        return 0;
    }
    return (sign_extend(cpu->gpr[insn->op[1].reg], width) >> 3) & -(int64_t)width;
}

static bool operand_log(Cpu *cpu, Verify *verify, const Insn *insn, const Operand *op)
{
    uint64_t offset = operand_offset(cpu, insn);
    unsigned size = op->width;
    bool written = op->write || (insn->prefix & PREFIX_LOCK);

    if (insn->mem.vsib) {
        return false;
    }
    offset = (offset + (uint64_t)bit_displacement(cpu, insn)) & width_mask(insn->address_width);
    if (insn->mnemonic == ZYDIS_MNEMONIC_POP && insn->mem.base == RSP) {
        size += 8; /* the address is formed behind the pop */
    }
    return range_log(cpu, verify, linear_of(cpu, insn->mem.segment, offset), size, written);
}

/* How many words it pushes or pops. */
static unsigned stack_words(const Insn *insn)
{
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_PUSHA:
    case ZYDIS_MNEMONIC_PUSHAD:
    case ZYDIS_MNEMONIC_POPA:
    case ZYDIS_MNEMONIC_POPAD:
        return 8;
    case ZYDIS_MNEMONIC_INT:
    case ZYDIS_MNEMONIC_IRET:
        return 3;
    case ZYDIS_MNEMONIC_CALL:
    case ZYDIS_MNEMONIC_RET:
        return insn_is_far(insn) ? 2 : 1;
    default:
        return 1;
    }
}

static bool stack_log(Cpu *cpu, Verify *verify, const Insn *insn, bool written)
{
    unsigned size = stack_words(insn) * insn->op_width;
    uint64_t offset = stack_offset(cpu, written ? -(int64_t)size : 0);

    return range_log(cpu, verify, linear_of(cpu, SS, offset), size, written);
}

/* `pointer`: RSI or RDI. */
static bool string_log(Cpu *cpu, Verify *verify, const Insn *insn, unsigned pointer, bool written)
{
    unsigned width = insn->opcode & 1 ? insn->op_width : 1;
    uint64_t mask = width_mask(insn->address_width);
    bool repeated = insn->prefix & (PREFIX_REP | PREFIX_REPNE);
    uint64_t count = repeated ? cpu->gpr[RCX] & mask : 1;
    uint64_t offset = cpu->gpr[pointer] & mask;

    if (count > VERIFY_BYTES / 8) {
        return false;
    }
    if (cpu->rflags & FLAG_DF) {
        offset -= (count - 1) * width;
    }
    return range_log(cpu, verify,
                     linear_of(cpu, pointer == RDI ? ES : insn->mem.segment, offset & mask),
                     count * width, written);
}

/* What an instruction accesses without an operand that says so. */
typedef enum Implied {
    IMPLIED_NONE,
    IMPLIED_PUSH,
    IMPLIED_POP,
    IMPLIED_MOVS,
    IMPLIED_STOS,
    IMPLIED_LODS,
} Implied;

static Implied implied_of(const Insn *insn)
{
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_PUSH:
    case ZYDIS_MNEMONIC_PUSHF:
    case ZYDIS_MNEMONIC_PUSHFD:
    case ZYDIS_MNEMONIC_PUSHFQ:
    case ZYDIS_MNEMONIC_PUSHA:
    case ZYDIS_MNEMONIC_PUSHAD:
    case ZYDIS_MNEMONIC_CALL:
    case ZYDIS_MNEMONIC_ENTER:
    case ZYDIS_MNEMONIC_INT:
        return IMPLIED_PUSH;
    case ZYDIS_MNEMONIC_POP:
    case ZYDIS_MNEMONIC_POPA:
    case ZYDIS_MNEMONIC_POPAD:
    case ZYDIS_MNEMONIC_RET:
    case ZYDIS_MNEMONIC_IRET:
        return IMPLIED_POP;
    case ZYDIS_MNEMONIC_MOVSB:
    case ZYDIS_MNEMONIC_MOVSW:
    case ZYDIS_MNEMONIC_MOVSD:
    case ZYDIS_MNEMONIC_MOVSQ:
        return insn->n_operands != 0 ? IMPLIED_NONE : IMPLIED_MOVS;
    case ZYDIS_MNEMONIC_STOSB:
    case ZYDIS_MNEMONIC_STOSW:
    case ZYDIS_MNEMONIC_STOSD:
    case ZYDIS_MNEMONIC_STOSQ:
        return IMPLIED_STOS;
    case ZYDIS_MNEMONIC_LODSB:
    case ZYDIS_MNEMONIC_LODSW:
    case ZYDIS_MNEMONIC_LODSD:
    case ZYDIS_MNEMONIC_LODSQ:
        return IMPLIED_LODS;
    default:
        return IMPLIED_NONE;
    }
}

static bool implied_log(Cpu *cpu, Verify *verify, const Insn *insn)
{
    switch (implied_of(insn)) {
    case IMPLIED_PUSH:
        return stack_log(cpu, verify, insn, true);
    case IMPLIED_POP:
        return stack_log(cpu, verify, insn, false);
    case IMPLIED_MOVS:
        return string_log(cpu, verify, insn, RSI, false) &&
               string_log(cpu, verify, insn, RDI, true);
    case IMPLIED_STOS:
        return string_log(cpu, verify, insn, RDI, true);
    case IMPLIED_LODS:
        return string_log(cpu, verify, insn, RSI, false);
    default:
        return true;
    }
}

bool verify_accesses(const Insn *insn)
{
    return insn->has_mem || implied_of(insn) != IMPLIED_NONE;
}

bool verify_log(Cpu *cpu, Verify *verify, const Insn *insn)
{
    if (!implied_log(cpu, verify, insn)) {
        return false;
    }
    for (unsigned i = 0; i < insn->n_operands; i++) {
        const Operand *op = &insn->op[i];

        if (op->kind == OPERAND_MEM && op->width != 0 && !operand_log(cpu, verify, insn, op)) {
            return false;
        }
    }
    return true;
}

void verify_keep_expected(Verify *verify)
{
    for (unsigned i = 0; i < verify->n_writes; i++) {
        const VerifyWrite *write = &verify->write[i];

        bytes_copy(verify->expected_bytes + write->at, write->host, write->size);
    }
}

/* Backwards: the oldest contents of a place come last. */
void verify_undo(Verify *verify)
{
    for (unsigned i = verify->n_writes; i-- > 0;) {
        const VerifyWrite *write = &verify->write[i];

        bytes_copy(write->host, verify->old + write->at, write->size);
    }
}

void verify_redo(Verify *verify)
{
    for (unsigned i = 0; i < verify->n_writes; i++) {
        const VerifyWrite *write = &verify->write[i];

        bytes_copy(write->host, verify->expected_bytes + write->at, write->size);
    }
}

bool verify_memory_equal(const Verify *verify)
{
    for (unsigned i = 0; i < verify->n_writes; i++) {
        const VerifyWrite *write = &verify->write[i];

        if (!bytes_equal(write->host, verify->expected_bytes + write->at, write->size)) {
            return false;
        }
    }
    return true;
}
