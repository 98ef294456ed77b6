/* fraud - sealgrid fraud ... is sealgrid-fraud ..., which lies beside this program. */
#include "verbs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int sg_verb_fraud(int argc, char **argv)
{
    char path[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof "sealgrid-fraud");
    (void)argc;
    if (n < 0) {
        perror("sealgrid fraud");
        return 1;
    }
    path[n] = 0;
    strcpy(strrchr(path, '/') + 1, "sealgrid-fraud");
    argv[0] = path;
    execv(path, argv);
    perror(path);
    return 1;
}
