// SPDX-License-Identifier: MIT
// dream_dump WEIGHTS ORACLE OUTPUT: the dream that dream.py left in ORACLE, by dream_image(). Without jitter; by one rank, with exact
// halos where it is cut into tiles.
#include <math.h>
#include <string.h>

#include "dump.h"
#include "forced_plan.h"
#include "job/tile_rules.h"
#include "worker/ascent/dream.h"

enum { STEPS_MAX = 1024 };

struct records {
    int count, octaves;
    enum config_normalize normalize;
    double loss[STEPS_MAX], norm[STEPS_MAX];
    int size[STEPS_MAX][2]; // height, width of each octave
};

static void keep_step(const struct step_row *step, void *context)
{
    struct records *r = context;
    const double samples = 3.0 * step->width * step->height;
    dump_need(r->count < STEPS_MAX, "room for the steps");
    r->loss[r->count] = step->loss;
    r->norm[r->count++] = r->normalize == NORMALIZE_RMS ? step->gradient_norm / sqrt(samples) : step->gradient_norm;
    r->size[step->octave][0] = step->height;
    r->size[step->octave][1] = step->width;
    r->octaves = step->octave + 1;
}

static bool never(void *context)
{
    (void)context;
    return false;
}

// Dreams on `image` in place.
static void dream(const struct config *config, const float *weights, float *image, int width, int height, struct records *records)
{
    const size_t bytes = 3 * (size_t)width * (size_t)height * sizeof *image;
    struct objective objective;
    struct tile_plan plan;
    struct plan forced; // that the environment asks for
    struct engine *engine;
    struct team *team;
    struct timing timing = {0};
    struct slab slab;
    struct image_outcome outcome;
    DUMP_OK(objective_init(&objective, config, weights, 0));
    DUMP_OK(tile_rules_resolve(config, UINT64_MAX, &plan));
    DUMP_OK(forced_plan(&forced, network_inception_v3(), weights, objective.rows, objective.count));
    DUMP_OK(engine_create(&engine, &objective, weights, &forced));
    DUMP_OK(team_create(&team, MPI_COMM_NULL, &(int32_t){0}, 1, &timing));
    DUMP_OK(slab_create(&slab, width, height, (struct span){0, height}));
    memcpy(slab.data, image, bytes);
    struct image_job job = {.team = team,
                            .engine = engine,
                            .objective = &objective,
                            .rules = &plan.rules,
                            .step = keep_step,
                            .stop = never,
                            .context = records};
    DUMP_OK(dream_image(&job, &slab, &outcome));
    memcpy(image, slab.data, bytes);
    slab_destroy(&slab);
    team_destroy(&team);
    engine_destroy(&engine);
    objective_destroy(&objective);
}

int main(int argc, char **argv)
{
    static const char *const keys[][2] = {{"targets", "targets"},       {"objective", "objective"},   {"gradient", "mode"},
                                          {"octaves.count", "octaves"}, {"octaves.scale", "scale"},   {"steps", "steps"},
                                          {"step_size", "step_size"},   {"step_decay", "step_decay"}, {"normalize", "normalize"},
                                          {"tile.size", "tile_size"}};
    static struct records records;
    struct config config;
    int width, height;
    hid_t oracle, output;
    dump_need(argc == 4, "dream_dump WEIGHTS ORACLE OUTPUT");
    DUMP_HDF5(oracle = H5Fopen(argv[2], H5F_ACC_RDONLY, H5P_DEFAULT));
    DUMP_HDF5(output = H5Fcreate(argv[3], H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
    config_init(&config);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        dump_set(&config, keys[i][0], oracle, keys[i][1]);
    config.jitter = 0;
    config.tile.halo = TILE_HALO_EXACT;
    config.total_variation = config.smooth = config.shape.pyramid = 0;
    config.shape.colour = 0;
    config.gradient_strength = 1;
    config.saturation = SATURATION_NONE;
    config.clip = CLIP_CHANNELS;
    DUMP_OK(config_set(&config, "gradient_above=input"));
    dump_need(config.normalize == NORMALIZE_RMS || config.normalize == NORMALIZE_L2, "normalize rms or l2, of which records tell,");
    records.normalize = config.normalize;
    float *image = dump_read_image(oracle, &width, &height), *weights = dump_read_weights(argv[1]);
    dump_write_planes(output, "image", 3, height, width, image);
    dream(&config, weights, image, width, height, &records);
    dump_write_planes(output, "dream", 3, height, width, image);
    const hsize_t count = (hsize_t)records.count, sizes[2] = {(hsize_t)records.octaves, 2};
    dump_write(output, "loss", 1, &count, H5T_NATIVE_DOUBLE, records.loss);
    dump_write(output, "norm", 1, &count, H5T_NATIVE_DOUBLE, records.norm);
    dump_write(output, "size", 2, sizes, H5T_NATIVE_INT, records.size);
    free(weights);
    free(image);
    DUMP_HDF5(H5Fclose(oracle));
    DUMP_HDF5(H5Fclose(output));
    return 0;
}
