// SPDX-License-Identifier: MIT
// An executor with memory of its own, random weights, and the loss: the sum over targets of scale * mean(A^2).
#pragma once

#include "forced_plan.h"
#include "kernels/execution/executor.h"
#include "naive_network.h"
#include "weights_given.h"

static const struct network *net;
static float *weights;
static struct weight_cache *cache;
static struct plan plan; // that the environment asks for

static inline void use_weights(float *given)
{
    weight_cache_destroy(&cache);
    free(weights);
    weights = given;
    UNIT_OK(weight_cache_create(&cache, net, weights));
}

static inline void start(void)
{
    if (net)
        return;
    net = network_inception_v3();
    use_weights(weights_random(net, 1));
}

// How large an error may be: in float32 with direct convolutions, with a method that rounds more, and in bfloat16.
static inline double allowed(double direct, double method, double bf16)
{
    return plan.bf16 ? bf16 : getenv("TEST_METHOD") ? method : direct;
}

// One executor with memory of its own.
struct setup {
    int width, height, target_count;
    int targets[GRAPH_TARGETS_MAX];
    struct executor *executor;
    void *memory;
};

static inline struct executor_options options_of(const struct setup *s)
{
    return (struct executor_options){.network = net,
                                     .cache = cache,
                                     .plan = &plan,
                                     .width = s->width,
                                     .height = s->height,
                                     .target_count = s->target_count,
                                     .targets = s->targets};
}

// `names`: layers separated by blanks.
static inline void set_up(struct setup *s, int width, int height, const char *names)
{
    char copy[256], *rest = copy;
    start();
    snprintf(copy, sizeof copy, "%s", names);
    *s = (struct setup){.width = width, .height = height};
    for (char *name = strtok_r(rest, " ", &rest); name; name = strtok_r(rest, " ", &rest)) {
        s->targets[s->target_count] = network_find(net, name);
        CU_ASSERT_FATAL(s->targets[s->target_count++] > 0);
    }
    UNIT_OK(forced_plan(&plan, net, weights, s->targets, s->target_count));
    const struct executor_options options = options_of(s);
    UNIT_OK(executor_create(&s->executor, &options));
    s->memory = naive_alloc(executor_bytes(s->executor));
    UNIT_OK(executor_bind(s->executor, s->memory));
}

static inline void tear_down(struct setup *s)
{
    executor_destroy(&s->executor);
    CU_ASSERT_PTR_NULL(s->executor);
    free(s->memory);
}

static inline size_t image_count(const struct setup *s)
{
    return naive_count(3, s->height, s->width);
}

static inline size_t target_count(const struct tensor *a)
{
    return naive_count(a->channels, a->height, a->width);
}

// After a forward pass. Of the targets from row `first` of the network on.
static inline double loss_of(struct setup *s, const double *scale, int first)
{
    double loss = 0;
    for (int t = 0; t < s->target_count; t++) {
        const struct tensor a = executor_target(s->executor, t);
        double sum = 0;
        for (size_t i = 0; s->targets[t] >= first && i < target_count(&a); i++)
            sum += (double)a.data[i] * a.data[i];
        loss += scale[t] * sum / (double)target_count(&a);
    }
    return loss;
}

static inline double forward(struct setup *s, const float *image, const double *scale)
{
    memcpy(executor_image(s->executor), image, image_count(s) * sizeof(float));
    UNIT_OK(executor_forward(s->executor));
    return loss_of(s, scale, 0);
}

// After a forward pass.
static inline void write_gradients(struct setup *s, const double *scale)
{
    for (int t = 0; t < s->target_count; t++) {
        const struct tensor a = executor_target(s->executor, t);
        for (size_t i = 0; i < target_count(&a); i++)
            a.data[i] = (float)(2 * scale[t] * a.data[i] / (double)target_count(&a));
    }
}

static inline const float *backward(struct setup *s, const double *scale, struct gradient_rule rule)
{
    write_gradients(s, scale);
    UNIT_OK(executor_backward(s->executor, rule, EXECUTOR_IMAGE));
    return executor_gradient(s->executor);
}

static inline double rms_difference(const float *a, const double *b, size_t count)
{
    double difference = 0, sum = 0;
    for (size_t i = 0; i < count; i++) {
        difference += (a[i] - b[i]) * (a[i] - b[i]);
        sum += b[i] * b[i];
    }
    return sum > 0 ? sqrt(difference / sum) : INFINITY;
}

static inline double *as_doubles(const float *values, size_t count)
{
    double *doubles = calloc(count, sizeof *doubles);
    for (size_t i = 0; i < count; i++)
        doubles[i] = values[i];
    return doubles;
}
