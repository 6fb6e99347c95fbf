// SPDX-License-Identifier: MIT
// network_dump WEIGHTS ORACLE OUTPUT: the activations, losses and gradients that oracle.py left in ORACLE, by the executor.
#include <string.h>

#include "dump.h"
#include "forced_plan.h"
#include "kernels/execution/executor.h"
#include "worker/network/objective.h"

enum { LAYERS_MAX = 64 };

struct dump {
    hid_t oracle, output;
    struct config config;
    const struct network *network;
    float *weights;
    struct weight_cache *cache;
    struct plan plan; // that the environment asks for
    float *image;
    int width, height;
};

struct names {
    int count;
    char name[LAYERS_MAX][CONFIG_NAME_MAX];
};

static herr_t keep_name(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    struct names *names = context;
    (void)group, (void)info;
    dump_need(names->count < LAYERS_MAX, "room for the names of layers");
    snprintf(names->name[names->count++], CONFIG_NAME_MAX, "%s", name);
    return 0;
}

static struct executor *start(struct dump *d, int count, const int *targets, void **memory)
{
    struct executor *executor;
    DUMP_OK(forced_plan(&d->plan, d->network, d->weights, targets, count));
    DUMP_OK(executor_create(&executor, &(struct executor_options){.network = d->network,
                                                                  .cache = d->cache,
                                                                  .plan = &d->plan,
                                                                  .width = d->width,
                                                                  .height = d->height,
                                                                  .target_count = count,
                                                                  .targets = targets}));
    *memory = aligned_alloc(64, (executor_bytes(executor) + 63) / 64 * 64);
    dump_need(*memory != NULL, "aligned_alloc");
    DUMP_OK(executor_bind(executor, *memory));
    return executor;
}

static void run_forward(struct dump *d, struct executor *executor)
{
    memcpy(executor_image(executor), d->image, 3 * (size_t)d->width * (size_t)d->height * sizeof(float));
    DUMP_OK(executor_forward(executor));
}

static void write_activation(struct dump *d, const char *layer, const struct tensor *a)
{
    char name[DUMP_TEXT_MAX];
    const size_t positions = (size_t)a->height * (size_t)a->width, block = (size_t)a->block;
    float *planar = malloc((size_t)a->channels * positions * sizeof *planar);
    dump_need(planar != NULL, "malloc");
    for (size_t c = 0; c < (size_t)a->channels; c++)
        for (size_t i = 0; i < positions; i++)
            planar[c * positions + i] = a->data[(c / block * positions + i) * block + c % block];
    snprintf(name, sizeof name, "activation/%s", layer);
    dump_write_planes(d->output, name, a->channels, a->height, a->width, planar);
    free(planar);
}

// As many layers at a time as an executor has targets.
static void write_activations(struct dump *d)
{
    struct names names = {0};
    hid_t group = H5Gopen2(d->oracle, "activation", H5P_DEFAULT);
    DUMP_HDF5(group);
    DUMP_HDF5(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, keep_name, &names));
    DUMP_HDF5(H5Gclose(group));
    for (int first = 0; first < names.count; first += GRAPH_TARGETS_MAX) {
        const int left = names.count - first, count = left < GRAPH_TARGETS_MAX ? left : GRAPH_TARGETS_MAX;
        int targets[GRAPH_TARGETS_MAX];
        void *memory;
        for (int t = 0; t < count; t++) {
            targets[t] = network_find(d->network, names.name[first + t]);
            dump_need(targets[t] > 0, names.name[first + t]);
        }
        struct executor *executor = start(d, count, targets, &memory);
        run_forward(d, executor);
        for (int t = 0; t < count; t++) {
            const struct tensor a = executor_target(executor, t);
            write_activation(d, names.name[first + t], &a);
        }
        executor_destroy(&executor);
        free(memory);
    }
}

static void write_gradients(struct dump *d)
{
    static const struct {
        const char *name;
        struct gradient_rule rule;
    } rules[] = {{"guided", {.mode = GRADIENT_MODE_GUIDED}},
                 {"plain", {.mode = GRADIENT_MODE_PLAIN}},
                 {"deconv", {.mode = GRADIENT_MODE_DECONV}},
                 {"half", {.mode = GRADIENT_MODE_GUIDED, .leak = 0.5f}}};
    const struct rectangle all = {.width = d->width, .height = d->height};
    const struct tile whole = {all, all, all};
    struct objective objective;
    struct objective_view view = {.tile = &whole, .width = d->width, .height = d->height};
    double sums[CONFIG_TARGETS_MAX], target_loss[CONFIG_TARGETS_MAX];
    void *memory;
    DUMP_OK(objective_init(&objective, &d->config, d->weights, NETWORK_CLASSES_MAX));
    objective_values(&objective, d->width, d->height, view.values);
    struct executor *executor = start(d, objective.count, objective.rows, &memory);
    for (int k = 0; k < 4; k++) {
        char name[DUMP_TEXT_MAX];
        run_forward(d, executor);
        DUMP_OK(objective_sums(&objective, executor, &view, sums));
        const double loss = objective_loss(&objective, sums, view.values, target_loss);
        objective_gradient(&objective, executor, &view);
        DUMP_OK(executor_backward(executor, rules[k].rule, EXECUTOR_IMAGE));
        snprintf(name, sizeof name, "gradient/%s", rules[k].name);
        dump_write_planes(d->output, name, 3, d->height, d->width, executor_gradient(executor));
        snprintf(name, sizeof name, "loss/%s", rules[k].name);
        dump_write(d->output, name, 0, NULL, H5T_NATIVE_DOUBLE, &loss);
    }
    executor_destroy(&executor);
    objective_destroy(&objective);
    free(memory);
}

int main(int argc, char **argv)
{
    struct dump d = {.network = network_inception_v3()};
    dump_need(argc == 4, "network_dump WEIGHTS ORACLE OUTPUT");
    DUMP_HDF5(d.oracle = H5Fopen(argv[2], H5F_ACC_RDONLY, H5P_DEFAULT));
    DUMP_HDF5(d.output = H5Fcreate(argv[3], H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
    config_init(&d.config);
    d.config.saturation = SATURATION_NONE; // A^2, as the reference has it
    dump_set(&d.config, "targets", d.oracle, "targets");
    dump_set(&d.config, "objective", d.oracle, "objective");
    if (H5Aexists(d.oracle, "class") > 0)
        dump_set(&d.config, "class", d.oracle, "class");
    d.image = dump_read_image(d.oracle, &d.width, &d.height);
    dump_write_planes(d.output, "image", 3, d.height, d.width, d.image);
    d.weights = dump_read_weights(argv[1]);
    DUMP_OK(weight_cache_create(&d.cache, d.network, d.weights));
    write_activations(&d);
    write_gradients(&d);
    weight_cache_destroy(&d.cache);
    free(d.weights);
    free(d.image);
    DUMP_HDF5(H5Fclose(d.oracle));
    DUMP_HDF5(H5Fclose(d.output));
    return 0;
}
