/* report-storage - how the data are kept, at what cost, and on which machine all this ran. */
#include "report-int.h"

#include <sealgrid/kvs/policy.h>
#include <stdio.h>

#ifndef SG_VERSION
#define SG_VERSION "0.1.0"
#endif

static const char *holds(const struct sg_html *p, const char *bucket)
{
    if (!strcmp(bucket, "metering"))
        return sg_html_word(p, "readings, installation records, signed blocks",
                            "leituras, registros de instalação, blocos assinados");
    if (!strcmp(bucket, "evidence"))
        return sg_html_word(p, "bills and their evidence", "faturas e suas provas");
    return "";
}

/* "3 whole copies", "6 parts and 2 spare parts" */
static void policy_words(const struct sg_html *p, const struct sg_policy *policy, char ret[160])
{
    int n = 0;
    ret[0] = 0;
    if (policy->replicas)
        n = snprintf(ret, 160,
                     policy->replicas == 1
                         ? sg_html_word(p, "%u whole copy", "%u cópia inteira")
                         : sg_html_word(p, "%u whole copies", "%u cópias inteiras"),
                     policy->replicas);
    if (policy->ec_data)
        snprintf(ret + n, 160 - (size_t)n,
                 sg_html_word(p, "%s%u parts and %u parity parts (any %u suffice)",
                              "%s%u partes e %u de paridade (bastam %u quaisquer)"),
                 n ? " + " : "", policy->ec_data, policy->ec_parity, policy->ec_data);
}

static void put_cell(struct sg_html *p, const char *class, const char *label, const char *text)
{
    sg_html_open_class(p, "td", class);
    sg_html_attr(p, "data-label", label);
    sg_html_element(p, "span", NULL, text);
    sg_html_close(p);
}

static void put_bucket(struct sg_html *p, const json_t *one, unsigned n_volumes)
{
    const char *name = json_string_value(json_object_get(one, "name"));
    const char *text = json_string_value(json_object_get(one, "policy"));
    struct sg_policy policy;
    char words[160], cost[96];
    if (!name || !text || sg_policy_parse(text, &policy))
        return;
    policy_words(p, &policy, words);
    snprintf(cost, sizeof cost, "%s \xc3\x97",
             sg_format_fixed(p->language, sg_policy_cost_permille(&policy) / 1000.0, 2).s);
    sg_html_open(p, "tr");
    sg_html_open(p, "th");
    sg_html_attr(p, "scope", "row");
    sg_html_text(p, name);
    sg_html_element(p, "div", "soft", holds(p, name));
    sg_html_close(p);
    put_cell(p, NULL, sg_html_word(p, "Kept as", "Guardado como"), words);
    put_cell(p, "n", sg_html_word(p, "Raw space", "Espaço bruto"), cost);
    put_cell(p, "n", sg_html_word(p, "Volumes that may be lost", "Volumes que podem se perder"),
             sg_format_int(p->language, sg_policy_losses(&policy, n_volumes)).s);
    sg_html_close(p);
}

static void put_buckets(struct sg_html *p, const struct sg_report *r, unsigned n_volumes)
{
    static const char *const heads[][3] = {
        {NULL, "Bucket", "Bucket"},
        {NULL, "Kept as", "Guardado como"},
        {"n", "Raw space", "Espaço bruto"},
        {"n", "Losses survived", "Perdas suportadas"},
    };
    size_t i;
    json_t *one;
    sg_html_open_class(p, "table", "cards");
    sg_html_open(p, "thead");
    sg_html_open(p, "tr");
    for (i = 0; i < 4; i++)
        sg_html_element_say(p, "th", heads[i][0], heads[i][1], heads[i][2]);
    sg_html_close(p);
    sg_html_close(p);
    sg_html_open(p, "tbody");
    json_array_foreach(json_object_get(r->facts, "buckets"), i, one) put_bucket(p, one, n_volumes);
    sg_html_close(p);
    sg_html_close(p);
}

static int64_t volume_octets(const json_t *v)
{
    return sg_report_int(v, "index_bytes") + sg_report_int(v, "fragment_bytes");
}

static void put_volumes(struct sg_html *p, const json_t *list)
{
    size_t i;
    json_t *v;
    int64_t most = 0, sum = 0;
    json_array_foreach(list, i, v)
    {
        most = volume_octets(v) > most ? volume_octets(v) : most;
        sum += volume_octets(v);
    }
    sg_html_open(p, "p");
    sg_html_textf(
        p,
        sg_html_word(p, "Encrypted bytes on the %zu volumes at the end of the run: %s in all.",
                     "Bytes criptografados nos %zu volumes ao fim da execução: %s no total."),
        json_array_size(list), sg_format_bytes(p->language, sum).s);
    sg_html_close(p);
    sg_html_open_class(p, "ol", "flow two");
    json_array_foreach(list, i, v)
    {
        char label[64];
        snprintf(label, sizeof label, "%s %zu", sg_html_word(p, "Volume", "Volume"), i);
        sg_html_open(p, "li");
        sg_html_open_class(p, "div", "head soft");
        sg_html_element(p, "span", NULL, label);
        sg_html_element(p, "span", NULL, sg_format_bytes(p->language, volume_octets(v)).s);
        sg_html_close(p);
        sg_chart_bar(p, label, (double)volume_octets(v), 0, (double)most, 3);
        sg_html_close(p);
    }
    sg_html_close(p);
}

void sg_report_put_storage(struct sg_html *p, const struct sg_report *r)
{
    json_t *volumes = json_object_get(r->facts, "volumes");
    unsigned n = (unsigned)json_array_size(volumes);
    sg_report_open_section(p, "storage", "How the data are kept", "Como os dados são guardados");
    if (!n) {
        sg_report_put_note(p, "note", "The run ended before the store was asked.",
                           "A execução terminou antes que o armazenamento fosse consultado.");
        sg_html_close(p);
        return;
    }
    sg_report_put_note(
        p, "note",
        "Volumes hold only encrypted bytes; nobody has to trust them. A bucket's policy "
        "says how many of them may fail at the same time without losing anything, and "
        "what that costs: bytes on disk for each byte stored.",
        "Os volumes guardam apenas bytes criptografados; ninguém precisa confiar neles. "
        "A política de cada bucket diz quantos podem falhar ao mesmo tempo sem perda "
        "alguma e quanto isso custa: bytes em disco para cada byte gravado.");
    put_buckets(p, r, n);
    put_volumes(p, volumes);
    sg_html_close(p);
}

/* ---- machine -------------------------------------------------------------------------------- */

static const char *text_at(const json_t *j, const char *path)
{
    const char *text = json_string_value(sg_report_at(j, path));
    return text ? text : "\xe2\x80\x93";
}

static void put_facts(struct sg_html *p, const struct sg_report *r)
{
    char text[160];
    sg_html_open_class(p, "dl", "facts");
    snprintf(text, sizeof text, sg_html_word(p, "%.100s, %lld cores", "%.100s, %lld núcleos"),
             text_at(r->facts, "machine.cpu"), (long long)sg_report_int(r->facts, "machine.cores"));
    sg_html_fact(p, "Processor", "Processador", text);
    sg_html_fact(p, "Memory", "Memória",
                 sg_format_bytes(p->language, sg_report_int(r->facts, "machine.memory_bytes")).s);
    sg_html_fact(p, "System", "Sistema", text_at(r->facts, "machine.system"));
    sg_html_fact(p, "Kernel", "Kernel", text_at(r->facts, "machine.kernel"));
    sg_html_fact(p, "Sealgrid", "Sealgrid", SG_VERSION);
    snprintf(text, sizeof text, "%lld", (long long)sg_report_int(r->facts, "run.seed"));
    sg_html_fact(p, "Seed (same seed, same readings)", "Semente (mesma semente, mesmas leituras)",
                 text);
    sg_html_close(p);
}

void sg_report_put_machine(struct sg_html *p, const struct sg_report *r)
{
    sg_report_open_section(p, "machine", "The machine, and what this run does not show",
                           "A máquina, e o que esta execução não mostra");
    if (r->facts)
        put_facts(p, r);
    sg_html_open_class(p, "ul", "note");
    sg_html_element_say(
        p, "li", NULL,
        "Meters and customers are simulated. Everything ran on one machine, so "
        "networks cost nothing here.",
        "Medidores e clientes são simulados. Tudo rodou em uma só máquina; por isso a "
        "rede aqui não custa nada.");
    sg_html_element_say(
        p, "li", NULL,
        "The trusted execution environment is simulated too: the services proved "
        "themselves to each other as they would on real hardware, but nothing here is "
        "protected from this machine's owner.",
        "O ambiente de execução confiável também é simulado: os serviços se atestaram "
        "entre si como fariam em hardware real, mas nada aqui está protegido de quem "
        "controla esta máquina.");
    sg_html_element_say(
        p, "li", NULL,
        "This page is for the operator: it names customers and shows their load. Keep "
        "it where the data may be.",
        "Esta página é do operador: identifica unidades consumidoras e mostra a sua "
        "carga. Guarde-a onde os dados podem estar.");
    sg_html_close(p);
    sg_html_close(p);
}
