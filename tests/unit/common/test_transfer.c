// SPDX-License-Identifier: MIT
// Whether there is another attempt, and when.
#include "common/net/transfer.h"

#include "unit.h"

static const struct fetch_options options = {.attempts = 20, .back_off_seconds = 0.5};

static struct transfer failed(int tried)
{
    return (struct transfer){.options = &options, .tried = tried, .retry = true, .code = CURLE_COULDNT_CONNECT};
}

// Twice as long each time, by half less or more, and a minute at most.
static void test_back_off(void)
{
    for (int tried = 1; tried < options.attempts; tried++) {
        const struct transfer transfer = failed(tried);
        const double middle = 0.5 * (1 << (tried - 1));
        for (int i = 0; i < 100; i++) {
            double seconds = -1;
            CU_ASSERT(transfer_again(&transfer, &seconds));
            CU_ASSERT(seconds <= 60 && seconds <= 1.5 * middle && seconds >= (0.5 * middle < 60 ? 0.5 * middle : 60));
        }
    }
}

// The server may ask for more time, but not for more than a minute: somebody waits for the picture.
static void test_retry_after(void)
{
    static const struct {
        long asked;
        double seconds;
    } cases[] = {{5, 5}, {59, 59}, {60, 60}, {61, 60}, {1000000, 60}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct transfer transfer = failed(1);
        double seconds = -1;
        transfer.retry_after = cases[i].asked;
        CU_ASSERT(transfer_again(&transfer, &seconds) && seconds == cases[i].seconds);
    }
}

static void test_the_end(void)
{
    struct transfer transfer = failed(options.attempts);
    double seconds;
    CU_ASSERT(!transfer_again(&transfer, &seconds));
    transfer.tried--;
    CU_ASSERT(transfer_again(&transfer, &seconds));
    transfer.retry = false;
    CU_ASSERT(!transfer_again(&transfer, &seconds));
    transfer = failed(1); // a name server that was asked twice knows
    transfer.code = CURLE_COULDNT_RESOLVE_HOST;
    CU_ASSERT(transfer_again(&transfer, &seconds));
    transfer.tried = 2;
    CU_ASSERT(!transfer_again(&transfer, &seconds));
    transfer.code = CURLE_COULDNT_RESOLVE_PROXY;
    CU_ASSERT(!transfer_again(&transfer, &seconds));
}

static const struct unit_test tests[] = {
    {"back-off", test_back_off},
    {"retry after", test_retry_after},
    {"the end", test_the_end},
};
UNIT_MAIN("transfer", tests)
