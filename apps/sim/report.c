#include "modes.h"

#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>

static void put(struct sg_json *j, const struct sim_report *r)
{
    sg_json_object(j);
    sg_json_key(j, "mode");
    sg_json_str(j, r->mode);
    sg_json_key(j, "ok");
    sg_json_bool(j, r->ok);
#define SIM_C(name)                                                                                \
    sg_json_key(j, #name);                                                                         \
    sg_json_uint(j, r->name);
    SIM_COUNTERS(SIM_C)
#undef SIM_C
    sg_json_key(j, "refused_by");
    sg_json_object(j);
    for (int i = 0; i < SG_REFUSED_COUNT; i++)
        if (r->refused_by[i]) {
            sg_json_key(j, sg_refusal_words[i]);
            sg_json_uint(j, r->refused_by[i]);
        }
    sg_json_end_object(j);
    if (r->client_id) {
        sg_json_key(j, "client_id");
        sg_json_int(j, r->client_id);
        sg_json_key(j, "ts");
        sg_json_int(j, r->ts_s);
    }
    sg_json_key(j, "seconds");
    sg_json_double(j, r->seconds);
    sg_json_key(j, "cpu_seconds");
    sg_json_double(j, (double)sg_clock_cpu_ns() / 1e9);
    sg_json_end_object(j);
}

int sim_report_write(const struct sim_report *r, const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(65536);
    struct sg_json j;
    if (!path)
        return 0;
    sg_json_init(&j, &text);
    put(&j, r);
    int e = sg_json_done(&j);
    return e ? e : sg_file_write_report(path, sg_buf_bytes(&text));
}
