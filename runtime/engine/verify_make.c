/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verify_make.c - what is to be known of a block before it can be verified. Ordinary code. */
#include <Zydis/Mnemonic.h>
#include <errno.h>
#include <sys/mman.h>

#include "runtime/engine/engine.h"
#include "runtime/engine/verify_int.h"

bool verify_open(Engine *engine, GError **error)
{
    size_t blocks = (size_t)engine->n_units * engine->unit_blocks + 1;
    Verify *verify;

    if (engine->options.verify == 0) {
        return true;
    }
    verify = g_aligned_alloc0(1, sizeof(Verify), 64);
    verify->every = engine->options.verify;
    verify->block_size = blocks * sizeof(VerifyBlock);
    verify->block = mmap(NULL, verify->block_size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (verify->block == MAP_FAILED) {
        g_set_error(error, ENGINE_ERROR, ENGINE_ERROR_VALUE, "verify: %s", g_strerror(errno));
        g_aligned_free(verify);
        return false;
    }
    engine->verify = verify;
    engine->unchained |= verify->every == 1;
    return true;
}

void verify_close(Engine *engine)
{
    if (engine->verify != NULL) {
        munmap(engine->verify->block, engine->verify->block_size);
        g_aligned_free(engine->verify);
    }
}

static bool insn_at(Insn *insn, const uint8_t *page, unsigned offset, unsigned code_width)
{
    return insn_decode(insn, page + offset, MIN(PAGE_SIZE - offset, INSN_MAX_LENGTH), code_width) ==
           INSN_OK;
}

static bool reads_time(const Insn *insn)
{
    return insn->mnemonic == ZYDIS_MNEMONIC_RDTSC || insn->mnemonic == ZYDIS_MNEMONIC_RDTSCP;
}

/* Must it be alone in its block? */
static bool apart(const TranslateOutput *out, unsigned i, const uint8_t *page, unsigned code_width)
{
    Insn insn;

    return out->note[i].callout ||
           (insn_at(&insn, page, out->insn_page_offset[i], code_width) && reads_time(&insn));
}

unsigned verify_cut(const TranslateOutput *out, const uint8_t *page, unsigned code_width)
{
    for (unsigned i = 0; i < out->insns; i++) {
        if (apart(out, i, page, code_width)) {
            return i == 0 ? 1 : i;
        }
    }
    return out->insns;
}

/* May it change what is in VerifyState.system? */
static bool changes_segments(const Insn *insn)
{
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_SWAPGS:
    case ZYDIS_MNEMONIC_WRFSBASE:
    case ZYDIS_MNEMONIC_WRGSBASE:
    case ZYDIS_MNEMONIC_LDS:
    case ZYDIS_MNEMONIC_LES:
    case ZYDIS_MNEMONIC_LFS:
    case ZYDIS_MNEMONIC_LGS:
    case ZYDIS_MNEMONIC_LSS:
    case ZYDIS_MNEMONIC_INT:
    case ZYDIS_MNEMONIC_IRET:
        return true;
    case ZYDIS_MNEMONIC_JMP:
    case ZYDIS_MNEMONIC_CALL:
    case ZYDIS_MNEMONIC_RET:
        return insn_is_far(insn);
    default:
        return insn->n_operands != 0 && insn->op[0].kind == OPERAND_SEGMENT && insn->op[0].write;
    }
}

void verify_block_made(Engine *engine, const Block *block, const TranslateOutput *out,
                       const Insn *crossing)
{
    unsigned width = block->mode & MODE_CS64 ? 8 : block->mode & MODE_CS32 ? 4 : 2;
    VerifyBlock *facts = &engine->verify->block[block_number(engine, block)];

    *facts = (VerifyBlock){ .checked = true };
    for (unsigned i = 0; i < out->insns; i++) {
        Insn decoded;
        const Insn *insn = crossing;

        if (insn == NULL && insn_at(&decoded, block->page, out->insn_page_offset[i], width)) {
            insn = &decoded;
        }
        if (insn == NULL || out->note[i].callout || reads_time(insn)) {
            facts->checked = false;
            return;
        }
        facts->accesses |= (uint64_t)(insn == crossing || verify_accesses(insn)) << i;
        facts->vector |= insn_uses_vector(insn);
        facts->segments |= changes_segments(insn);
    }
    facts->flags = out->live_out;
}
