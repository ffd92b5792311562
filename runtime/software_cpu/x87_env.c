/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x87_env.c - the x87 environment in memory: FLDENV, FNSTENV, FRSTOR, FNSAVE (SDM vol. 1 section
 * 8.1.10, figures 8-9 to 8-12).
 *
 * Four images: 16 or 32 bits wide, with selectors (protected mode) or with 20 to 32-bit linear
 * addresses (real and virtual-8086 mode).  Control, status and tags are the host's; the pointers
 * are Cpu.x87_last. */
#include "runtime/software_cpu/x87_int.h"

enum { ENV_16 = 14, ENV_32 = 28, REGISTERS = 80 };

typedef struct X87Image {
    X87Env env; /* as the host has it */
    uint8_t registers[REGISTERS];
} X87Image;
_Static_assert(sizeof(X87Image) == ENV_32 + REGISTERS, "what FNSAVE stores");

static bool env_is_real(const Cpu *cpu)
{
    return (cpu->mode & (MODE_PE | MODE_VM)) != MODE_PE;
}

static unsigned env_size(const Insn *insn)
{
    return insn->op_width == 2 ? ENV_16 : ENV_32;
}

/* ---- Words of the image, wider ones padded with ones as the host pads them ---- */

static void words_put16(uint8_t *to, const uint16_t *words)
{
    for (unsigned i = 0; i < ENV_16 / 2; i++) {
        to[2 * i] = (uint8_t)words[i];
        to[2 * i + 1] = (uint8_t)(words[i] >> 8);
    }
}

static void env_put16(const Cpu *cpu, const X87Env *env, uint8_t *to)
{
    const X87Last *last = &cpu->x87_last;
    uint32_t ip = (uint32_t)last->ip, dp = (uint32_t)last->dp;
    uint16_t words[ENV_16 / 2] = { (uint16_t)env->control,
                                   (uint16_t)env->status,
                                   (uint16_t)env->tags,
                                   (uint16_t)ip,
                                   last->cs,
                                   (uint16_t)dp,
                                   last->ds };

    if (env_is_real(cpu)) {
        ip += (uint32_t)last->cs << 4;
        dp += (uint32_t)last->ds << 4;
        words[3] = (uint16_t)ip;
        words[4] = (uint16_t)((ip >> 4 & 0xf000) | last->op);
        words[5] = (uint16_t)dp;
        words[6] = (uint16_t)(dp >> 4 & 0xf000);
    }
    words_put16(to, words);
}

static void env_put32(const Cpu *cpu, const X87Env *env, uint8_t *to)
{
    const X87Last *last = &cpu->x87_last;
    X87Env out = *env;

    out.ip = (uint32_t)last->ip;
    out.cs_op = last->cs | (uint32_t)last->op << 16;
    out.dp = (uint32_t)last->dp;
    out.ds = last->ds | 0xffff0000u;
    if (env_is_real(cpu)) {
        uint32_t ip = out.ip + ((uint32_t)last->cs << 4);
        uint32_t dp = out.dp + ((uint32_t)last->ds << 4);

        out.ip = ip | 0xffff0000u;
        out.cs_op = (ip >> 4 & 0x0ffff000) | last->op;
        out.dp = dp | 0xffff0000u;
        out.ds = dp >> 4 & 0x0ffff000;
    }
    __builtin_memcpy(to, &out, sizeof(out));
}

static void env_put(const Cpu *cpu, const Insn *insn, const X87Env *env, uint8_t *to)
{
    if (env_size(insn) == ENV_16) {
        env_put16(cpu, env, to);
    } else {
        env_put32(cpu, env, to);
    }
}

static uint16_t word_at(const uint8_t *from, unsigned i)
{
    return (uint16_t)(from[2 * i] | from[2 * i + 1] << 8);
}

static void env_get16(Cpu *cpu, X87Env *env, const uint8_t *from)
{
    bool real = env_is_real(cpu);
    uint16_t code = word_at(from, 4), data = word_at(from, 6);

    *env = (X87Env){ .control = word_at(from, 0) | 0xffff0000u,
                     .status = word_at(from, 1) | 0xffff0000u,
                     .tags = word_at(from, 2) | 0xffff0000u };
    cpu->x87_last = (X87Last){
        .ip = word_at(from, 3) | (real ? (uint32_t)(code & 0xf000) << 4 : 0),
        .dp = word_at(from, 5) | (real ? (uint32_t)(data & 0xf000) << 4 : 0),
        .cs = real ? 0 : code,
        .ds = real ? 0 : data,
        .op = real ? code & 0x7ff : 0,
    };
}

static void env_get32(Cpu *cpu, X87Env *env, const uint8_t *from)
{
    bool real = env_is_real(cpu);

    __builtin_memcpy(env, from, sizeof(*env));
    if (real) {
        cpu->x87_last = (X87Last){
            .ip = (env->ip & 0xffff) | (env->cs_op & 0x0ffff000) << 4,
            .dp = (env->dp & 0xffff) | (env->ds & 0x0ffff000) << 4,
            .op = env->cs_op & 0x7ff,
        };
    } else {
        cpu->x87_last = (X87Last){ .ip = env->ip,
                                   .dp = env->dp,
                                   .cs = (uint16_t)env->cs_op,
                                   .ds = (uint16_t)env->ds,
                                   .op = env->cs_op >> 16 & 0x7ff };
    }
    env->ip = env->cs_op = env->dp = env->ds = 0;
}

static void env_get(Cpu *cpu, const Insn *insn, X87Env *env, const uint8_t *from)
{
    if (env_size(insn) == ENV_16) {
        env_get16(cpu, env, from);
    } else {
        env_get32(cpu, env, from);
    }
    cpu->ignne = false;
}

/* ---- Instructions ---- */

static Step begin_write(Cpu *cpu, const Insn *insn, unsigned size, uint64_t *linear)
{
    if (!x87_available(cpu) || !operand_linear(cpu, insn, size, ACCESS_WRITE, linear) ||
        !mmu_probe(cpu, *linear, size, ACCESS_WRITE)) {
        return STEP_FAULT;
    }
    cpu_vector_load(cpu); /* a walk may have parked it */
    return STEP_NEXT;
}

static Step begin_read(Cpu *cpu, const Insn *insn, unsigned size, uint8_t *image)
{
    Step step = x87_available(cpu) ? x87_wait(cpu) : STEP_FAULT;
    uint64_t linear;

    if (step != STEP_NEXT) {
        return step;
    }
    if (!operand_linear(cpu, insn, size, ACCESS_READ, &linear) ||
        !vector_memory_read(cpu, linear, image, size)) {
        return STEP_FAULT;
    }
    cpu_vector_load(cpu);
    return STEP_NEXT;
}

Step exec_fnstenv(Cpu *cpu, const Insn *insn)
{
    uint8_t image[ENV_32];
    uint64_t linear;
    X87Env env;

    if (begin_write(cpu, insn, env_size(insn), &linear) != STEP_NEXT) {
        return STEP_FAULT;
    }
    __asm__ volatile("fnstenv %0" : "=m"(env)); /* and masks all errors */
    env_put(cpu, insn, &env, image);
    return vector_memory_write(cpu, linear, image, env_size(insn)) ? STEP_NEXT : STEP_FAULT;
}

Step exec_fldenv(Cpu *cpu, const Insn *insn)
{
    uint8_t image[ENV_32];
    X87Env env;
    Step step = begin_read(cpu, insn, env_size(insn), image);

    if (step != STEP_NEXT) {
        return step;
    }
    env_get(cpu, insn, &env, image);
    __asm__ volatile("fnclex\n\tfldenv %0" : : "m"(env));
    return STEP_NEXT;
}

Step exec_fnsave(Cpu *cpu, const Insn *insn)
{
    unsigned size = env_size(insn);
    uint8_t image[ENV_32 + REGISTERS];
    uint64_t linear;
    X87Image host;

    if (begin_write(cpu, insn, size + REGISTERS, &linear) != STEP_NEXT) {
        return STEP_FAULT;
    }
    __asm__ volatile("fnsave %0" : "=m"(host)); /* and initialises */
    env_put(cpu, insn, &host.env, image);
    bytes_copy(image + size, host.registers, REGISTERS);
    x87_forget(cpu);
    return vector_memory_write(cpu, linear, image, size + REGISTERS) ? STEP_NEXT : STEP_FAULT;
}

Step exec_frstor(Cpu *cpu, const Insn *insn)
{
    unsigned size = env_size(insn);
    uint8_t image[ENV_32 + REGISTERS];
    X87Image host;
    Step step = begin_read(cpu, insn, size + REGISTERS, image);

    if (step != STEP_NEXT) {
        return step;
    }
    env_get(cpu, insn, &host.env, image);
    bytes_copy(host.registers, image + size, REGISTERS);
    __asm__ volatile("fnclex\n\tfrstor %0" : : "m"(host));
    return STEP_NEXT;
}
