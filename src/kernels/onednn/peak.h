// SPDX-License-Identifier: MIT
// The floating-point operations a second that this machine reaches at most: what the rates of layers are measured against.
#pragma once

#include "common/system/machine.h"
#include "common/system/status.h"

enum peak_kind {
    PEAK_REGISTERS,    // multiply-adds in registers, float32, with the instructions of simd_here()
    PEAK_PRODUCT_F32,  // oneDNN's product of two square matrices
    PEAK_PRODUCT_BF16, // the same of bfloat16, summed in float32
    PEAK_KINDS
};

enum { PEAK_SIDE = 2048, PEAK_ROUNDS = 7 }; // of the matrices; at least

// "multiply-adds in registers" or "matrix product", of "f32" or "bf16".
extern const struct peak_label {
    const char *name, *type;
} peak_labels[PEAK_KINDS];

// Floating-point operations a second, two a multiply-add, with the calling thread's OpenMP threads: the best of many rounds, since whatever
// disturbs a round only makes it slower, in half of which each thread has a core of its own. STATUS_UNSUPPORTED where oneDNN has no
// fast product of that type here.
enum status peak_measure(const struct machine *machine, enum peak_kind kind, double *flop_a_second) MUST_CHECK;
