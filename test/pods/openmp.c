// SPDX-License-Identifier: Apache-2.0
// A program of libgomp's, which places the threads that it makes: with OMP_PROC_BIND each must be
// on the processors of its place and no others. Prints how many there were.
#define _GNU_SOURCE
#include <omp.h>
#include <sched.h>
#include <stdio.h>

static int is_placed(void) {
  int wanted[CPU_SETSIZE];
  cpu_set_t is;
  const int place = omp_get_place_num();
  if (place < 0 || sched_getaffinity(0, sizeof is, &is) != 0) return 0;
  const int count = omp_get_place_num_procs(place);
  if (count > CPU_SETSIZE || CPU_COUNT(&is) != count) return 0;
  omp_get_place_proc_ids(place, wanted);
  for (int i = 0; i < count; ++i)
    if (!CPU_ISSET(wanted[i], &is)) return 0;
  return 1;
}

int main(void) {
  int threads = 0, placed = 0;
#pragma omp parallel num_threads(omp_get_num_places()) reduction(+ : threads, placed)
  {
    threads += 1;
    placed += is_placed();
  }
  printf("%d threads, %d in their places\n", threads, placed);
  return threads == omp_get_num_places() && placed == threads && threads > 0 ? 0 : 1;
}
