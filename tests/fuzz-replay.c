/*
 * Replays a fuzz corpus without libFuzzer: every regular file below the named paths goes once
 * through LLVMFuzzerTestOneInput, after the empty input.  Exit 0 when none of them crashed.
 */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t replayed;

static int replay(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)where;
    if (kind != FTW_F)
        return 0;
    size_t size = (size_t)st->st_size;
    uint8_t *data = malloc(size ? size : 1);
    FILE *f = fopen(path, "rb");
    if (!data || !f || fread(data, 1, size, f) != size) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    fclose(f);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    replayed++;
    return 0;
}

int main(int argc, char **argv)
{
    uint8_t none = 0;
    LLVMFuzzerTestOneInput(&none, 0);
    for (int i = 1; i < argc; i++)
        if (nftw(argv[i], replay, 16, FTW_PHYS) < 0)
            fprintf(stderr, "no corpus at %s\n", argv[i]);
    printf("%zu inputs replayed\n", replayed);
    return 0;
}
