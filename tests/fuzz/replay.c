/* SPDX-License-Identifier: MIT */
/*
 * The main of a fuzz target that is not linked with libFuzzer: gives every file of a folder to
 * the target, once. The folder is the last word of argv; those before it are libFuzzer's options.
 * An empty folder is a failure: a target without seeds proves nothing.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* On the heap and of the exact size, so that AddressSanitizer sees a read past its end. */
static void replay_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint8_t *data;

    if (fd < 0 || fstat(fd, &st) != 0)
        err(1, "%s", path);
    data = malloc((size_t)st.st_size);
    if (read(fd, data, (size_t)st.st_size) != st.st_size)
        err(1, "%s", path);
    if (LLVMFuzzerTestOneInput(data, (size_t)st.st_size) != 0)
        errx(1, "%s: the target did not return 0", path);
    free(data);
    close(fd);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    const char *folder = argv[argc - 1];
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, is_visible, alphasort);

    if (n < 0 || chdir(folder) != 0)
        err(1, "%s", folder);
    for (int i = 0; i < n; i++) {
        replay_file(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    printf("%d seeds\n", n);
    return n > 0 ? 0 : 1;
}
