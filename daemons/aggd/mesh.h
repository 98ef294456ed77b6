#pragma once
/*
 * mesh - the datagram side: takes what meters send, files it, sends what comes down.  On the loop's
 * thread, except agg_mesh_down.
 * Borrows: loop, backlog; the uplink is set once it runs.
 */
#include "meters.h"
#include "uplink.h"

struct agg_mesh;

struct agg_mesh_options {
    struct sg_loop *loop;
    struct agg_meters *meters;
    struct agg_backlog *backlog;
    struct sg_addr listen;
    size_t rcvbuf_bytes;
    int64_t idle_ms; /* a meter not heard for so long is forgotten */
};

SG_MUST_USE int agg_mesh_new(struct agg_mesh **ret, const struct agg_mesh_options *o);
void agg_mesh_free(struct agg_mesh *m);
SG_DEFINE_FREEP(struct agg_mesh, agg_mesh_free)
struct sg_addr agg_mesh_address(const struct agg_mesh *m);
void agg_mesh_set_uplink(struct agg_mesh *m, struct agg_uplink *u);
/* Any thread: user is the mesh. */
void agg_mesh_down(void *user, uint64_t handle, struct sg_bytes frame);
