// SPDX-License-Identifier: Apache-2.0
// Prints its descriptors as "number target", one a line; with an argument it reads that many
// descriptors' first bytes instead.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc > 1) {
    for (int fd = 0; fd < atoi(argv[1]); ++fd) {
      char text[64] = "";
      const ssize_t n = pread(fd, text, sizeof text - 1, 0);
      dprintf(1, "%d %s\n", fd, n < 0 ? "-" : text);
    }
    return 0;
  }
  DIR* dir = opendir("/proc/self/fd");
  if (!dir) {
    printf("no /proc/self/fd\n");
    return 1;
  }
  const struct dirent* entry;
  while ((entry = readdir(dir))) {
    if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(dir)) continue;
    char path[300];
    char target[300] = "";
    snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
    const ssize_t n = readlink(path, target, sizeof target - 1);
    printf("%s %s\n", entry->d_name, n < 0 ? "?" : target);
  }
  return 0;
}
