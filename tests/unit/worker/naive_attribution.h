// SPDX-License-Identifier: MIT
// Metrics, class activation maps and importance as their papers define them: plain loops in double over planar arrays (channels,
// positions).
#pragma once

#include "common/wire/run_rows.h"
#include "naive.h"

// One target over a whole octave. `gradient`: d loss / d activation.
struct naive_target {
    int channels, height, width;
    const float *activation, *gradient;
};

static inline size_t naive_positions(const struct naive_target *t)
{
    return (size_t)t->height * (size_t)t->width;
}

static inline double naive_activation(const struct naive_target *t, int channel, size_t position)
{
    return t->activation[(size_t)channel * naive_positions(t) + position];
}

static inline double naive_slope(const struct naive_target *t, int channel, size_t position)
{
    return t->gradient[(size_t)channel * naive_positions(t) + position];
}

static inline double naive_dot(const struct naive_target *t, int a, int b)
{
    double sum = 0;
    for (size_t p = 0; p < naive_positions(t); p++)
        sum += naive_activation(t, a, p) * naive_activation(t, b, p);
    return sum;
}

// 1 - the mean cosine of pairs of channels that are not silent; NaN where there is no pair.
static inline double naive_diversity(const struct naive_target *t)
{
    double *norms = calloc((size_t)t->channels, sizeof *norms), sum = 0;
    int pairs = 0;
    for (int c = 0; c < t->channels; c++)
        norms[c] = sqrt(naive_dot(t, c, c));
    for (int a = 0; a < t->channels; a++)
        for (int b = 0; b < a; b++)
            if (norms[a] > 0 && norms[b] > 0) {
                sum += naive_dot(t, a, b) / (norms[a] * norms[b]);
                pairs++;
            }
    free(norms);
    return pairs > 0 ? 1 - sum / pairs : NAN;
}

// All but the loss, which is left alone.
static inline void naive_metrics(const struct naive_target *t, double threshold, struct target_metrics *metrics)
{
    const size_t count = (size_t)t->channels * naive_positions(t);
    const double n = (double)count;
    double sum = 0, squares = 0, above = 0;
    for (size_t i = 0; i < count; i++) {
        const double value = t->activation[i];
        sum += fabs(value);
        squares += value * value;
        above += value > threshold;
    }
    metrics->score = sum / n;
    metrics->sparsity = 1 - above / n;
    metrics->hoyer = squares > 0 ? (sqrt(n) - sum / sqrt(squares)) / (sqrt(n) - 1) : NAN;
    metrics->diversity = naive_diversity(t);
    metrics->diversity_seed = 1 - squares;
}

// Selvaraju et al. 2017: the weight of a channel is the mean of its gradient.
static inline void naive_grad_cam_weights(const struct naive_target *t, double *factors)
{
    for (int c = 0; c < t->channels; c++) {
        factors[c] = 0;
        for (size_t p = 0; p < naive_positions(t); p++)
            factors[c] += naive_slope(t, c, p) / (double)naive_positions(t);
    }
}

// Chattopadhay et al. 2018, equation 19: alpha = g^2 / (2 g^2 + g^3 sum A), the weight is the sum of alpha ReLU(g).
static inline void naive_grad_cam_plus_plus_weights(const struct naive_target *t, double *factors)
{
    for (int c = 0; c < t->channels; c++) {
        double sum = 0;
        for (size_t p = 0; p < naive_positions(t); p++)
            sum += naive_activation(t, c, p);
        factors[c] = 0;
        for (size_t p = 0; p < naive_positions(t); p++) {
            const double g = naive_slope(t, c, p);
            if (g > 0)
                factors[c] += g * g / (2 * g * g + g * g * g * sum) * g;
        }
    }
}

// map[positions], scaled to [0, 1]; returns its largest value before. `factors` NULL: LayerCAM (Jiang et al. 2021),
// where only positive gradients count, or HiResCAM (Draelos and Carin 2020), where all do.
static inline double naive_map(const struct naive_target *t, const double *factors, bool positive, double *map)
{
    double most = 0;
    for (size_t p = 0; p < naive_positions(t); p++) {
        double sum = 0;
        for (int c = 0; c < t->channels; c++)
            sum += naive_activation(t, c, p) * (factors ? factors[c] : positive ? fmax(naive_slope(t, c, p), 0) : naive_slope(t, c, p));
        map[p] = fmax(sum, 0);
        most = fmax(most, map[p]);
    }
    for (size_t p = 0; p < naive_positions(t) && most > 0; p++)
        map[p] /= most;
    return most;
}

// The mean of activation times gradient of each channel.
static inline void naive_importance(const struct naive_target *t, double *importance)
{
    for (int c = 0; c < t->channels; c++) {
        importance[c] = 0;
        for (size_t p = 0; p < naive_positions(t); p++)
            importance[c] += naive_activation(t, c, p) * naive_slope(t, c, p) / (double)naive_positions(t);
    }
}
