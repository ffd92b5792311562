/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check/describe.h"
#include <capstone/capstone.h>
#include <inttypes.h>
#include <string.h>
#include "check/check.h"
#include "translator/insn.h"

static void capstone_line(unsigned code_width, const uint8_t *code, unsigned n, uint64_t address,
                          GString *text)
{
    cs_mode mode = code_width == 8 ? CS_MODE_64 : code_width == 4 ? CS_MODE_32 : CS_MODE_16;
    csh handle;
    cs_insn *insn = NULL;

    if (cs_open(CS_ARCH_X86, mode, &handle) != CS_ERR_OK) {
        return;
    }
    if (cs_disasm(handle, code, n, address, 1, &insn) == 1) {
        g_string_append_printf(text, "%s %s", insn->mnemonic, insn->op_str);
        cs_free(insn, 1);
    } else {
        g_string_append(text, "(bad)");
    }
    cs_close(&handle);
}

unsigned describe_insn(unsigned code_width, const uint8_t *code, unsigned n, uint64_t address,
                       GString *text)
{
    char line[128];
    Insn insn;

    if (insn_decode(&insn, code, n, code_width) != INSN_OK) {
        return 0;
    }
    insn_format(&insn, address, line, sizeof(line));
    g_string_append_printf(text, "  %08" PRIx64 " ", address);
    for (unsigned i = 0; i < insn.length; i++) {
        g_string_append_printf(text, "%02x", insn.bytes[i]);
    }
    g_string_append_printf(text, "\n    Zydis     %s\n    Capstone  ", line);
    capstone_line(code_width, code, n, address, text);
    g_string_append_c(text, '\n');
    return insn.length;
}

void saved_set_bytes(GKeyFile *file, const char *group, const char *key, const void *bytes,
                     size_t n)
{
    g_autofree char *text = g_base64_encode(bytes, n);

    g_key_file_set_string(file, group, key, text);
}

gboolean saved_get_bytes(GKeyFile *file, const char *group, const char *key, void *bytes, size_t n,
                         GError **error)
{
    g_autofree char *text = g_key_file_get_string(file, group, key, error);
    g_autofree guchar *data = NULL;
    gsize size = 0;

    if (text == NULL) {
        return FALSE;
    }
    data = g_base64_decode(text, &size);
    if (size != n) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_FILE, "%s has %zu bytes, not %zu", key,
                    (size_t)size, n);
        return FALSE;
    }
    memcpy(bytes, data, n);
    return TRUE;
}
