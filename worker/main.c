// SPDX-License-Identifier: MIT
/* worker-service: fetches jobs from Faktory and does them. See worker.c. */
#include "worker/worker.h"

int main(int argc, char **argv)
{
    return worker_main(argc, argv, registry_rows, registry_n_rows);
}
