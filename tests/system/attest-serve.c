/*
 * attest-serve FOLDER - a service on this machine that answers with files: for
 * "/vcek/v1/Milan/crl" the file "_vcek_v1_Milan_crl" ('/', '?', '&', '=' of a target become '_');
 * "FILE.header", if there is one, holds a header line, "FILE.status" another status.  Prints its
 * port; every request is a line on standard error.  Ends with its standard input.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <sealgrid/net/http.h>
#include <stdio.h>

static const char *folder;

static int read_part(const char *name, const char *suffix, struct sg_buf *ret)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s%s", folder, name, suffix) >= (int)sizeof path)
        return -ENAMETOOLONG;
    return access(path, R_OK) == 0 ? sg_file_read(path, ret) : -ENOENT;
}

static void add_header(struct sg_http_exchange *x, struct sg_buf *line)
{
    sg_assert(sg_buf_append_u8(line, 0) == 0);
    char *colon = strchr((char *)line->data, ':');
    sg_assert(colon);
    *colon = 0;
    colon[1 + strcspn(colon + 1, "\r\n")] = 0;
    sg_assert(sg_http_add_header(x, (char *)line->data, colon + 1 + strspn(colon + 1, " ")) == 0);
}

static int handle(void *user, struct sg_http_exchange *x)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(8u << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf more = SG_BUF_INIT(65536);
    char name[1024];
    int status = 200;
    (void)user;
    snprintf(name, sizeof name, "%s", sg_http_raw_target(x));
    fprintf(stderr, "%s\n", name);
    for (char *at = name; (at = strpbrk(at, "/?&=")); at++)
        *at = '_';
    if (read_part(name, ".header", &more) == 0)
        add_header(x, &more);
    sg_buf_reset(&more);
    if (read_part(name, ".status", &more) == 0 && sg_buf_append_u8(&more, 0) == 0)
        status = atoi((char *)more.data);
    else if (read_part(name, "", &body) != 0)
        status = 404;
    return sg_http_reply(x, status, "application/octet-stream", sg_buf_bytes(&body));
}

int main(int argc, char **argv)
{
    const struct sg_http_server_options o = {.listen = "127.0.0.1:0", .workers = 2};
    struct sg_http_server *s = NULL;
    if (argc != 2) {
        fprintf(stderr, "usage: attest-serve FOLDER\n");
        return 2;
    }
    folder = argv[1];
    setvbuf(stderr, NULL, _IOLBF, 0);
    if (sg_http_server_start(&s, &o, handle, NULL) < 0) {
        fprintf(stderr, "%s\n", sg_error_trace());
        return 1;
    }
    printf("%u\n", sg_http_server_port(s));
    fflush(stdout);
    while (getchar() != EOF)
        ;
    sg_http_server_stop(s, 100);
    sg_http_server_free(s);
    return 0;
}
