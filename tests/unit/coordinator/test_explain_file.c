// SPDX-License-Identifier: MIT
// explain.h5 and the pictures beside it: what is handed in comes back with its meaning, and all of it or nothing is there.
#include "coordinator/output/explain_file.h"

#include <omp.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "explain_arrays.h"
#include "files.h"
#include "hdf5_look.h"

static const char *const layers[] = {"mixed3", "max_pooling2d_3"};

static bool has_file(const char *folder, const char *name)
{
    char path[FILE_PATH_MAX];
    UNIT_OK(file_join(path, folder, name));
    return access(path, F_OK) == 0;
}

static hid_t open_result(const char *folder)
{
    char path[FILE_PATH_MAX];
    UNIT_OK(file_join(path, folder, "explain.h5"));
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    CU_ASSERT_FATAL(file >= 0);
    return file;
}

// The values of a dataset of floats with these dimensions (0: no further ones), which says what it means.
static float *read_dataset(hid_t file, const char *path, hsize_t a, hsize_t b, hsize_t c)
{
    hsize_t size[3];
    const hsize_t wanted[3] = {a, b ? b : 1, c ? c : 1};
    HDF5_HANDLE dataset = H5Dopen2(file, path, H5P_DEFAULT);
    HDF5_HANDLE type = H5Dget_type(dataset);
    HDF5_HANDLE space = H5Dget_space(dataset);
    CU_ASSERT(H5Tequal(type, H5T_IEEE_F32LE) > 0 && H5Sget_simple_extent_ndims(space) == 1 + (b > 0) + (c > 0));
    char *description = hdf5_text(file, path, "description");
    CU_ASSERT(hdf5_has_text(file, path, "units", "1") && description && description[0]);
    free(description);
    float *values = hdf5_values(file, path, H5T_NATIVE_FLOAT, size);
    CU_ASSERT_FATAL(values && memcmp(size, wanted, sizeof size) == 0);
    return values;
}

static void expect_as_sent(hid_t file, const char *path, struct array_part part)
{
    const bool flat = part.channels == 1 && part.width > 1, line = part.width == 1;
    const hsize_t channels = (hsize_t)part.channels, height = (hsize_t)part.height, width = (hsize_t)part.width;
    float *values =
        flat ? read_dataset(file, path, height, width, 0) : read_dataset(file, path, channels, line ? 0 : height, line ? 0 : width);
    size_t wrong = 0;
    for (size_t i = 0; i < channels * height * width; i++)
        wrong += values[i] != value_at(&part, i);
    CU_ASSERT_EQUAL(wrong, 0);
    free(values);
}

static herr_t count_dataset(hid_t file, const char *name, const H5O_info_t *info, void *count)
{
    (void)file, (void)name;
    *(int *)count += info->type == H5O_TYPE_DATASET;
    return 0;
}

static int count_datasets(hid_t file)
{
    int count = 0;
    CU_ASSERT(H5Ovisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, count_dataset, &count) >= 0);
    return count;
}

static void expect_root(hid_t file)
{
    char *text;
    UNIT_OK(config_to_string(&config, &text));
    CU_ASSERT(hdf5_has_text(file, "/", "program", "oneiros") && hdf5_has_text(file, "/", "version", ONEIROS_VERSION));
    CU_ASSERT(hdf5_has_text(file, "/", "source", "photos/\xc3\xa9t\xc3\xa9-?.png") && hdf5_has_text(file, "/", "sha256", "0123abcd"));
    CU_ASSERT(hdf5_has_text(file, "/", "weights_md5", "d41d") && hdf5_has_text(file, "/", "weights_source", "made up"));
    CU_ASSERT(hdf5_has_text(file, "/", "config", text));
    CU_ASSERT_EQUAL(hdf5_number(file, "/", "format_version"), EXPLAIN_FILE_FORMAT_VERSION);
    CU_ASSERT(hdf5_number(file, "/", "width") == WIDTH && hdf5_number(file, "/", "height") == HEIGHT &&
              hdf5_number(file, "/", "loss") == 0.625);
    free(text);
}

static void expect_saliency(hid_t file, const char *path, enum array_kind kind)
{
    const struct array_part part = part_of(kind, -1, 0);
    float *values = read_dataset(file, path, HEIGHT, WIDTH, 0);
    size_t wrong = 0;
    for (size_t i = 0; i < PIXELS; i++) {
        float most = 0;
        for (size_t c = 0; c < 3; c++)
            most = fmaxf(most, fabsf(value_at(&part, c * PIXELS + i)));
        wrong += values[i] != most;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    free(values);
}

// The map's value at a pixel: bilinear between CENTRE + i * STRIDE, constant outside.
static double map_at(const struct array_part *map, int y, int x)
{
    const double row = fmin(fmax((double)(y - CENTRE) / STRIDE, 0), GRID_HEIGHT - 1);
    const double column = fmin(fmax((double)(x - CENTRE) / STRIDE, 0), GRID_WIDTH - 1);
    const int i = (int)fmin(row, GRID_HEIGHT - 2), j = (int)fmin(column, GRID_WIDTH - 2);
    double sum = 0;
    for (int di = 0; di < 2; di++)
        for (int dj = 0; dj < 2; dj++)
            sum += (1 - fabs(row - i - di)) * (1 - fabs(column - j - dj)) * value_at(map, (size_t)((i + di) * GRID_WIDTH + j + dj));
    return sum;
}

static void expect_guided_gradcam(hid_t file, const char *path, int target)
{
    const struct array_part map = part_of(ARRAY_CAM, target, CAM_GRAD), gradient = part_of(ARRAY_GUIDED_GRADIENT, -1, 0);
    float *values = read_dataset(file, path, 3, HEIGHT, WIDTH);
    size_t wrong = 0;
    for (size_t i = 0; i < 3 * PIXELS; i++) {
        const int x = (int)(i % WIDTH), y = (int)(i / WIDTH % HEIGHT);
        wrong += fabs(values[i] - value_at(&gradient, i) * map_at(&map, y, x)) > 1e-6;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    free(values);
}

static void expect_target(hid_t file, int t)
{
    static const char *const groups[] = {"cam", "cam_plus_plus", "layer_cam", "hires_cam"};
    static const char *const methods[] = {"gradcam", "gradcam++", "layercam", "hirescam"};
    static const char *const metrics[] = {"loss", "score", "sparsity", "hoyer", "diversity", "diversity_seed"};
    char path[64];
    for (int method = CAM_GRAD; method <= CAM_HIRES; method++) {
        const struct array_part map = part_of(ARRAY_CAM, t, method);
        snprintf(path, sizeof path, "%s/%s", groups[method], layers[t]);
        expect_as_sent(file, path, map);
        CU_ASSERT(hdf5_has_text(file, path, "method", methods[method]) && hdf5_number(file, path, "scale") == map.facts[0]);
        CU_ASSERT(hdf5_number(file, path, "stride") == STRIDE && hdf5_number(file, path, "centre") == CENTRE);
    }
    snprintf(path, sizeof path, "guided_gradcam/%s", layers[t]);
    expect_guided_gradcam(file, path, t);
    snprintf(path, sizeof path, "importance/%s", layers[t]);
    expect_as_sent(file, path, part_of(ARRAY_IMPORTANCE, t, 0));
    snprintf(path, sizeof path, "activation/%s", layers[t]);
    expect_as_sent(file, path, part_of(ARRAY_ACTIVATION, t, 0));
    for (int i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(hdf5_number(file, path, metrics[i]), t + (i + 1) / 10.0);
}

static void expect_expectation(hid_t file, const char *path, struct array_part part)
{
    expect_as_sent(file, path, part);
    CU_ASSERT(hdf5_number(file, path, "value") == part.facts[0] && hdf5_number(file, path, "expected") == part.facts[1]);
    CU_ASSERT(hdf5_number(file, path, "residual") == part.facts[2] &&
              hdf5_number(file, path, "samples") == 48); // 51, shared by four baselines
    CU_ASSERT(hdf5_has_text(file, path, "baselines", "black,blurred,image0,image1"));
}

static void test_comes_back(void)
{
    char folder[FILE_PATH_MAX];
    make_folder(folder, "all");
    UNIT_OK(write_all(folder));
    HDF5_HANDLE file = open_result(folder);
    expect_root(file);
    expect_as_sent(file, "gradient", part_of(ARRAY_GRADIENT, -1, 0));
    expect_as_sent(file, "guided_gradient", part_of(ARRAY_GUIDED_GRADIENT, -1, 0));
    CU_ASSERT(hdf5_has_text(file, "gradient", "rule", "plain") && hdf5_has_text(file, "guided_gradient", "rule", "deconv"));
    expect_saliency(file, "saliency", ARRAY_GRADIENT);
    expect_saliency(file, "saliency_guided", ARRAY_GUIDED_GRADIENT);
    const struct array_part smooth = part_of(ARRAY_SMOOTHGRAD, -1, 0);
    expect_as_sent(file, "saliency_smoothgrad", smooth);
    CU_ASSERT(hdf5_number(file, "saliency_smoothgrad", "samples") == floor(smooth.facts[0]));
    CU_ASSERT(hdf5_number(file, "saliency_smoothgrad", "noise") == smooth.facts[1]);
    for (int t = 0; t < 2; t++)
        expect_target(file, t);
    expect_expectation(file, "importance_expected/mixed3", part_of(ARRAY_IMPORTANCE_EXPECTED, 0, 0));
    expect_expectation(file, "importance_expected/max_pooling2d_3", part_of(ARRAY_IMPORTANCE_EXPECTED, 1, 0));
    expect_expectation(file, "expected_gradients", part_of(ARRAY_EXPECTED_GRADIENTS, -1, 0));
    static const char *const baselines[] = {"baseline/black", "baseline/blurred", "baseline/image0", "baseline/image1"};
    for (int b = 0; b < 4; b++)
        expect_as_sent(file, baselines[b], part_of(ARRAY_BASELINE, -1, b));
    CU_ASSERT_EQUAL(hdf5_number(file, "baseline/blurred", "blur_sigma"), part_of(ARRAY_BASELINE, -1, 1).facts[0]);
    CU_ASSERT_EQUAL(count_datasets(file), 6 + 2 * 8 + 4);
    CU_ASSERT_EQUAL(count_files(folder), 1 + 6 + 2 * 5 + 1); // explain.h5, of the picture, of the targets, overview
}

static void test_faithfulness(void)
{
    static const struct {
        int target, map;
        const char *path;
    } cases[] = {{0, CAM_GRAD, "faithfulness/cam/mixed3"},
                 {1, EXPLAINED_GUIDED_GRADCAM, "faithfulness/guided_gradcam/max_pooling2d_3"},
                 {-1, EXPLAINED_SALIENCY, "faithfulness/saliency"},
                 {-1, EXPLAINED_EDGES, "faithfulness/edges"},
                 {-1, EXPLAINED_RANDOM, "faithfulness/random"}};
    char folder[FILE_PATH_MAX];
    const struct picture_metrics metrics = picture_metrics_unknown();
    struct explain_file *file;
    make_folder(folder, "judged");
    UNIT_OK(create(&file, folder));
    UNIT_OK(add_all(file));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        UNIT_OK(add(file, ARRAY_FAITHFULNESS, cases[i].target, cases[i].map));
    UNIT_OK(explain_file_finish(&file, &metrics));
    HDF5_HANDLE result = open_result(folder);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct array_part part = part_of(ARRAY_FAITHFULNESS, cases[i].target, cases[i].map);
        float *values = read_dataset(result, cases[i].path, 2, FAITHFULNESS_STEPS + 1, 0);
        for (size_t k = 0; k < 2 * (FAITHFULNESS_STEPS + 1); k++)
            CU_ASSERT_EQUAL(values[k], value_at(&part, k));
        free(values);
        CU_ASSERT_EQUAL(hdf5_number(result, cases[i].path, "deletion_area"), part.facts[0]);
        CU_ASSERT_EQUAL(hdf5_number(result, cases[i].path, "insertion_area"), part.facts[1]);
        CU_ASSERT_EQUAL(hdf5_number(result, cases[i].path, "randomised"), part.facts[2]);
        CU_ASSERT_EQUAL(hdf5_number(result, cases[i].path, "flat_loss"), part.facts[3]);
        CU_ASSERT_EQUAL(hdf5_number(result, cases[i].path, "cell"), 16);
    }
}

static void test_incomplete(void)
{
    char folder[FILE_PATH_MAX];
    const struct picture_metrics metrics = picture_metrics_unknown();
    struct explain_file *file;
    make_folder(folder, "some");
    UNIT_OK(create(&file, folder));
    UNIT_OK(add(file, ARRAY_GRADIENT, -1, 0));
    UNIT_OK(add(file, ARRAY_CAM, 0, CAM_CLASS));
    UNIT_OK(add(file, ARRAY_CAM, 1, CAM_GRAD));
    UNIT_OK(add(file, ARRAY_IMPORTANCE_EXPECTED, 1, 0)); // and no baselines
    CU_ASSERT(!has_file(folder, "explain.h5"));
    UNIT_OK(explain_file_finish(&file, &metrics));
    CU_ASSERT_PTR_NULL(file);
    HDF5_HANDLE result = open_result(folder);
    expect_as_sent(result, "class_cam", part_of(ARRAY_CAM, 0, CAM_CLASS));
    CU_ASSERT(isnan(hdf5_number(result, "/", "loss")) && hdf5_has_text(result, "class_cam", "method", "class"));
    CU_ASSERT_EQUAL(count_datasets(result), 5);
    CU_ASSERT(has_file(folder, "gradient.png") && has_file(folder, "saliency.png") && has_file(folder, "class_cam.png"));
    CU_ASSERT(has_file(folder, "cam_max_pooling2d_3.png") && has_file(folder, "overview.png"));
    CU_ASSERT_EQUAL(count_files(folder), 6);
}

static void touch(const char *folder, const char *name)
{
    char path[FILE_PATH_MAX];
    UNIT_OK(file_join(path, folder, name));
    write_text(path, "");
}

static void test_earlier_run(void)
{
    static const char *const ours[] = {"explain.h5",
                                       "overview.png",
                                       "saliency.png",
                                       "cam_mixed7.png",
                                       "guided_gradcam_conv2d_9.png",
                                       "explain.h5.89abcdef.part",
                                       "saliency.png.01234567.part"};
    static const char *const theirs[] = {"cam.png", "dream.png", "cam_.png", "cam_My cat.png", "cam_mixed7.jpg", "saliency2.png", "notes"};
    enum { OURS = sizeof ours / sizeof ours[0], THEIRS = sizeof theirs / sizeof theirs[0] };
    char folder[FILE_PATH_MAX];
    struct explain_file *file;
    make_folder(folder, "earlier");
    for (int i = 0; i < OURS; i++)
        touch(folder, ours[i]);
    for (int i = 0; i < THEIRS; i++)
        touch(folder, theirs[i]);
    UNIT_OK(create(&file, folder));
    for (int i = 0; i < OURS; i++)
        CU_ASSERT(!has_file(folder, ours[i]));
    UNIT_OK(add_all(file));
    explain_file_abandon(&file);
    CU_ASSERT_PTR_NULL(file);
    for (int i = 0; i < THEIRS; i++)
        CU_ASSERT(has_file(folder, theirs[i]));
    CU_ASSERT_EQUAL(count_files(folder), THEIRS);
    explain_file_abandon(&file);
}

static void test_refused(void)
{
    char folder[FILE_PATH_MAX];
    struct explain_file *file;
    make_folder(folder, "refused");
    UNIT_OK(create(&file, folder));
    struct array_part bad[] = {part_of(ARRAY_GRADIENT, -1, 0),
                               part_of(ARRAY_GRADIENT, -1, 0),
                               part_of(ARRAY_CAM, 2, 0),
                               part_of(ARRAY_CAM, -1, 0),
                               part_of(ARRAY_CAM, 0, 5),
                               part_of(ARRAY_CAM, 0, 0),
                               part_of(ARRAY_CAM, 0, 0),
                               part_of(ARRAY_ACTIVATION, 2, 0),
                               part_of(ARRAY_IMPORTANCE, 0, 0),
                               part_of(ARRAY_BASELINE, -1, 6),
                               part_of(ARRAY_BASELINE, -1, -1),
                               part_of(ARRAY_FRAME, -1, 0),
                               part_of(ARRAY_HEAT, -1, 0),
                               part_of((enum array_kind)77, 0, 0),
                               part_of(ARRAY_FAITHFULNESS, -2, 0),
                               part_of(ARRAY_FAITHFULNESS, 2, 0),
                               part_of(ARRAY_FAITHFULNESS, 0, EXPLAINED_KINDS),
                               part_of(ARRAY_FAITHFULNESS, 0, 0)};
    bad[0].width++;
    bad[1].channels = 1;
    bad[5].grid.width++;
    bad[6].grid.octave_width++;
    bad[8].height = 2;
    bad[17].height = 2;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(add_part(file, bad[i]), STATUS_INTERNAL);
    UNIT_OK(add(file, ARRAY_IMPORTANCE, 0, 0)); // nothing was spoilt
    CU_ASSERT(add(file, ARRAY_IMPORTANCE, 0, 0) != STATUS_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "explain.h5"));
    explain_file_abandon(&file);
    CU_ASSERT_EQUAL(count_files(folder), 0);
    CU_ASSERT_EQUAL(create(&file, "/nowhere/at/all"), STATUS_IO);
    CU_ASSERT_PTR_NULL(file);
}

// Writes all and tells how that went: 0 good, 1 refused with a message that names the file and nothing left, else as it must not be.
static int write_or_leave_nothing(const char *folder)
{
    const enum status rc = write_all(folder);
    const int files = count_files(folder);
    if (rc == STATUS_OK)
        return files == 18 ? 0 : 2;
    if (files != 0)
        return 3;
    return rc == STATUS_IO && strstr(status_message(), folder) ? 1 : 4;
}

static int run_apart(const char *folder, rlim_t limit)
{
    int state;
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        struct rlimit sizes = {limit, limit};
        signal(SIGXFSZ, SIG_IGN);
        exit(limit && setrlimit(RLIMIT_FSIZE, &sizes) != 0 ? 5 : write_or_leave_nothing(folder));
    }
    CU_ASSERT_FATAL(waitpid(child, &state, 0) == child);
    return WIFEXITED(state) ? WEXITSTATUS(state) : 6;
}

// At every point where it can run into the limit.
static void test_file_size_limit(void)
{
    char folder[FILE_PATH_MAX];
    int refused = 0, good = 0;
    make_folder(folder, "limited");
    for (rlim_t limit = 1000; limit < 8000000; limit += limit < 20000     ? 5000
                                                        : limit < 4000000 ? 4000000 / (rlim_t)unit_cases(27, 4)
                                                                          : 1000000) {
        const int result = run_apart(folder, limit);
        CU_ASSERT(result == 0 || result == 1);
        refused += result == 1;
        good += result == 0;
    }
    CU_ASSERT(refused >= unit_cases(10, 5) && good >= 2);
}

static void test_full_disk(void)
{
    char disk[FILE_PATH_MAX];
    int refused = 0, good = 0;
    make_folder(disk, "disk");
    for (int kilobytes = 64; kilobytes <= 16384; kilobytes = kilobytes * 3 / unit_cases(2, 1)) {
        char size[32];
        snprintf(size, sizeof size, "size=%dk", kilobytes);
        if (mount("none", disk, "tmpfs", 0, size) != 0) {
            printf("skipped, may not mount ");
            return;
        }
        const int result = run_apart(disk, 0);
        CU_ASSERT(result == 0 || result == 1);
        refused += result == 1;
        good += result == 0;
        CU_ASSERT_EQUAL(umount(disk), 0);
    }
    CU_ASSERT(refused >= unit_cases(6, 3) && good >= unit_cases(3, 1));
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"comes back", test_comes_back}, {"faithfulness", test_faithfulness},
        {"incomplete", test_incomplete}, {"an earlier run's files", test_earlier_run},
        {"refused", test_refused},       {"file size limit", test_file_size_limit},
        {"full disk", test_full_disk},
    };
    omp_set_num_threads(1); // a fork does not take threads along
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    if (!make_config() || !scratch_create())
        return 1;
    const int rc = unit_run("explain_file", tests, sizeof tests / sizeof tests[0]);
    scratch_remove();
    return rc;
}
