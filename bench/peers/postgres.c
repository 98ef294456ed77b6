#include "postgres.h"

#include <libpq-fe.h>
#include <sealgrid/base/file.h>
#include <stdio.h>
#include <sys/stat.h>

#include "trust.h"

#define INT8_OID 20
#define TEXT_OID 25

struct postgres_peer {
    struct sg_bench_trust *trust;
    struct sg_bench_server *server;
    PGconn *db;
    char conninfo[1600];
    struct postgres_form {
        struct postgres_peer *peer;
        bool binary;
    } form[2];
};

static const char *const folders[] = {"/usr/lib/postgresql/15/bin", NULL};

const char *postgres_peer_name(bool binary)
{
    return binary ? "PostgreSQL 15, TLS, binary" : "PostgreSQL 15, TLS, text";
}

static int failed(struct postgres_peer *p, const char *what)
{
    fprintf(stderr, "PostgreSQL: %s: %s\n", what, PQerrorMessage(p->db));
    return sg_raise(-EIO);
}

/* Whether the result is what was wanted; frees it. */
static int finish(struct postgres_peer *p, PGresult *res, ExecStatusType wanted, const char *what)
{
    ExecStatusType status = PQresultStatus(res);
    PQclear(res);
    return status == wanted ? 0 : failed(p, what);
}

static int execute(struct postgres_peer *p, const char *sql)
{
    return finish(p, PQexec(p->db, sql), PGRES_COMMAND_OK, sql);
}

/* ---- server ---- */

static int write_text(const char *folder, const char *name, const char *text)
{
    char path[4300];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return sg_file_write_atomic(path, sg_bytes_str(text), 0600);
}

/* initdb refuses root and wants a folder of its own: below the run's, which others may then pass
 * through but not read. */
static int make_cluster(const char *folder, struct sg_bench_reason *ret_reason)
{
    char data[4200], above[4200];
    snprintf(data, sizeof(data), "%s/data", folder);
    snprintf(above, sizeof(above), "%s/..", folder);
    int r = sg_mkdir_p(data, 0700);
    if (r == 0 && geteuid() == 0 && (chmod(above, 0711) || chmod(folder, 0711)))
        r = sg_raise_errno();
    if (r == 0)
        r = sg_bench_server_give(folder, "postgres");
    if (r < 0)
        return r;
    const char *const argv[] = {"initdb", "-D", data,   "-U",         "bench",     "-A",
                                "trust",  "-E", "UTF8", "--locale=C", "--no-sync", NULL};
    const struct sg_bench_server_spec spec = {.name = "initdb",
                                              .argv = argv,
                                              .paths = folders,
                                              .folder = folder,
                                              .user = "postgres",
                                              .wait_ms = 60000};
    return sg_bench_server_command(&spec, ret_reason);
}

/* initdb wrote its own as that user; these are ours, given to it. */
static int configure(const char *folder, const struct sg_bench_trust *t, uint16_t port)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
    char data[4200];
    snprintf(data, sizeof(data), "%s/data", folder);
    int r = sg_buf_printf(&b,
                          "listen_addresses = '127.0.0.1'\nport = %u\n"
                          "unix_socket_directories = ''\n"
                          "ssl = on\nssl_min_protocol_version = 'TLSv1.3'\n"
                          "ssl_cert_file = '%s'\nssl_key_file = '%s'\n"
                          "fsync = on\nsynchronous_commit = on\nfull_page_writes = on\n"
                          "shared_buffers = 256MB\nmax_wal_size = 2GB\n%c",
                          port, t->cert, t->key, 0);
    if (r == 0)
        r = write_text(data, "postgresql.conf", (const char *)b.data);
    if (r == 0)
        r = write_text(data, "pg_hba.conf", "hostssl all bench 127.0.0.1/32 trust\n");
    return r ? r : sg_bench_server_give(data, "postgres");
}

static int connects(void *ctx)
{
    struct postgres_peer *p = ctx;
    PQfinish(p->db);
    p->db = PQconnectdb(p->conninfo);
    return PQstatus(p->db) == CONNECTION_OK ? 0 : -EAGAIN;
}

static int start(struct postgres_peer *p, const char *folder, struct sg_bench_reason *ret_reason)
{
    uint16_t port;
    char data[4200];
    snprintf(data, sizeof(data), "%s/data", folder);
    int r = sg_bench_port(&port);
    if (r == 0)
        r = configure(folder, p->trust, port);
    if (r < 0)
        return r;
    snprintf(p->conninfo, sizeof(p->conninfo),
             "host=localhost hostaddr=127.0.0.1 port=%u user=bench dbname=postgres "
             "sslmode=verify-full sslrootcert=%s gssencmode=disable",
             port, p->trust->ca);
    const char *const argv[] = {"postgres", "-D", data, NULL};
    const struct sg_bench_server_spec spec = {
        .name = "postgres",
        .argv = argv,
        .paths = folders,
        .folder = folder,
        .user = "postgres",
        .stop_signal = 2, /* SIGINT: the fast shutdown */
        .answers = connects,
        .ctx = p,
    };
    return sg_bench_server_start(&p->server, &spec, ret_reason);
}

/* ---- statements ---- */

static int create(struct postgres_peer *p)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
    int r = sg_buf_printf(&b, "CREATE TABLE reading (");
    for (int c = 0; r == 0 && c < SQL_COLUMNS; c++)
        r = sg_buf_printf(&b, "%s %s, ", sql_column_name(c), c == 2 ? "text" : "bigint");
    if (r == 0)
        r = sg_buf_printf(&b, "PRIMARY KEY (client_id, ts))%c", 0);
    return r < 0 ? r : execute(p, (const char *)b.data);
}

/* The suite's ?1 as $1, and a sum of bigints as a bigint. */
static void translate(const char *sql, char *ret, size_t size)
{
    static const char sum[] = "sum(active_power)";
    size_t n = 0;
    for (; *sql && n + sizeof(sum) + 8 < size; sql++) {
        if (strncmp(sql, sum, strlen(sum)) == 0) {
            n += (size_t)snprintf(ret + n, size - n, "%s::bigint", sum);
            sql += strlen(sum) - 1;
        } else {
            ret[n++] = *sql == '?' ? '$' : *sql;
        }
    }
    ret[n] = 0;
}

static const char *ask_name(enum sql_ask what)
{
    static const char *const names[SQL_ASKS] = {"month", "month3", "point", "group", "top"};
    return names[what];
}

static int prepare_asks(struct postgres_peer *p)
{
    static const Oid types[3] = {INT8_OID, INT8_OID, INT8_OID};
    for (int i = 0; i < SQL_ASKS; i++) {
        char sql[512];
        int64_t unused[3];
        int n = sql_params((enum sql_ask)i, 0, 0, unused);
        translate(sql_text((enum sql_ask)i), sql, sizeof(sql));
        int r = finish(p, PQprepare(p->db, ask_name((enum sql_ask)i), sql, n, types),
                       PGRES_COMMAND_OK, sql);
        if (r)
            return r;
    }
    return 0;
}

static int prepare_insert(struct postgres_peer *p, const char *name, size_t rows)
{
    static Oid types[SQL_BATCH * SQL_COLUMNS];
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT((size_t)1 << 20);
    int r = sg_buf_printf(&b, "INSERT INTO reading VALUES ");
    for (size_t i = 0; r == 0 && i < rows * SQL_COLUMNS; i++) {
        size_t c = i % SQL_COLUMNS;
        types[i] = c == 2 ? TEXT_OID : INT8_OID;
        r = sg_buf_printf(&b, "%s$%zu%s",
                          c   ? ","
                          : i ? ",("
                              : "(",
                          i + 1, c + 1 == SQL_COLUMNS ? ")" : "");
    }
    if (r == 0)
        r = sg_buf_append_u8(&b, 0);
    return r < 0 ? r
                 : finish(p,
                          PQprepare(p->db, name, (const char *)b.data, (int)(rows * SQL_COLUMNS),
                                    types),
                          PGRES_COMMAND_OK, name);
}

static int set_up(struct postgres_peer *p)
{
    int r = create(p);
    if (r == 0)
        r = prepare_asks(p);
    if (r == 0)
        r = prepare_insert(p, "insert", 1);
    return r ? r : prepare_insert(p, "batch", SQL_BATCH);
}

int postgres_peer_open(struct postgres_peer **ret, const char *folder,
                       struct sg_bench_reason *ret_reason)
{
    SG_CLEANUP(postgres_peer_closep) struct postgres_peer *p = calloc(1, sizeof(*p));
    if (!p)
        return sg_raise(-ENOMEM);
    for (int i = 0; i < 2; i++)
        p->form[i] = (struct postgres_form){p, i == 1};
    int r = sg_bench_trust_new(&p->trust, folder);
    if (r == 0)
        r = make_cluster(folder, ret_reason);
    if (r == 0)
        r = start(p, folder, ret_reason);
    if (r == 0)
        r = set_up(p);
    if (r == 0)
        *ret = TAKE_PTR(p);
    return r;
}

void postgres_peer_close(struct postgres_peer *p)
{
    if (!p)
        return;
    PQfinish(p->db);
    sg_bench_server_stop(p->server);
    sg_bench_trust_free(p->trust);
    free(p);
}

/* ---- loading ---- */

static int copy_row(struct postgres_peer *p, const struct sql_row *row, struct sg_buf *b)
{
    int r = 0;
    sg_buf_reset(b);
    for (int c = 0; r == 0 && c < SQL_COLUMNS; c++) {
        const char *end = c + 1 == SQL_COLUMNS ? "\n" : "\t";
        int64_t v;
        r = sql_row_column(row, c, &v) ? sg_buf_printf(b, "%lld%s", (long long)v, end)
                                       : sg_buf_printf(b, "%s%s", SQL_SERIAL, end);
    }
    if (r == 0 && PQputCopyData(p->db, (const char *)b->data, (int)b->len) != 1)
        r = failed(p, "COPY");
    return r;
}

int postgres_peer_load(struct postgres_peer *p, int64_t client, int64_t n)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    struct sql_row row;
    int r = finish(p, PQexec(p->db, "COPY reading FROM STDIN"), PGRES_COPY_IN, "COPY");
    for (int64_t seq = 1; r == 0 && seq <= n; seq++) {
        sql_row_make(client, seq, &row);
        r = copy_row(p, &row, &b);
    }
    if (r)
        return r;
    if (PQputCopyEnd(p->db, NULL) != 1)
        return failed(p, "COPY");
    r = finish(p, PQgetResult(p->db), PGRES_COMMAND_OK, "COPY");
    PQclear(PQgetResult(p->db)); /* NULL: nothing more */
    return r;
}

int postgres_peer_settle(struct postgres_peer *p)
{
    return execute(p, "VACUUM ANALYZE reading");
}

/* ---- processor time ---- */

/* proc(5), stat, counted from the state behind the name */
struct process {
    long parent;
    int64_t own_ticks, children_ticks; /* of children that have ended */
};

static int read_process(long pid, struct process *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    char path[64];
    unsigned long own[2];
    long children[2];
    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    int r = sg_file_read(path, &b);
    if (r == 0)
        r = sg_buf_append_u8(&b, 0);
    if (r < 0)
        return r;
    const char *at = strrchr((const char *)b.data, ')');
    if (!at || sscanf(at + 1, " %*c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld",
                      &ret->parent, &own[0], &own[1], &children[0], &children[1]) != 5)
        return sg_raisef(-EPROTO, "%s", path);
    ret->own_ticks = (int64_t)(own[0] + own[1]);
    ret->children_ticks = children[0] + children[1];
    return 0;
}

int postgres_peer_cpu_ns(struct postgres_peer *p, int64_t *ret)
{
    struct process session, server;
    int r = read_process(PQbackendPID(p->db), &session);
    if (r == 0)
        r = read_process(session.parent, &server);
    if (r == 0)
        *ret = (session.own_ticks + server.children_ticks) * (1000000000 / sysconf(_SC_CLK_TCK));
    return r;
}

/* ---- target ---- */

static void put_be64(uint8_t *p, int64_t v)
{
    uint64_t big = __builtin_bswap64((uint64_t)v);
    memcpy(p, &big, sizeof(big));
}

static int64_t take_be64(const char *p)
{
    uint64_t big;
    memcpy(&big, p, sizeof(big));
    return (int64_t)__builtin_bswap64(big);
}

static void add_value(const PGresult *res, int row, int c, bool binary, struct sql_tally *t)
{
    const char *v = PQgetvalue(res, row, c);
    if (PQftype(res, c) == TEXT_OID)
        t->sum += (uint64_t)PQgetlength(res, row, c);
    else
        t->sum += (uint64_t)(binary ? take_be64(v) : sql_int(v));
}

static int ask(void *ctx, enum sql_ask what, int64_t client, int64_t ts, struct sql_tally *t)
{
    const struct postgres_form *f = ctx;
    int64_t param[3];
    uint8_t raw[3][8];
    const char *value[3] = {(char *)raw[0], (char *)raw[1], (char *)raw[2]};
    static const int length[3] = {8, 8, 8}, format[3] = {1, 1, 1};
    int n = sql_params(what, client, ts, param);
    for (int i = 0; i < n; i++)
        put_be64(raw[i], param[i]);
    PGresult *res =
        PQexecPrepared(f->peer->db, ask_name(what), n, value, length, format, f->binary);
    bool good = PQresultStatus(res) == PGRES_TUPLES_OK;
    int rows = PQntuples(res), columns = PQnfields(res);
    for (int i = 0; good && i < rows; i++)
        for (int c = 0; c < columns; c++)
            add_value(res, i, c, f->binary, t);
    t->rows += (uint64_t)rows;
    return finish(f->peer, res, PGRES_TUPLES_OK, ask_name(what));
}

/* Parameters are always binary: the client need not print them. */
static int insert(void *ctx, const struct sql_row *rows, size_t n)
{
    static uint8_t raw[SQL_BATCH * SQL_COLUMNS][8];
    static const char *value[SQL_BATCH * SQL_COLUMNS];
    static int length[SQL_BATCH * SQL_COLUMNS], format[SQL_BATCH * SQL_COLUMNS];
    const struct postgres_form *f = ctx;
    if (n != 1 && n != SQL_BATCH)
        return sg_raise(-EINVAL);
    for (size_t i = 0; i < n * SQL_COLUMNS; i++) {
        int64_t v;
        bool number = sql_row_column(&rows[i / SQL_COLUMNS], (int)(i % SQL_COLUMNS), &v);
        if (number)
            put_be64(raw[i], v);
        value[i] = number ? (const char *)raw[i] : SQL_SERIAL;
        length[i] = number ? 8 : (int)strlen(SQL_SERIAL);
        format[i] = 1;
    }
    return finish(f->peer,
                  PQexecPrepared(f->peer->db, n == 1 ? "insert" : "batch", (int)(n * SQL_COLUMNS),
                                 value, length, format, 1),
                  PGRES_COMMAND_OK, "INSERT");
}

struct sql_target postgres_peer_target(struct postgres_peer *p, bool binary)
{
    return (struct sql_target){ask, insert, &p->form[binary]};
}
