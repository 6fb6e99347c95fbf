// SPDX-License-Identifier: MIT
#include "report/measures.h"

const struct measure measures[MEASURES] = {
    {"loss", "Loss", "", false},
    {"score", "DeepDream score", "", true},
    {"gradient_norm", "Gradient norm", "", false},
    {"psnr", "PSNR to the original", "dB", false},
    {"sparsity", "Sparsity", "", true},
    {"hoyer", "Hoyer sparsity", "", true},
    {"diversity", "Diversity of channels", "", true},
    {"total_variation", "Total variation", "", false},
};

int measures_offset(int measure, int targets)
{
    int offset = 0;
    for (int i = 0; i < measure; i++)
        offset += measures[i].per_target ? targets : 1;
    return offset;
}

int measures_width(int targets)
{
    return measures_offset(MEASURES, targets);
}
