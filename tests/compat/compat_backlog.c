/*
 * compat_backlog - what an aggregator of an earlier version left on its disk must still be sent:
 * image in tests/compat/backlog.
 */
#include "image.h"

#include <fcntl.h>
#include <unistd.h>

#include "daemons/aggd/backlog.h"

static struct image image;

static void require(bool ok, const char *name, const char *what)
{
    image_require(&image, ok, name, what);
}

static unsigned loaded;

static uint64_t handle_of(void *user, struct sg_addr a)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf words = SG_BUF_INIT(64);
    char name[32];
    (void)user;
    require(sg_buf_printf(&words, "%u.%u.%u.%u:%u", a.ip[0], a.ip[1], a.ip[2], a.ip[3], a.port) ==
                0,
            "address", "does not print");
    snprintf(name, sizeof(name), "address_%u", ++loaded);
    image_expect_words(&image, name, &words);
    return loaded;
}

static void write_segment(const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf segment = image_octets(&image, "segment");
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    require(fd >= 0 && sg_write_all(fd, sg_buf_bytes(&segment)) == 0, path, "cannot be written");
    close(fd);
}

static void expect_frame(struct agg_backlog *b, unsigned number)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf room = SG_BUF_INIT(SG_FRAME_MAX);
    struct agg_backlog_item item;
    char name[32];
    snprintf(name, sizeof(name), "frame_%u", number);
    require(agg_backlog_next(b, &room, &item) == 0, name, "is not there");
    require(item.handle == number, name, "has another address");
    image_expect_octets(&image, name, item.datagram);
    agg_backlog_done(b, item.number);
}

int main(int argc, char **argv)
{
    struct agg_backlog *b;
    char dir[] = "/tmp/sealgrid-compat-XXXXXX", path[64];

    image_open(&image, argc > 1 ? argv[1] : "tests/compat/backlog/v1.txt");
    require(mkdtemp(dir) != NULL, dir, "cannot be made");
    snprintf(path, sizeof(path), "%s/00000001.seg", dir);
    write_segment(path);
    const struct agg_backlog_options o = {
        .dir = dir, .memory_max = 4096, .disk_max = 1 << 20, .frames_max = 100};
    require(agg_backlog_open(&b, &o, handle_of, NULL) == 0, "segment", "does not open");
    require(loaded == 2 && agg_backlog_status(b).damaged == 0, "segment", "is not read whole");
    expect_frame(b, 1);
    expect_frame(b, 2);
    require(access(path, F_OK) < 0, "segment", "stays although all is done");
    agg_backlog_free(b);
    require(sg_remove_tree(dir) == 0, dir, "cannot be removed");
    printf("%s: every frame is sent\n", image.path);
    sg_buf_clear(&image.text);
    return 0;
}
