// SPDX-License-Identifier: MIT
#include "runfile/run_csv.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void print_text(const char *text, FILE *stream)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (; *text; text++)
        fputs(*text == '"' ? "\"\"" : (char[2]){*text}, stream);
    fputc('"', stream);
}

static void print_double(const char *place, FILE *stream)
{
    double number;
    memcpy(&number, place, sizeof number);
    if (!isnan(number))
        fprintf(stream, "%.17g", number);
}

static void print_integer(const struct run_column *column, const char *place, FILE *stream)
{
    int64_t number = 0;
    int32_t small;
    memcpy(column->size == sizeof small ? (void *)&small : &number, place, column->size);
    if (column->size == sizeof small)
        number = small;
    if (column->kind == COLUMN_STATUS)
        fputs(number == IMAGE_DONE ? "done" : number == IMAGE_FAILED ? "failed" : "stopped", stream);
    else
        fprintf(stream, "%" PRId64, column->kind == COLUMN_ID ? number - 1 : number);
}

static void print_value(const struct run_column *column, const char *place, FILE *stream)
{
    if (column->kind == COLUMN_TEXT)
        print_text(place, stream);
    else if (column->kind == COLUMN_DOUBLE || run_column_is_array(column))
        print_double(place, stream);
    else
        print_integer(column, place, stream);
}

void run_csv_line(const struct run_csv *csv, enum run_dataset table, const char *first, const void *record)
{
    size_t count;
    const struct run_column *columns = run_table_columns(table, &count);
    if (first)
        print_text(first, csv->stream);
    for (size_t i = 0; i < count; i++) {
        const bool array = run_column_is_array(&columns[i]);
        const char *place = record ? (const char *)record + columns[i].offset : NULL;
        for (size_t t = 0; t < (array ? csv->targets->count : 1); t++) {
            if (i + t > 0 || first)
                fputc(',', csv->stream);
            if (place)
                print_value(&columns[i], place + t * run_column_stride(&columns[i]), csv->stream);
            else
                fprintf(csv->stream, "%s%s%s", columns[i].name, array ? "." : "", array ? csv->targets->items[t] : "");
        }
    }
    fputc('\n', csv->stream);
}
