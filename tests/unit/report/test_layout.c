// SPDX-License-Identifier: MIT
// The plane of pictures: principal components as plain loops in double find them, and what has none.
#include "report/layout.h"

#include <math.h>
#include <unistd.h>

#include "common/system/file.h"
#include "run_file_rows.h"
#include "scratch.h"
#include "unit.h"

enum { IMAGES = 60, DONE = IMAGES / 3, TURNS = 20000 };

static double product[DONE][DONE]; // of the pictures that are done, by id

static void find(int images, struct layout *layout)
{
    char path[FILE_PATH_MAX];
    struct run_file *file;
    struct run_reader *reader;
    struct run_images list;
    UNIT_OK(file_join(path, scratch, "run.h5"));
    unlink(path);
    UNIT_OK(create(&file, path));
    for (int i = 0; i < images; i++)
        UNIT_OK(add_image(file, i));
    UNIT_OK(run_file_close(&file, true));
    UNIT_OK(run_reader_open(&reader, scratch));
    UNIT_OK(run_images_read(reader, &list));
    UNIT_OK(layout_find(reader, &list, layout));
    run_images_destroy(&list);
    run_reader_close(&reader);
}

static double naive_product(int64_t a, int64_t b)
{
    double sum = 0;
    for (int t = 0; t < targets; t++) {
        double both = 0, first = 0, second = 0;
        for (int c = 0; c < channels[t]; c++) {
            const double x = importance_value(a, t, c), y = importance_value(b, t, c);
            both += x * y;
            first += x * x;
            second += y * y;
        }
        sum += both / sqrt(first * second);
    }
    return sum;
}

static void make_products(void)
{
    double mean[DONE] = {0}, all = 0;
    for (int a = 0; a < DONE; a++)
        for (int b = 0; b < DONE; b++) {
            product[a][b] = naive_product(3 * a, 3 * b);
            mean[a] += product[a][b] / DONE;
            all += product[a][b] / DONE / DONE;
        }
    for (int a = 0; a < DONE; a++)
        for (int b = 0; b < DONE; b++)
            product[a][b] += all - mean[a] - mean[b];
}

// The largest eigenvalue and its vector, by multiplying again and again; then without it.
static double take_largest(double *vector)
{
    double length = 0;
    for (int i = 0; i < DONE; i++)
        vector[i] = 1.0 / (i + 1.5);
    for (int turn = 0; turn < TURNS; turn++) {
        double next[DONE] = {0};
        length = 0;
        for (int i = 0; i < DONE; i++) {
            for (int k = 0; k < DONE; k++)
                next[i] += product[i][k] * vector[k];
            length += next[i] * next[i];
        }
        length = sqrt(length);
        for (int i = 0; i < DONE; i++)
            vector[i] = next[i] / length;
    }
    for (int i = 0; i < DONE; i++)
        for (int k = 0; k < DONE; k++)
            product[i][k] -= length * vector[i] * vector[k];
    return length;
}

static void principal_components(void)
{
    struct layout layout;
    double trace = 0;
    find(IMAGES, &layout);
    make_products();
    for (int i = 0; i < DONE; i++)
        trace += product[i][i];
    CU_ASSERT_EQUAL_FATAL(layout.count, DONE);
    CU_ASSERT_EQUAL(layout.all, DONE);
    for (int axis = 0; axis < 2; axis++) {
        double vector[DONE], largest = 0;
        const double value = take_largest(vector);
        for (int i = 0; i < DONE; i++)
            largest = fabs(vector[i]) > fabs(largest) ? vector[i] : largest;
        CU_ASSERT(fabs(layout.shares[axis] - value / trace) < 1e-5);
        for (size_t i = 0; i < layout.count; i++) {
            const double got = (double)(axis ? layout.places[i].y : layout.places[i].x);
            const double want = copysign(sqrt(value), largest) * vector[layout.places[i].id / 3];
            CU_ASSERT(fabs(got - want) < 1e-3 * sqrt(value));
        }
    }
    CU_ASSERT(layout.shares[0] >= layout.shares[1] && layout.shares[1] > 0);
    layout_destroy(&layout);
}

static void too_few(void)
{
    for (int images = 0; images <= 6; images += 3) {
        struct layout layout;
        find(images, &layout);
        CU_ASSERT_EQUAL(layout.count, 0);
        layout_destroy(&layout);
    }
}

static const struct unit_test tests[] = {{"principal components", principal_components}, {"too few", too_few}};

UNIT_MAIN_IN_SCRATCH("layout", tests)
