/* bill-page - the parts of a bill in the order in which people read one. */
#include <sealgrid/billing/bill-page.h>

#include <sealgrid/base/encode.h>
#include <sealgrid/crypto/hash.h>

#include <stdio.h>

#include "bill-money-int.h"
#include "bill-page-int.h"

/* ---- local time ----------------------------------------------------------------------------- */

int64_t sg_bill_local_s(const struct sg_bill_view *v, int64_t unix_s)
{
    return v->tariff ? unix_s + sg_tz_at(v->tariff->tz, unix_s).east_s : unix_s;
}

static int64_t local_day(const struct sg_bill_view *v, int64_t unix_s)
{
    int64_t s = sg_bill_local_s(v, unix_s);
    return s / 86400 - (s % 86400 < 0);
}

/* A period is (from, until]: its last day is the one that ends there. */
static int64_t last_day(const struct sg_bill_view *v)
{
    return local_day(v, v->bill->until_s - 1);
}

/* ---- pieces --------------------------------------------------------------------------------- */

struct sg_text sg_bill_money(const struct sg_html *p, const struct sg_bill *b, int64_t minor)
{
    return sg_format_money(p->language, minor, b->decimals, b->currency);
}

void sg_bill_put_fact(struct sg_html *p, const char *en, const char *pt, const char *value)
{
    sg_html_open(p, "div");
    sg_html_element_say(p, "dt", NULL, en, pt);
    sg_html_element(p, "dd", NULL, value);
    sg_html_close(p);
}

/* Shown plainly, or as a figure that can be checked against the bill's own text. */
static void put_amount(struct sg_html *p, const struct sg_bill_view *v, const char *name,
                       int64_t minor)
{
    struct sg_text shown = sg_bill_money(p, v->bill, minor);
    char figure[64], value[SG_DECIMAL_MAX];
    if (!v->figures) {
        sg_html_text(p, shown.s);
        return;
    }
    snprintf(figure, sizeof figure, "%.20s%.40s", v->figures, name);
    sg_decimal_format(value, minor, v->bill->decimals, v->bill->decimals);
    sg_html_figure(p, figure, value, shown.s);
}

static void put_head(struct sg_html *p, const struct sg_bill_view *v)
{
    const struct sg_bill *b = v->bill;
    sg_html_open(p, "header");
    sg_html_open(p, "div");
    sg_html_element_say(p, "div", "soft", "Period", "Período de consumo");
    sg_html_open(p, "div");
    sg_html_text(p, sg_format_date(p->language, local_day(v, b->from_s), SG_DATE_LONG).s);
    sg_html_say(p, " to ", " a ");
    sg_html_text(p, sg_format_date(p->language, last_day(v), SG_DATE_LONG).s);
    sg_html_close(p);
    sg_html_close(p);
    sg_html_open(p, "div");
    sg_html_element_say(p, "div", "soft", "Total to pay", "Total a pagar");
    sg_html_open_class(p, "div", "due");
    put_amount(p, v, "total", b->total);
    sg_html_close(p);
    sg_html_close(p);
    sg_html_close(p);
}

static void put_facts(struct sg_html *p, const struct sg_bill_view *v)
{
    const struct sg_bill *b = v->bill;
    char text[96];
    sg_html_open_class(p, "dl", "facts short");
    snprintf(text, sizeof text, "%lld", (long long)b->client);
    sg_bill_put_fact(p, "Customer", "Unidade consumidora", text);
    sg_bill_put_fact(p, "Tariff", "Tarifa", b->tariff_id);
    sg_bill_put_fact(p, "Days billed", "Dias faturados", sg_format_int(p->language, b->days).s);
    sg_bill_put_fact(p, "Energy taken", "Energia consumida",
                     sg_format_energy(p->language, b->import_wh).s);
    if (b->export_wh)
        sg_bill_put_fact(p, "Energy sent out", "Energia injetada",
                         sg_format_energy(p->language, b->export_wh).s);
    sg_html_close(p);
}

static struct sg_text ratio(const struct sg_html *p, const struct sg_bill_meter *m)
{
    struct sg_text out;
    if (m->ratio_den == 1)
        return sg_format_int(p->language, m->ratio_num);
    snprintf(out.s, sizeof out.s, "%.20s/%.20s", sg_format_int(p->language, m->ratio_num).s,
             sg_format_int(p->language, m->ratio_den).s);
    return out;
}

void sg_bill_put_heads(struct sg_html *p, const char *const (*words)[2], size_t n)
{
    sg_html_open(p, "thead");
    sg_html_open(p, "tr");
    for (size_t i = 0; i < n; i++) {
        sg_html_open_class(p, "th", i ? "n" : NULL);
        sg_html_attr(p, "scope", "col");
        sg_html_say(p, words[i][0], words[i][1]);
        sg_html_close(p);
    }
    sg_html_close(p);
    sg_html_close(p);
}

void sg_bill_put_row_head(struct sg_html *p, const char *text)
{
    sg_html_open(p, "th");
    sg_html_attr(p, "scope", "row");
    sg_html_text(p, text);
    sg_html_close(p);
}

void sg_bill_put_number(struct sg_html *p, const char *const word[2], const char *text)
{
    sg_html_open_class(p, "td", "n");
    sg_html_attr(p, "data-label", sg_html_word(p, word[0], word[1]));
    sg_html_element(p, "span", NULL, text);
    sg_html_close(p);
}

static void put_meters(struct sg_html *p, const struct sg_bill_view *v)
{
    static const char *const heads[][2] = {{"Meter", "Medidor"},
                                           {"First reading", "Primeira leitura"},
                                           {"Last reading", "Última leitura"},
                                           {"Readings", "Leituras"},
                                           {"Multiplier", "Constante"}};
    sg_html_element_say(p, "h3", NULL, "Meter and readings", "Medidor e leituras");
    sg_html_open_class(p, "table", "cards");
    sg_bill_put_heads(p, heads, 5);
    sg_html_open(p, "tbody");
    for (size_t i = 0; i < v->bill->n_meters; i++) {
        const struct sg_bill_meter *m = &v->bill->meters[i];
        sg_html_open(p, "tr");
        sg_html_open(p, "th");
        sg_html_attr(p, "scope", "row");
        sg_html_textf(p, "%s %s", sg_html_word(p, "No.", "nº"), m->serial);
        sg_html_close(p);
        sg_bill_put_number(
            p, heads[1],
            sg_format_time(p->language, sg_bill_local_s(v, m->from_s + v->bill->interval_s)).s);
        sg_bill_put_number(p, heads[2],
                           sg_format_time(p->language, sg_bill_local_s(v, m->until_s)).s);
        sg_bill_put_number(p, heads[3], sg_format_int(p->language, (int64_t)m->readings).s);
        sg_bill_put_number(p, heads[4], ratio(p, m).s);
        sg_html_close(p);
    }
    sg_html_close(p);
    sg_html_close(p);
}

static void put_missing(struct sg_html *p, const struct sg_bill *b)
{
    enum sg_language l = p->language;
    sg_html_open_class(p, "p", "note");
    sg_html_textf(p,
                  sg_html_word(p, "%s intervals of %u minutes: %s read, %s estimated.",
                               "%s intervalos de %u minutos: %s lidos, %s estimados."),
                  sg_format_int(l, (int64_t)b->expected).s, b->interval_s / 60,
                  sg_format_int(l, (int64_t)b->billed).s,
                  sg_format_int(l, (int64_t)b->estimated).s);
    if (b->missing) {
        sg_html_text(p, " ");
        sg_html_textf(p,
                      sg_html_word(p, "%s have no reading. They are not estimated and not billed.",
                                   "%s não têm leitura. Não foram estimados nem faturados."),
                      sg_format_int(l, (int64_t)b->missing).s);
    }
    sg_html_close(p);
}

/* "1 Sep - 20 Sep · 20/30" */
static void put_piece(struct sg_html *p, const struct sg_bill_line *line)
{
    bool dated = line->from_day != SG_BILL_WHOLE;
    bool part = line->of_days && line->days != line->of_days;
    if (!dated && !part)
        return;
    sg_html_open_class(p, "div", "soft");
    if (dated)
        sg_html_textf(p, "%s \xe2\x80\x93 %s",
                      sg_format_date(p->language, line->from_day, SG_DATE_SHORT).s,
                      sg_format_date(p->language, line->until_day - 1, SG_DATE_SHORT).s);
    if (part)
        sg_html_textf(p, sg_html_word(p, "%s%lld of %lld days", "%s%lld de %lld dias"),
                      dated ? ", " : "", (long long)line->days, (long long)line->of_days);
    sg_html_close(p);
}

static const char *unit_word(enum sg_language l, enum sg_bill_unit unit, int64_t n)
{
    static const char *const words[SG_BILL_N_UNITS][2][2] = {
        [SG_BILL_KWH] = {{"kWh", "kWh"}, {"kWh", "kWh"}},
        [SG_BILL_KW] = {{"kW", "kW"}, {"kW", "kW"}},
        [SG_BILL_DAY] = {{"day", "dia"}, {"days", "dias"}},
        [SG_BILL_MONTH] = {{"month", "mês"}, {"months", "meses"}},
        [SG_BILL_CYCLE] = {{"cycle", "ciclo"}, {"cycles", "ciclos"}},
    };
    return words[unit][n != 1][l == SG_PT_BR];
}

static void put_line(struct sg_html *p, const struct sg_bill *b, const struct sg_bill_line *line,
                     const char *const (*heads)[2])
{
    unsigned digits = sg_bill_unit_digits[line->unit];
    char word[SG_BILL_WORD_MAX], quantity[96];
    sg_bill_line_word(p->language, line->code, word);
    sg_html_open(p, "tr");
    sg_html_open(p, "th");
    sg_html_attr(p, "scope", "row");
    sg_html_text(p, word);
    put_piece(p, line);
    sg_html_close(p);
    snprintf(quantity, sizeof quantity, "%s\xc2\xa0%s",
             sg_format_decimal(p->language, line->quantity, digits, digits).s,
             unit_word(p->language, line->unit, line->quantity));
    sg_bill_put_number(p, heads[1], quantity);
    sg_bill_put_number(
        p, heads[2],
        line->has_rate ? sg_format_decimal(p->language, line->rate, SG_RATE_DIGITS, 5).s : "");
    sg_bill_put_number(p, heads[3], sg_bill_money(p, b, line->amount).s);
    sg_html_close(p);
}

static void put_sum(struct sg_html *p, const struct sg_bill_view *v, const char *class,
                    const char *const word[2], const char *name, int64_t amount)
{
    sg_html_open_class(p, "tr", class);
    sg_html_open(p, "th");
    sg_html_attr(p, "scope", "row");
    sg_html_attr(p, "colspan", "3");
    sg_html_say(p, word[0], word[1]);
    sg_html_close(p);
    sg_html_open_class(p, "td", "n");
    put_amount(p, v, name, amount);
    sg_html_close(p);
    sg_html_close(p);
}

static void put_lines(struct sg_html *p, const struct sg_bill_view *v)
{
    static const char *const heads[][2] = {{"Item", "Item"},
                                           {"Quantity", "Quantidade"},
                                           {"Rate per unit", "Tarifa por unidade"},
                                           {"Amount", "Valor"}};
    static const char *const net[] = {"Before taxes", "Valor sem tributos"};
    const struct sg_bill *b = v->bill;
    sg_html_element_say(p, "h3", NULL, "What was used, and what it costs", "Itens da fatura");
    sg_html_open_class(p, "table", "cards");
    sg_bill_put_heads(p, heads, 4);
    sg_html_open(p, "tbody");
    for (size_t i = 0; i < b->n_lines; i++)
        put_line(p, b, &b->lines[i], heads);
    put_sum(p, v, "sum", net, "net", b->net);
    sg_html_close(p);
    sg_html_close(p);
}

/* Inside their own base, or added to what stands above. */
static void put_tax(struct sg_html *p, const struct sg_bill *b, const struct sg_bill_tax *tax,
                    const char *const (*heads)[2])
{
    sg_html_open(p, "tr");
    sg_html_open(p, "th");
    sg_html_attr(p, "scope", "row");
    sg_html_text(p, sg_bill_tax_word(p->language, tax->name));
    sg_html_close(p);
    sg_bill_put_number(p, heads[1], sg_bill_money(p, b, tax->base).s);
    struct sg_text percent = sg_format_decimal(p->language, tax->rate_ppm, 4, 2);
    char text[80];
    snprintf(text, sizeof text, "%s\xc2\xa0%%", percent.s);
    sg_bill_put_number(p, heads[2], text);
    sg_bill_put_number(p, heads[3], sg_bill_money(p, b, tax->amount).s);
    sg_html_close(p);
}

static bool has_tax(const struct sg_bill *b, bool on_top)
{
    for (size_t i = 0; i < b->n_taxes; i++)
        if (b->taxes[i].on_top == on_top)
            return true;
    return false;
}

static void put_tax_table(struct sg_html *p, const struct sg_bill_view *v, bool on_top)
{
    static const char *const heads[][2] = {{"Tax", "Tributo"},
                                           {"Base", "Base de cálculo"},
                                           {"Share", "Alíquota"},
                                           {"Amount", "Valor"}};
    static const char *const gross[] = {"With taxes", "Valor com tributos"};
    const struct sg_bill *b = v->bill;
    sg_html_open_class(p, "table", "cards");
    sg_bill_put_heads(p, heads, 4);
    sg_html_open(p, "tbody");
    for (size_t i = 0; i < b->n_taxes; i++)
        if (b->taxes[i].on_top == on_top)
            put_tax(p, b, &b->taxes[i], heads);
    if (!on_top)
        put_sum(p, v, "sum", gross, "gross", b->gross);
    sg_html_close(p);
    sg_html_close(p);
}

static void put_taxes(struct sg_html *p, const struct sg_bill_view *v)
{
    if (has_tax(v->bill, false)) {
        sg_html_element_say(p, "h3", NULL, "Taxes, inside their own base",
                            "Tributos, calculados por dentro");
        put_tax_table(p, v, false);
    }
    if (has_tax(v->bill, true)) {
        sg_html_element_say(p, "h3", NULL, "Taxes, added to this", "Tributos, somados ao valor");
        put_tax_table(p, v, true);
    }
    if (v->bill->n_taxes == 0)
        sg_html_element_say(p, "p", "note", "This tariff has no taxes in it.",
                            "Esta tarifa não inclui tributos.");
}

static void put_total(struct sg_html *p, const struct sg_bill_view *v)
{
    static const char *const lighting[] = {"Street lighting",
                                           "Contribuição de iluminação pública (Cosip)"};
    static const char *const total[] = {"Total to pay", "Total a pagar"};
    sg_html_open(p, "table");
    sg_html_open(p, "tbody");
    if (v->bill->lighting)
        put_sum(p, v, NULL, lighting, "lighting", v->bill->lighting);
    put_sum(p, v, "total", total, "due", v->bill->total);
    sg_html_close(p);
    sg_html_close(p);
}

static void put_hash(struct sg_html *p, const char *en, const char *pt, const uint8_t hash[32])
{
    char hex[65];
    sg_hex(hex, hash, 32);
    sg_html_open(p, "div");
    sg_html_element_say(p, "dt", NULL, en, pt);
    sg_html_element(p, "dd", "hash", hex);
    sg_html_close(p);
}

static int bill_hash(const struct sg_bill *b, uint8_t ret[32])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf canonical = SG_BUF_INIT(SG_BILL_JSON_MAX);
    int r = sg_bill_canonical(b, &canonical);
    if (r == 0)
        sg_sha256(ret, sg_buf_bytes(&canonical));
    return r;
}

/* Readings without a signature are under no root, and the page must not say otherwise. */
static void put_promise(struct sg_html *p, const struct sg_bill *b)
{
    if (b->billed && b->n_buckets == 0) {
        sg_html_element_say(p, "p", "note",
                            "The readings of this bill are not signed by a meter: only its "
                            "arithmetic can be verified.",
                            "As leituras desta fatura não são assinadas por um medidor: só os "
                            "cálculos podem ser verificados.");
        return;
    }
    sg_html_element_say(
        p, "p", "note",
        "The meter itself signed every reading that was measured. The second number below is "
        "computed from all of "
        "them: "
        "if one is removed, doubled, changed or taken from another meter, it no longer fits. "
        "Anybody "
        "who has the bill, the signed readings and the metrology authority's records can check "
        "this "
        "without trusting the utility:",
        "O próprio medidor assinou cada leitura medida. O segundo número abaixo é calculado a "
        "partir de "
        "todas "
        "elas: se uma for retirada, duplicada, alterada ou trazida de outro medidor, ele deixa de "
        "conferir. Quem tiver a fatura, as leituras assinadas e os registros da autoridade "
        "metrológica "
        "pode verificar tudo sem confiar na concessionária:");
}

static void put_proof(struct sg_html *p, const struct sg_bill_view *v)
{
    uint8_t hash[32];
    int r = bill_hash(v->bill, hash);
    if (r) {
        p->failure = p->failure ? p->failure : r;
        return;
    }
    sg_html_element_say(p, "h3", NULL, "How to verify this bill", "Como verificar esta fatura");
    put_promise(p, v->bill);
    sg_html_element(p, "pre", NULL,
                    "sealgrid-audit --bill BILL.json \\\n  --evidence EVIDENCE.cbor \\\n"
                    "  --installations RECORDS.json \\\n  --keys AUTHORITY.pem --json");
    sg_html_open_class(p, "dl", "facts");
    put_hash(p, "This bill (SHA-256)", "Esta fatura (SHA-256)", hash);
    put_hash(p, "Its signed readings (Merkle root, RFC 6962)",
             "Suas leituras assinadas (raiz de Merkle, RFC 6962)", v->bill->root);
    put_hash(p, "The tariff's file (SHA-256)", "O arquivo da tarifa (SHA-256)",
             v->bill->tariff_sha256);
    sg_html_close(p);
}

void sg_bill_view_put(struct sg_html *p, const struct sg_bill_view *v)
{
    sg_html_open_class(p, "article", "bill");
    put_head(p, v);
    put_facts(p, v);
    sg_bill_put_contract(p, v);
    sg_bill_load_put(p, v);
    put_lines(p, v);
    put_taxes(p, v);
    put_total(p, v);
    sg_bill_put_credits(p, v);
    put_meters(p, v);
    put_missing(p, v->bill);
    sg_bill_put_estimates(p, v);
    sg_bill_put_choices(p, v);
    put_proof(p, v);
    sg_html_close(p);
}

static void put_body(struct sg_html *p, void *user)
{
    const struct sg_bill_view *v = user;
    sg_html_element_say(p, "h1", NULL, "Electricity bill", "Fatura de energia elétrica");
    sg_bill_view_put(p, v);
}

int sg_bill_page(const struct sg_bill_view *v, struct sg_buf *ret)
{
    struct sg_bill_view copy = *v;
    char title[96];
    snprintf(title, sizeof title, "Sealgrid %lld", (long long)v->bill->client);
    const struct sg_html_document d = {.title = title, .body = put_body, .user = &copy};
    return sg_html_document(ret, &d);
}
