// SPDX-License-Identifier: MIT
// One pass over memory: what happens between convolutions. All arrays are float32 of `count` values, a multiple of 16, 64-byte aligned;
// a mask has one bit a value, in words of 16. Work is split over the calling thread's OpenMP threads; results do not depend on how many.
#ifndef ONEIROS_KERNELS_ELEMENTWISE_H
#define ONEIROS_KERNELS_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

// How the gradient goes back through a ReLU with input a.
enum gradient_mode {
    GRADIENT_MODE_GUIDED, // g * [g > 0] * [a > 0]  Springenberg et al. 2014, arXiv:1412.6806
    GRADIENT_MODE_PLAIN,  // g * [a > 0]
    GRADIENT_MODE_DECONV, // g * [g > 0]            Zeiler and Fergus 2013, arXiv:1311.2901
};

// mask[i] = activation[i] > 0
void relu_mask(const float *activation, uint16_t *mask, size_t count);

// gradient[i] *= what the mode says, in place. A zero is written where the factor is 0, whatever the gradient was.
void relu_gradient(float *gradient, const uint16_t *mask, size_t count, enum gradient_mode mode);

// sum[i] += term[i]
void add(float *sum, const float *term, size_t count);

// (1 block, height, width, block) -> (channels, height, width) for channels <= block.
void unblock_first(const float *blocked, float *planar, int channels, size_t pixels, int block);

#endif
