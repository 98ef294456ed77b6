/*
 * leak-search SECRETS PATH... - looks for known secrets in files of any kind.
 *
 * SECRETS has one secret a line, "KIND LABEL VALUE": int (decimal), text, or bytes (hex).  Each is
 * searched in every form in which it might have been written: octets in both byte orders, decimal,
 * upper and lower hexadecimal, base64 and base64url at the three alignments, key-tuple and
 * value-tuple encoding.  Forms under MIN_PATTERN octets would be found by chance in random data and
 * are left out (and counted).  Every regular file below the PATHs is read whole.
 *
 * Prints one line a hit, "FILE offset N: LABEL as FORM", and a summary.  Exit 0: nothing found,
 * 1: hits, 2: bad input.  The positive control is the caller's business: plant a file, expect hits.
 */
#include <fcntl.h>
#include <ftw.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/kvs/tuple.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define MIN_PATTERN 7 /* 2^56 against some 10^10 places and 10^5 patterns: chance below 2 % */
/* A smaller number in eight octets is mostly zeros, and sizes and offsets in any binary file equal
 * it by chance. */
#define FIXED_WIDTH_MIN (INT64_C(1) << 31)
#define HEAD            7 /* octets hashed at each place */
#define SLOTS           (1u << 20)
#define HITS_SHOWN      50

struct pattern {
    uint8_t *data;
    size_t len;
    const char *label, *form;
    struct pattern *next;
};

static struct pattern *slot[SLOTS];
static uint64_t seen_pair[65536 / 64]; /* first two octets of any pattern */
static size_t n_patterns, n_short, n_hits, n_files;
static uint64_t n_octets;

static uint32_t head_slot(const uint8_t *p)
{
    uint64_t v = 0;
    memcpy(&v, p, HEAD);
    return (uint32_t)(v * UINT64_C(0x9E3779B97F4A7C15) >> 44);
}

static void add(const char *label, const char *form, struct sg_bytes b)
{
    if (b.len < MIN_PATTERN) {
        n_short++;
        return;
    }
    struct pattern *p = malloc(sizeof *p);
    uint8_t *data = malloc(b.len);
    if (!p || !data)
        exit(2);
    memcpy(data, b.data, b.len);
    uint32_t at = head_slot(data);
    *p = (struct pattern){data, b.len, label, form, slot[at]};
    slot[at] = p;
    unsigned pair = sg_load_be16(data);
    seen_pair[pair / 64] |= UINT64_C(1) << pair % 64;
    n_patterns++;
}

static int add_hex_forms(const char *label, struct sg_bytes b)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf t = SG_BUF_INIT(1 << 20);
    int r = sg_hex_append(&t, b);
    if (r)
        return r;
    add(label, "hex", sg_buf_bytes(&t));
    for (size_t i = 0; i < t.len; i++)
        if (t.data[i] >= 'a')
            t.data[i] = (uint8_t)(t.data[i] - 'a' + 'A');
    add(label, "HEX", sg_buf_bytes(&t));
    return 0;
}

/* The characters of base64 that depend on b alone when skip octets stand before it. */
static int add_base64_at(const char *label, struct sg_bytes b, size_t skip)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf in = SG_BUF_INIT(1 << 20), t = SG_BUF_INIT(1 << 20);
    int r = sg_buf_append_zeros(&in, skip);
    if (r == 0)
        r = sg_buf_append(&in, b);
    if (r == 0)
        r = sg_base64_append(&t, sg_buf_bytes(&in));
    if (r)
        return r;
    size_t first = (skip * 8 + 5) / 6, last = in.len * 8 / 6;
    struct sg_bytes text = {t.data + first, last - first};
    add(label, "base64", text);
    bool differs = false;
    for (size_t i = first; i < last; i++) {
        uint8_t c = t.data[i];
        t.data[i] = c == '+' ? '-' : c == '/' ? '_' : c;
        differs |= t.data[i] != c;
    }
    if (differs)
        add(label, "base64url", text);
    return 0;
}

static int add_text_forms(const char *label, struct sg_bytes b)
{
    int r = add_hex_forms(label, b);
    for (size_t skip = 0; r == 0 && skip < 3; skip++)
        r = add_base64_at(label, b, skip);
    return r;
}

static int add_bytes(const char *label, struct sg_bytes b)
{
    add(label, "octets", b);
    SG_CLEANUP(sg_buf_clear) struct sg_buf reversed = SG_BUF_INIT(1 << 20);
    for (size_t i = b.len; i-- > 0;) {
        int r = sg_buf_append_u8(&reversed, b.data[i]);
        if (r)
            return r;
    }
    add(label, "octets reversed", sg_buf_bytes(&reversed));
    return add_text_forms(label, b);
}

static int add_tuple_forms(const char *label, struct sg_value v)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf t = SG_BUF_INIT(1 << 20);
    int r = sg_tuple_key_append(&t, &v, 1);
    if (r)
        return r;
    add(label, "key tuple", sg_buf_bytes(&t));
    sg_buf_reset(&t);
    r = sg_tuple_value_append(&t, &v, 1);
    if (r)
        return r;
    add(label, "value tuple", (struct sg_bytes){t.data + 1, t.len - 1});
    return 0;
}

static int add_int(const char *label, const char *text)
{
    char *end;
    errno = 0;
    int64_t v = strtoll(text, &end, 10);
    if (errno || *end || end == text)
        return sg_raisef(-EINVAL, "not an integer: %s", text);
    uint8_t be[8];
    sg_store_be64(be, (uint64_t)v);
    int r = 0;
    if (v >= FIXED_WIDTH_MIN)
        r = add_bytes(label, SG_BYTES_ARRAY(be));
    else
        n_short++;
    if (r == 0)
        r = add_tuple_forms(label, SG_VAL_INT(v));
    add(label, "decimal", sg_bytes_str(text));
    return r ? r : add_text_forms(label, sg_bytes_str(text));
}

static int add_text(const char *label, const char *text)
{
    add(label, "text", sg_bytes_str(text));
    int r = add_tuple_forms(label, SG_VAL_TEXT(text));
    return r ? r : add_text_forms(label, sg_bytes_str(text));
}

static int add_hex_bytes(const char *label, const char *hex)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    int r = sg_hex_decode(&b, sg_bytes_str(hex));
    return r ? r : add_bytes(label, sg_buf_bytes(&b));
}

static int add_line(char *line)
{
    char *save = NULL;
    const char *kind = strtok_r(line, " \t", &save);
    const char *label = strtok_r(NULL, " \t", &save);
    const char *value = strtok_r(NULL, " \t", &save);
    if (!kind || kind[0] == '#')
        return 0;
    if (!label || !value)
        return sg_raise(-EINVAL);
    label = strdup(label);
    if (!label)
        return sg_raise(-ENOMEM);
    if (!strcmp(kind, "int"))
        return add_int(label, value);
    if (!strcmp(kind, "text"))
        return add_text(label, value);
    if (!strcmp(kind, "bytes"))
        return add_hex_bytes(label, value);
    return sg_raisef(-EINVAL, "unknown kind %s", kind);
}

static size_t read_secrets(const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f) {
        perror(path);
        exit(2);
    }
    SG_FREE char *line = NULL;
    size_t room = 0, n = 0;
    while (getline(&line, &room, f) > 0) {
        n++;
        line[strcspn(line, "\n")] = 0;
        if (add_line(line)) {
            fprintf(stderr, "%s: line %zu: %s\n", path, n, sg_error_trace());
            exit(2);
        }
    }
    fclose(f);
    return n;
}

static void look(const char *path, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at + HEAD <= size; at++) {
        unsigned pair = sg_load_be16(data + at);
        if (!(seen_pair[pair / 64] >> pair % 64 & 1))
            continue;
        for (const struct pattern *p = slot[head_slot(data + at)]; p; p = p->next)
            if (p->len <= size - at && !memcmp(p->data, data + at, p->len) && n_hits++ < HITS_SHOWN)
                printf("%s offset %zu: %s as %s\n", path, at, p->label, p->form);
    }
}

static int look_in_file(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)where;
    if (kind != FTW_F || st->st_size == 0)
        return 0;
    size_t size = (size_t)st->st_size;
    SG_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
        perror(path);
        exit(2);
    }
    madvise(map, size, MADV_SEQUENTIAL);
    look(path, map, size);
    munmap(map, size);
    n_files++;
    n_octets += size;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: leak-search SECRETS PATH...\n");
        return 2;
    }
    size_t secrets = read_secrets(argv[1]);
    for (int i = 2; i < argc; i++)
        if (nftw(argv[i], look_in_file, 32, FTW_PHYS)) {
            perror(argv[i]);
            return 2;
        }
    printf("%zu secrets, %zu forms (%zu too short), %zu files, %llu octets, %zu hits\n", secrets,
           n_patterns, n_short, n_files, (unsigned long long)n_octets, n_hits);
    return n_hits ? 1 : 0;
}
