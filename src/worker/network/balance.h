// SPDX-License-Identifier: MIT
// Weights against what channels answer to ordinary pictures (kernels/network/statistics.h): some answer much to any picture, and would rule
// every dream.
#pragma once

#include "worker/network/objective.h"

// Of the channels whose weight is not 0, channel c's is multiplied by (M / max(m_c, M / 100))^strength, in such a scale that the mean of
// these factors is 1; m_c = usual[c] >= 0, M: its mean over these channels. Where M is 0 nothing changes.
void balance_weights(float *weights, const float *usual, int channels, double strength);

// What the key balance says, or 0.4 where that is auto.
double balance_strength(const struct config *config);

// The same of one target, by that strength; m_c the mean of A^2 for the objective mean_square and of A for mean over
// ordinary pictures. Of the other objectives the weights stay.
void balance_target(const struct objective *objective, int target, const float *statistics);

// Of all targets whose channels the configuration names; those that a picture chooses itself come later (look/choice.h). Without
// statistics nothing changes.
void balance_objective(const struct objective *objective, const float *statistics);
