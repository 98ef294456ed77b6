/*
 * sealgrid-casd - attests services and hands out their identities and secrets.  A thin main over
 * libs/cas (DESIGN.md).
 */
#include <sealgrid/base/clock.h>
#include <sealgrid/base/log.h>
#include <sealgrid/cas/daemon.h>
#include <sealgrid/cas/server.h>
#include <sealgrid/net/ops.h>

#include <stdio.h>

/* kind, member, name, default, min, max, required, help */
#define OPTIONS(X)                                                                                 \
    X(STRING, dir, "dir", NULL, 0, 0, true, "folder of the sealed state")                          \
    X(STRING, listen, "listen", "127.0.0.1:17400", 0, 0, false, "address of the service")          \
    X(STRING, ops_listen, "ops.listen", "127.0.0.1:18400", 0, 0, false,                            \
      "loopback address of /metrics, /healthz, /readyz")                                           \
    X(STRING, provider, "provider", "sim", 0, 0, false,                                            \
      "trusted environment of this casd: sim (protects nobody), tpm, gramine, tsm")                \
    X(STRING, platform, "platform", NULL, 0, 0, false,                                             \
      "of sim: its folder, required; of tpm: a TCTI, device:/dev/tpmrm0, or with PCRs of one's "   \
      "own pcrs=0-9,14;TCTI; of the others: where their files are, if not in the usual place")     \
    X(STRING, seal, "seal", "measurement", 0, 0, false,                                            \
      "what the state is sealed to: measurement (this build; tpm: what was booted) or platform "   \
      "(any build; tpm: the firmware, PCRs 0 to 7)")                                               \
    X(INT, workers, "workers", "8", 1, 256, false, "requests handled at once")                     \
    X(INT, throttle_per_s, "throttle.per-second", "2000", 1, 1000000, false,                       \
      "requests a second from strangers; a bootstrap takes three")                                 \
    X(INT, throttle_burst, "throttle.burst", "4000", 1, 1000000, false, "saved up at most")        \
    X(INT, origin_per_s, "throttle.address-per-second", "500", 1, 1000000, false,                  \
      "requests a second from strangers of one address (IPv6: one network of 64 bits)")            \
    X(INT, origin_burst, "throttle.address-burst", "1000", 1, 1000000, false, "saved up at most")  \
    X(LIST, tee_collateral, "tee.collateral", NULL, 0, 0, false,                                   \
      "folders or files of collateral for evidence of hardware; read again when they change")      \
    X(LIST, tee_roots, "tee.roots", NULL, 0, 0, false,                                             \
      "roots of evidence beside the pinned ones, intel:FILE, amd:FILE, aws:, tpm:, arm:; in "      \
      "production the policy must name them")                                                      \
    X(INT, tee_warn_days, "tee.warn-days", "7", 1, 365, false,                                     \
      "how long ahead the end of collateral is announced")                                         \
    X(BOOL, init, "init", NULL, 0, 0, false, "create the state, print the pin, exit")              \
    X(BOOL, repolicy, "repolicy", NULL, 0, 0, false,                                               \
      "simulated platforms: take --policy as the next version, exit; casd must not run")           \
    X(STRING, policy, "policy", NULL, 0, 0, false, "with --init or --repolicy: the policy, YAML")  \
    X(BOOL, production, "production", NULL, 0, 0, false,                                           \
      "with --init: refuse simulated evidence for ever")

struct options {
    OPTIONS(SG_CONF_MEMBER)
};

#define LOOK_EVERY_MS 30000

static const char *outcome_text(int r)
{
    static const char *const texts[] = {
        [SG_CAS_STATE_EXISTS] = "the folder has a state already",
        [SG_CAS_STATE_BUSY] = "another casd works in this folder",
        [SG_CAS_STATE_FORGED] = "the state does not open",
        [SG_CAS_STATE_ROLLED_BACK] = "the state is older than the audit log knows",
        [SG_CAS_LOG_DAMAGED] = "the audit log is damaged or cut",
        [SG_CAS_POLICY_REFUSED] = "the policy is not usable",
        [SG_CAS_ROOT_REFUSED] = "production: a root of tee.roots is not named in the policy",
    };
    return r > 0 && (size_t)r < sizeof texts / sizeof texts[0] ? texts[r] : "failure";
}

static int complain(const char *event, int r)
{
    sg_log(SG_LOG_ERROR, event, SG_STR("what", outcome_text(r)), SG_STR("trace", sg_error_trace()));
    return EXIT_FAILURE;
}

static enum sg_tee_seal seal_of(const struct options *o)
{
    return strcmp(o->seal, "platform") == 0 ? SG_TEE_SEAL_PLATFORM : SG_TEE_SEAL_MEASUREMENT;
}

static bool is_simulated(const struct options *o)
{
    return strcmp(o->provider, "sim") == 0;
}

static struct sg_cas_init init_of(const struct options *o, struct sg_tee_provider *tee)
{
    return (struct sg_cas_init){.dir = o->dir,
                                .policy = o->policy,
                                .tee = tee,
                                .seal = seal_of(o),
                                .sim_platform = is_simulated(o) ? o->platform : NULL,
                                .production = o->production};
}

static int repolicy(const struct options *o, struct sg_tee_provider *tee)
{
    const struct sg_cas_init i = init_of(o, tee);
    int r = sg_cas_repolicy(&i);
    if (r != 0)
        return complain("repolicy.failed", r);
    sg_log(SG_LOG_INFO, "policy.updated");
    return EXIT_SUCCESS;
}

static int init(const struct options *o, struct sg_tee_provider *tee)
{
    const struct sg_cas_init i = init_of(o, tee);
    char pin[SG_CAS_PIN_LEN + 1];
    int r = sg_cas_init(&i, pin);
    if (r != 0)
        return complain("init.failed", r);
    if (o->production)
        sg_log(SG_LOG_WARN, "state.production",
               SG_STR("meaning", "simulated evidence is refused for ever"));
    if (sg_tee_provider_kind(tee) == SG_TEE_SIM)
        sg_log(
            SG_LOG_WARN, "attestation.simulated",
            SG_STR("meaning", "the state is sealed by a simulated platform: it protects nobody"));
    printf("%s\n", pin);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A third of the certificate's life before its end, as services do. */
static int64_t renewal_s(const struct sg_cas_server *s)
{
    int64_t now_s = sg_clock_unix_s();
    return now_s + (sg_cas_server_expires_s(s) - now_s) / 3 * 2;
}

static void serve(struct sg_cas_server *s, int ends)
{
    int64_t renew_at_s = renewal_s(s);
    while (!sg_daemon_wait(ends, LOOK_EVERY_MS)) {
        sg_cas_server_tend(s);
        if (sg_clock_unix_s() < renew_at_s)
            continue;
        int r = sg_cas_server_renew(s);
        if (r < 0) {
            sg_log_failure("certificate.renewal_failed", r);
            continue;
        }
        sg_log(SG_LOG_INFO, "certificate.renewed");
        renew_at_s = renewal_s(s);
    }
}

static const char *const *texts(const struct sg_conf_list *l)
{
    return (const char *const *)l->items;
}

static int run(const struct options *o, struct sg_tee_provider *tee, int ends)
{
    SG_CLEANUP(sg_cas_server_freep) struct sg_cas_server *s = NULL;
    SG_CLEANUP(sg_ops_freep) struct sg_ops *ops = NULL;
    const struct sg_cas_server_options so = {.dir = o->dir,
                                             .tee = tee,
                                             .seal = seal_of(o),
                                             .listen = o->listen,
                                             .workers = (unsigned)o->workers,
                                             .throttle_per_s = (unsigned)o->throttle_per_s,
                                             .throttle_burst = (unsigned)o->throttle_burst,
                                             .origin_per_s = (unsigned)o->origin_per_s,
                                             .origin_burst = (unsigned)o->origin_burst,
                                             .tee_collateral = texts(&o->tee_collateral),
                                             .n_tee_collateral = o->tee_collateral.n,
                                             .tee_roots = texts(&o->tee_roots),
                                             .n_tee_roots = o->tee_roots.n,
                                             .tee_warn_s = o->tee_warn_days * 86400};
    int r = sg_cas_server_start(&s, &so);
    if (r == 0)
        r = sg_ops_start(&ops, o->ops_listen, NULL, NULL); /* it answers only once we serve */
    if (r != 0)
        return complain("start.failed", r);
    sg_log(SG_LOG_INFO, "started", SG_STR("listen", o->listen),
           SG_UINT("port", sg_cas_server_port(s)));
    serve(s, ends);
    return 0;
}

static int choose(const void *conf, int ends)
{
    const struct options *o = conf;
    SG_CLEANUP(sg_tee_provider_freep) struct sg_tee_provider *tee = NULL;
    int r = sg_tee_provider_open(&tee, o->provider, o->platform);
    if (r < 0)
        return complain("provider.failed", r);
    if (o->init)
        return init(o, tee);
    return o->repolicy ? repolicy(o, tee) : run(o, tee, ends);
}

/* ---- options ---- */

static int check(const void *conf)
{
    const struct options *o = conf;
    const char *why = NULL;
    if (strcmp(o->seal, "measurement") != 0 && strcmp(o->seal, "platform") != 0)
        why = "seal is measurement or platform";
    else if (is_simulated(o) && !o->platform)
        why = "--platform is missing: the folder of the simulated platform";
    else if (o->init && o->repolicy)
        why = "either --init or --repolicy";
    else if ((o->init || o->repolicy) != (o->policy != NULL))
        why = "--policy goes with --init or --repolicy";
    else if (!o->init && o->production)
        why = "--production goes with --init";
    if (!why)
        return 0;
    fprintf(stderr, "sealgrid-casd: %s\n", why);
    return SG_CONF_BAD;
}

#define ROW(...) SG_CONF_ROW(struct options, __VA_ARGS__)
static const struct sg_conf_option rows[] = {OPTIONS(ROW)};
static const struct sg_conf_table table = {
    .program = "sealgrid-casd",
    .summary = "attests services; hands out identities, keys and secrets by policy",
    .options = rows,
    .n = sizeof rows / sizeof rows[0],
    .check = check,
};

int main(int argc, char **argv)
{
    struct options o = {0};
    const struct sg_daemon casd = {.service = "casd", .table = &table, .run = choose};
    return sg_daemon_main(&casd, argc, argv, &o);
}
