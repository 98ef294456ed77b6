/*
 * What is made of answers, and of what lies in the cache; no network.
 */
#include "test-vendor-int.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "gather-int.h"
#include "issuer-chain-int.h"

/* How the service behaves from now on. */
static struct {
    int status;            /* 0: as it should; else this for every request */
    int64_t retry_after_s; /* with it */
    unsigned busy;         /* so many answers of 429 first */
    int outcome;           /* not 0: no answer */
    unsigned tries;
    int64_t waited_ms;
    bool broken_chain;
} service;

static int get(void *user, const struct sg_transport_get *g, struct sg_transport_reply *ret)
{
    struct caller *c = user;
    SG_CLEANUP(answer_clear) struct answer a = ANSWER_INIT;
    service.tries++;
    ret->retry_after_s = -1;
    assert_true(g->timeout_ms > 0);
    if (service.outcome)
        return service.outcome;
    sg_buf_reset(&ret->body);
    sg_buf_reset(&ret->chain);
    ret->status = service.busy ? 429 : service.status ? service.status : 0;
    ret->retry_after_s = service.retry_after_s;
    if (service.busy)
        service.busy--;
    if (ret->status)
        return 0;
    assert_int_equal(strncmp(g->url, "http://127.0.0.1:9/", 19), 0);
    vendor_answer(&c->vendor, g->url + 18, &a);
    ret->status = a.status;
    assert_int_equal(sg_buf_append(&ret->body, sg_buf_bytes(&a.body)), 0);
    for (size_t i = 0; i < g->n_chain_headers && a.chain_header; i++)
        if (g->chain_header[i] && !strcmp(g->chain_header[i], a.chain_header))
            assert_int_equal(sg_buf_append(&ret->chain, sg_buf_bytes(&a.chain)), 0);
    if (service.broken_chain && ret->chain.len)
        ret->chain.data[ret->chain.len / 2] = 0x7f;
    return 0;
}

static void wait_ms(void *user, int ms)
{
    (void)user;
    service.waited_ms += ms;
}

static int try_gather(struct caller *c, enum proof p)
{
    const struct sg_transport t = {.user = c, .get = c->o.connect ? get : NULL, .wait = wait_ms};
    const struct sg_collateral_user u = {
        .user = c, .new_store = new_store, .take = take, .warn = warned};
    const struct sg_tee_needs n = needs_of(p);
    start_over(c);
    service.tries = 0;
    service.waited_ms = 0;
    return sg_collateral_gather_over(&t, &c->o, &n, &u, &c->report);
}

static void gather(struct caller *c, enum proof p)
{
    assert_int_equal(try_gather(c, p), 0);
}

static void expect_report(const struct caller *c, unsigned fetched, unsigned kept, unsigned missing,
                          unsigned refused)
{
    const struct sg_collateral_report *r = &c->report;
    if (r->fetched != fetched || r->kept != kept || r->missing != missing || r->refused != refused)
        fail_msg("fetched %u kept %u missing %u refused %u\n%s", r->fetched, r->kept, r->missing,
                 r->refused, c->warnings);
}

/* Everything in the cache was last asked for so many seconds ago. */
static void age(const struct caller *c, int64_t seconds)
{
    DIR *d = opendir(c->cache);
    struct timespec now;
    assert_non_null(d);
    clock_gettime(CLOCK_REALTIME, &now);
    const struct timespec then[2] = {{now.tv_sec - seconds, 0}, {now.tv_sec - seconds, 0}};
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.')
            assert_int_equal(utimensat(dirfd(d), e->d_name, then, 0), 0);
    closedir(d);
}

static size_t files_in(const char *folder)
{
    DIR *d = opendir(folder);
    size_t n = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static void read_cached(const struct caller *c, const char *name, struct sg_buf *ret)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", c->cache, name);
    assert_int_equal(sg_file_read(path, ret), 0);
}

static void overwrite(const struct caller *c, const char *name, struct sg_bytes with)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", c->cache, name);
    assert_int_equal(sg_file_write_atomic(path, with, 0644), 0);
}

/* ---- the ordinary course ---- */

static void once_and_again(struct caller *c, enum proof p, unsigned documents)
{
    gather(c, p);
    expect_report(c, documents, 0, 0, 0);
    expect_quiet(c);
    expect_trusted(c, p);
    gather(c, p); /* fresh: nobody is asked */
    expect_report(c, 0, documents, 0, 0);
    assert_int_equal(service.tries, 0);
    expect_quiet(c);
    expect_trusted(c, p);
    c->o.connect = false;
    gather(c, p);
    expect_report(c, 0, documents, 0, 0);
    expect_quiet(c);
    expect_trusted(c, p);
}

static void test_fetched_once(void **state)
{
    static const struct {
        enum proof p;
        unsigned documents;
    } cases[] = {{SGX, 4}, {TDX, 4}, {SNP, 3}, {SNP_V2, 3}, {GENOA_V2, 3}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct caller c;
        caller_new(&c);
        if (cases[i].p == GENOA_V2)
            c.vendor.amd = &genoa;
        gather(&c, cases[i].p);
        if (cases[i].p == GENOA_V2) /* Milan's service has chain and list, but no such chip */
            expect_trusted(&c, GENOA_V2);
        caller_clear(&c);
        caller_new(&c);
        c.vendor.amd = cases[i].p == GENOA_V2 ? &genoa : &amd;
        once_and_again(&c, cases[i].p, cases[i].documents);
        caller_clear(&c);
    }
}

static void test_without_a_folder(void **state)
{
    (void)state;
    struct caller c;
    caller_new(&c);
    c.o.cache = NULL;
    gather(&c, SGX);
    expect_report(&c, 4, 0, 0, 0);
    expect_trusted(&c, SGX);
    assert_int_equal(files_in(c.cache), 0);
    caller_clear(&c);
}

static void test_the_folder_serves_as_collateral(void **state)
{
    (void)state;
    struct caller c;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20);
    caller_new(&c);
    gather(&c, SGX);
    start_over(&c);
    DIR *d = opendir(c.cache);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        struct stat st;
        if (e->d_name[0] == '.')
            continue;
        sg_buf_reset(&b);
        read_cached(&c, e->d_name, &b);
        assert_int_equal(take(&c, sg_buf_bytes(&b)), 0);
        assert_int_equal(fstatat(dirfd(d), e->d_name, &st, 0), 0);
        assert_int_equal(st.st_mode & 0133, 0);
    }
    closedir(d);
    expect_trusted(&c, SGX);
    caller_clear(&c);
}

static void test_offline_never_asks(void **state)
{
    (void)state;
    struct caller c;
    caller_new(&c);
    c.o.connect = false; /* get is NULL: asking would crash */
    gather(&c, SGX);
    expect_report(&c, 0, 0, 4, 0);
    expect_warning(&c, "qe-identity QE", "not in the cache");
    caller_clear(&c);
}

/* ---- age ---- */

static void test_asked_again_when_old(void **state)
{
    (void)state;
    struct caller c;
    caller_new(&c);
    gather(&c, SGX);
    c.o.at_s = AT + 20 * DAY; /* more than half of 30 days */
    gather(&c, SGX);
    expect_report(&c, 0, 4, 0, 0); /* asked within the hour */
    age(&c, 2 * 3600);
    gather(&c, SGX);
    expect_report(&c, 4, 0, 0, 0);
    gather(&c, SGX); /* the same came: that, too, was within the hour */
    expect_report(&c, 0, 4, 0, 0);
    age(&c, 2 * 3600);
    c.o.refresh_percent = 99;
    gather(&c, SGX);
    expect_report(&c, 0, 4, 0, 0);
    age(&c, -2 * 3600); /* a clock that was put back is no reason not to ask */
    c.o.refresh_percent = 50;
    gather(&c, SGX);
    expect_report(&c, 4, 0, 0, 0);
    caller_clear(&c);
}

static void test_certificates_last(void **state)
{
    (void)state;
    struct caller c;
    caller_new(&c);
    gather(&c, SNP);
    age(&c, 2 * 3600);
    c.o.at_s = AT + 25 * DAY;
    gather(&c, SNP);
    expect_report(&c, 1, 2, 0, 0); /* the list alone */
    caller_clear(&c);
}

static void test_a_failing_service(void **state)
{
    (void)state;
    static const int outcomes[] = {SG_TRANSPORT_UNREACHABLE, SG_TRANSPORT_TIMEOUT, SG_TRANSPORT_TLS,
                                   SG_TRANSPORT_TOO_LARGE, SG_TRANSPORT_CUT};
    struct caller c;
    caller_new(&c);
    gather(&c, SGX);
    c.o.at_s = AT + 20 * DAY;
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        age(&c, 2 * 3600);
        service.outcome = outcomes[i];
        gather(&c, SGX);
        assert_int_equal(c.report.kept, 4);
        expect_warning(&c, "crl Intel SGX Root CA", sg_transport_outcome_text(outcomes[i]));
        expect_warning(&c, "qe-identity QE", "the copy in the cache");
        /* What cannot be reached is not asked four times. */
        assert_int_equal(service.tries, outcomes[i] >= SG_TRANSPORT_TOO_LARGE ? 4 : 1);
        expect_trusted(&c, SGX);
    }
    c.o.at_s = AT + 60 * DAY; /* past its end it still comes, with a word: the verifier refuses */
    gather(&c, SGX);
    expect_warning(&c, "qe-identity QE", "ended at 2026-07-");
    assert_int_not_equal(judged(&c, SGX), SG_TEE_REASON_NONE);
    service.outcome = 0;
    caller_clear(&c);
}

/* ---- answers that are no use ---- */

static void test_statuses(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *text;
    } cases[] = {{404, "no such document"}, {302, "redirects"}, {500, "500"}, {204, "204"}};
    struct caller c;
    caller_new(&c);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        service.status = cases[i].status;
        gather(&c, SGX);
        expect_report(&c, 0, 0, 4, 4);
        assert_int_equal(service.tries, 4);
        expect_warning(&c, "qe-identity QE", cases[i].text);
    }
    assert_int_equal(files_in(c.cache), 0);
    service.status = 0;
    caller_clear(&c);
}

static void test_told_to_come_later(void **state)
{
    (void)state;
    struct caller c;
    caller_new(&c);
    service.busy = 2;
    service.retry_after_s = 3;
    gather(&c, SGX);
    expect_report(&c, 4, 0, 0, 0);
    assert_int_equal(service.tries, 6);
    assert_int_equal(service.waited_ms, 6000);
    caller_clear(&c);
    caller_new(&c);
    service.retry_after_s = -1; /* not said: one second, two */
    service.busy = 2;
    gather(&c, SGX);
    expect_report(&c, 4, 0, 0, 0);
    assert_int_equal(service.waited_ms, 3000);
    caller_clear(&c);
    caller_new(&c);
    for (int status = 429; status <= 503; status += 74) { /* for ever */
        service.status = status;
        service.retry_after_s = 1;
        gather(&c, SGX);
        expect_report(&c, 0, 0, 4, 1);
        assert_int_equal(service.tries, 3);
        assert_int_equal(service.waited_ms, 2000);
        expect_warning(&c, "crl Intel SGX Root CA", "too busy");
        expect_warning(&c, "qe-identity QE", "not asked for");
    }
    service.retry_after_s = 3600; /* nobody waits for that */
    gather(&c, SGX);
    assert_int_equal(service.tries, 1);
    assert_int_equal(service.waited_ms, 0);
    service.retry_after_s = 30; /* nor for this, whatever time there is */
    c.o.total_ms = 600000;
    gather(&c, SGX);
    assert_int_equal(service.tries, 1);
    service.retry_after_s = 15; /* nor past the time that all of it may take */
    c.o.total_ms = 10000;
    gather(&c, SGX);
    assert_int_equal(service.tries, 1);
    service.status = 0;
    service.retry_after_s = -1;
    caller_clear(&c);
}

static void test_what_nobody_vouches_for(void **state)
{
    (void)state;
    struct tk_intel stranger;
    struct caller c;
    caller_new(&c);
    tk_intel_init(&stranger, AT);
    c.vendor.intel = &stranger;
    gather(&c, SGX);
    expect_report(&c, 0, 0, 4, 4);
    expect_warning(&c, "crl Intel SGX Root CA", "nothing vouches");
    assert_int_equal(files_in(c.cache), 0);
    /* Nor does it displace what is at hand. */
    c.vendor.intel = &intel;
    gather(&c, SGX);
    expect_report(&c, 4, 0, 0, 0);
    c.vendor.intel = &stranger;
    c.vendor.evaluation = 1000;
    c.o.at_s = AT + 20 * DAY;
    age(&c, 2 * 3600);
    gather(&c, SGX);
    expect_report(&c, 0, 4, 0, 4);
    expect_trusted(&c, SGX);
    tk_intel_clear(&stranger);
    caller_clear(&c);
}

static void test_another_platforms_document(void **state)
{
    (void)state;
    struct caller c;
    caller_new(&c);
    c.vendor.wrong_fmspc = true;
    gather(&c, SGX);
    expect_report(&c, 3, 0, 1, 1);
    expect_warning(&c, "sgx-tcb-info", "no such document");
    caller_clear(&c);
}

static void test_without_its_issuers(void **state)
{
    (void)state;
    struct caller c;
    caller_new(&c);
    c.vendor.no_chain = true;
    gather(&c, SGX);
    expect_report(&c, 1, 0, 3, 3); /* the root signs its list itself */
    c.vendor.no_chain = false;
    service.broken_chain = true;
    gather(&c, SGX);
    expect_report(&c, 0, 1, 3, 3);
    service.broken_chain = false;
    gather(&c, SGX);
    expect_report(&c, 3, 1, 0, 0);
    /* Those at hand do as well. */
    c.vendor.no_chain = true;
    c.vendor.evaluation++;
    c.o.at_s = AT + 20 * DAY;
    age(&c, 2 * 3600);
    gather(&c, SGX);
    expect_report(&c, 4, 0, 0, 0);
    expect_trusted(&c, SGX);
    caller_clear(&c);
}

/* Whoever stuffs an answer full would crowd out others of the verifier's store. */
static void test_stuffed(void **state)
{
    (void)state;
    struct caller c;
    caller_new(&c);
    c.vendor.extra_certs = 20;
    gather(&c, SNP);
    expect_warning(&c, "certificate SEV-Milan", "no such document");
    expect_report(&c, 0, 0, 3, 3); /* junk behind DER breaks it */
    caller_clear(&c);
}

/* ---- attacks ---- */

static void test_a_downgrade_by_the_service(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf before = SG_BUF_INIT(1u << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf after = SG_BUF_INIT(1u << 20);
    struct caller c;
    caller_new(&c);
    c.vendor.evaluation = 18;
    c.vendor.crl_issue = 9;
    gather(&c, SGX);
    read_cached(&c, "intel-qe-sgx.json", &before);
    c.vendor.evaluation = 17;
    c.vendor.crl_issue = 8;
    c.o.at_s = AT + 20 * DAY;
    age(&c, 2 * 3600);
    gather(&c, SGX);
    expect_report(&c, 0, 4, 0, 4);
    expect_warning(&c, "sgx-tcb-info", "older one (number 17) than is at hand (number 18)");
    expect_warning(&c, "crl Intel SGX Root CA",
                   "older one (of 2026-06-30T00:08:00Z) than is at hand (of 2026-06-30T00:09:00Z)");
    read_cached(&c, "intel-qe-sgx.json", &after);
    assert_true(sg_bytes_equal(sg_buf_bytes(&before), sg_buf_bytes(&after)));
    expect_trusted(&c, SGX);
    c.vendor.evaluation = 19;
    c.vendor.crl_issue = 10;
    gather(&c, SGX);
    expect_report(&c, 4, 0, 0, 0);
    caller_clear(&c);
}

static void test_a_cache_that_was_tampered_with(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "{", "junk", "{\"tcbInfo\":{},\"signature\":\"00\"}"};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20);
    struct caller c;
    caller_new(&c);
    gather(&c, SGX);
    for (size_t i = 0; i < 5; i++) {
        if (i < 4) {
            overwrite(&c, "intel-qe-sgx.json", sg_bytes_str(texts[i]));
        } else {
            sg_buf_reset(&b);
            read_cached(&c, "intel-qe-sgx.json", &b);
            b.data[b.len / 2] ^= 1;
            overwrite(&c, "intel-qe-sgx.json", sg_buf_bytes(&b));
        }
        c.o.connect = false;
        gather(&c, SGX);
        expect_report(&c, 0, 3, 1, 0);
        expect_warning(&c, "qe-identity QE", "nothing vouches for it");
        c.o.connect = true;
        gather(&c, SGX);
        expect_report(&c, 1, 3, 0, 0);
        expect_trusted(&c, SGX);
    }
    caller_clear(&c);
}

/* Several processes fill one folder; each of them gets what it needs, and no half file stays. */
static void test_many_at_once(void **state)
{
    (void)state;
    enum { PROCESSES = 4, ROUNDS = 4 };
    struct caller c;
    pid_t child[PROCESSES];
    caller_new(&c);
    for (size_t i = 0; i < PROCESSES; i++) {
        child[i] = fork();
        assert_true(child[i] >= 0);
        if (child[i])
            continue;
        for (size_t k = 0; k < ROUNDS; k++) {
            c.o.at_s = AT + 20 * DAY;
            if (try_gather(&c, k % 2 ? SGX : SNP) || c.report.missing || c.report.refused ||
                judged(&c, k % 2 ? SGX : SNP) != SG_TEE_REASON_NONE)
                _exit(1);
        }
        _exit(0);
    }
    for (size_t i = 0; i < PROCESSES; i++) {
        int status = -1;
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(files_in(c.cache), 4 + 3 + 3); /* three of Intel's with their issuers */
    caller_clear(&c);
}

static void test_a_folder_that_cannot_be_written(void **state)
{
    (void)state;
    struct caller c;
    caller_new(&c);
    snprintf(c.cache, sizeof c.cache, "/proc/no-such-folder");
    assert_true(try_gather(&c, SGX) < 0);
    caller_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fetched_once),
        cmocka_unit_test(test_without_a_folder),
        cmocka_unit_test(test_the_folder_serves_as_collateral),
        cmocka_unit_test(test_offline_never_asks),
        cmocka_unit_test(test_asked_again_when_old),
        cmocka_unit_test(test_certificates_last),
        cmocka_unit_test(test_a_failing_service),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_told_to_come_later),
        cmocka_unit_test(test_what_nobody_vouches_for),
        cmocka_unit_test(test_another_platforms_document),
        cmocka_unit_test(test_without_its_issuers),
        cmocka_unit_test(test_stuffed),
        cmocka_unit_test(test_a_downgrade_by_the_service),
        cmocka_unit_test(test_a_cache_that_was_tampered_with),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_a_folder_that_cannot_be_written),
    };
    service.retry_after_s = -1;
    vendors_init();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vendors_clear();
    return failed;
}
