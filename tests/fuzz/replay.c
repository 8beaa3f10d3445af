// SPDX-License-Identifier: MIT
// The main of a fuzz target that is not linked with libFuzzer: gives every file of the folders in
// argv to the target, once. Words that begin with - are libFuzzer's options; it passes over them.
// An empty folder is a failure: a target without seeds proves nothing.

#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

// On the heap and of the exact size, so that AddressSanitizer sees a read past its end.
static void replay_file(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        err(1, "%s", path);
    struct stat st;
    if (fstat(fileno(file), &st) != 0)
        err(1, "%s", path);
    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size);
    if ((!data && size > 0) || fread(data, 1, size, file) != size)
        err(1, "%s", path);
    fclose(file);
    if (LLVMFuzzerTestOneInput(data, size) != 0)
        errx(1, "%s: the target did not return 0", path);
    free(data);
}

static int replay_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, NULL, alphasort);
    if (n < 0)
        err(1, "%s", folder);
    int n_replayed = 0;
    for (int i = 0; i < n; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0)
            err(1, "%s", folder);
        if (entries[i]->d_name[0] != '.') {
            replay_file(path);
            n_replayed++;
        }
        free(path);
        free(entries[i]);
    }
    free(entries);
    return n_replayed;
}

int main(int argc, char **argv)
{
    int n_replayed = 0;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-')
            n_replayed += replay_folder(argv[i]);
    }
    printf("%d seeds\n", n_replayed);
    return n_replayed > 0 ? 0 : 1;
}
