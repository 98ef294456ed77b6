"""What must hold for a page of ours in a browser.  Every check answers with a list of complaints."""
import json
import math
import re

# Elements with text of their own that can be seen, with both colours; the figures; what sticks out.
LOOK = r"""
const rgb = text => { const m = text.match(/[\d.]+/g).map(Number);
                      return {r: m[0], g: m[1], b: m[2], a: m.length > 3 ? m[3] : 1}; };
const seen = e => { const s = getComputedStyle(e), r = e.getBoundingClientRect();
                    return s.visibility !== 'hidden' && r.width > 0 && r.height > 0; };
const ground = e => { for (; e; e = e.parentElement) {
                        const c = rgb(getComputedStyle(e).backgroundColor);
                        if (c.a === 1) return c; }
                      return {r: 255, g: 255, b: 255, a: 1}; };
const width = document.documentElement.clientWidth;
const out = {width, scroll: document.documentElement.scrollWidth, texts: [], lines: [], figures: [],
             outside: [], mains: [], overlaps: []};
for (const m of document.querySelectorAll('main')) if (seen(m)) out.mains.push(m.lang);
for (const e of document.body.querySelectorAll('*')) {
  if (!seen(e)) continue;
  const own = [...e.childNodes].filter(n => n.nodeType === 3 && n.data.trim()).map(n => n.data.trim());
  const r = e.getBoundingClientRect(), s = getComputedStyle(e);
  const inHidden = e.closest('thead') && getComputedStyle(e.closest('thead')).position === 'absolute';
  if (own.length && !e.closest('svg') && !inHidden) {
    out.texts.push({text: own[0].slice(0, 40), color: rgb(s.color), ground: ground(e),
                    size: parseFloat(s.fontSize)});
    if (r.left < -0.5 || r.right > width + 0.5) out.outside.push(own[0].slice(0, 40));
  }
  if (e.matches('.fill')) out.lines.push({what: e.getAttribute('class'), color: rgb(s.fill),
                                          ground: ground(e)});
  if (e.matches('.stroke')) out.lines.push({what: e.getAttribute('class'), color: rgb(s.stroke),
                                            ground: ground(e)});
  if (e.dataset && e.dataset.figure !== undefined)
    out.figures.push({figure: e.dataset.figure, value: e.dataset.value, text: e.textContent,
                      language: e.closest('[lang]').lang});
}
for (const axis of document.querySelectorAll('.chart > .x, .chart > .y')) {
  const boxes = [...axis.children].filter(seen).map(e => e.getBoundingClientRect());
  for (let i = 1; i < boxes.length; i++)
    for (let k = 0; k < i; k++)
      if (boxes[i].left < boxes[k].right - 0.5 && boxes[k].left < boxes[i].right - 0.5 &&
          boxes[i].top < boxes[k].bottom - 2 && boxes[k].top < boxes[i].bottom - 2)
        out.overlaps.push(axis.children[i].textContent + ' on ' + axis.children[k].textContent);
}
return out;
"""

SCALES = {"": 1, "%": 0.01, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "B": 1, "KiB": 2 ** 10,
          "MiB": 2 ** 20, "GiB": 2 ** 30, "Wh": 1, "kWh": 1e3, "MWh": 1e6}
YES = {"en": {"✓ yes": True, "✗ NO": False, "all stand": True, "NOT all stand": False},
       "pt-BR": {"✓ sim": True, "✗ NÃO": False, "todas conferem": True,
                 "NEM todas conferem": False}}


def luminance(c):
    def channel(v):
        v /= 255
        return v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
    return 0.2126 * channel(c["r"]) + 0.7152 * channel(c["g"]) + 0.0722 * channel(c["b"])


def contrast(a, b):
    """WCAG 2: (lighter + 0.05) / (darker + 0.05)."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def read_back(text, language):
    """A number as people of the language write it: (value, half of its last digit)."""
    value = slack = 0
    text = text.replace("\u2212", "-").replace("\u00a0", " ").replace("R$ ", "")
    parts = re.findall(r"(-?[\d.,]+) ?([A-Za-z%]*)", text)
    if not parts or re.sub(r"(-?[\d.,]+) ?([A-Za-z%]*)", "", text).strip():
        raise ValueError("no number: %r" % text)
    for number, unit in parts:
        group, point = (".", ",") if language == "pt-BR" else (",", ".")
        whole = number.split(point)[0].lstrip("-")
        if len(whole) > 3 and not re.fullmatch(r"\d{1,3}(%s\d{3})*" % re.escape(group), whole):
            raise ValueError("not grouped: %r" % text)
        plain = number.replace(group, "").replace(point, ".")
        decimals = len(plain.split(".")[1]) if "." in plain else 0
        value += float(plain) * SCALES[unit]
        slack = 0.5 * 10 ** -decimals * SCALES[unit]
    return value, slack


def at(data, path):
    for part in path.split("."):
        data = data[part]
    return data


def one_figure(f, lookup):
    wanted = lookup(f["figure"])
    name = "%s (%s)" % (f["figure"], f["language"])
    if isinstance(wanted, bool):
        if f["value"] != json.dumps(wanted) or YES[f["language"]].get(f["text"]) is not wanted:
            return ["%s: %r, %r, not %r" % (name, f["value"], f["text"], wanted)]
        return []
    if not math.isclose(float(f["value"]), float(wanted), rel_tol=1e-12, abs_tol=1e-9):
        return ["%s: data-value %s, not %s" % (name, f["value"], wanted)]
    try:
        value, slack = read_back(f["text"], f["language"])
    except (ValueError, KeyError) as error:
        return ["%s: %s" % (name, error)]
    if abs(value - float(wanted)) > slack * 1.0001 + 1e-9:
        return ["%s: shows %r, is %s" % (name, f["text"], wanted)]
    return []


def figures(look, lookup, needed):
    bad = []
    for f in look["figures"]:
        try:
            bad += one_figure(f, lookup)
        except KeyError:
            bad.append("%s: no such value in the run's files" % f["figure"])
    shown = {f["figure"] for f in look["figures"]}
    return bad + ["%s: not on the page" % n for n in sorted(needed - shown)]


def layout(look, language):
    bad = ["wider than the window: %d of %d" % (look["scroll"], look["width"])] * (
        look["scroll"] > look["width"])
    bad += ["outside the window: %r" % t for t in look["outside"]]
    bad += ["letters on letters: %s" % t for t in look["overlaps"]]
    if look["mains"] != [language]:
        bad.append("languages to be seen: %s, not %s" % (look["mains"], language))
    if not look["texts"] or min(t["size"] for t in look["texts"]) < 11:
        bad.append("letters smaller than 11 px")
    return bad


def colours(look):
    bad = []
    for t in look["texts"]:
        c = contrast(t["color"], t["ground"])
        if c < 4.5:
            bad.append("text %r has contrast %.2f" % (t["text"], c))
    for t in look["lines"]:
        c = contrast(t["color"], t["ground"])
        if c < 4.5:
            bad.append("chart %r has contrast %.2f" % (t["what"], c))
    return sorted(set(bad))


def requests(browser, page):
    """Everything that the page asked for since the log was last read, but itself."""
    bad = []
    for entry in browser.entries("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] != "Network.requestWillBeSent":
            continue
        url = message["params"]["request"]["url"]
        if message["params"].get("documentURL", "").startswith("chrome:"):
            continue  # the browser's own first tab
        if not url.startswith("data:") and url != page:
            bad.append("asks for " + url)
    return bad


def quiet(browser):
    bad = ["console: " + e["message"] for e in browser.entries("browser")]
    if browser.run("return document.querySelectorAll('script,iframe,object,embed,img,link[href^=\"h\"]')"
                   ".length"):
        bad.append("elements that a page of ours never has")
    if browser.run("return [...document.querySelectorAll('*')].some(e => [...e.attributes]"
                   ".some(a => a.name.startsWith('on')))"):
        bad.append("an event handler")
    return bad


def named(browser):
    """What a screen reader is told."""
    bad = []
    if browser.run("return [...document.querySelectorAll('svg')].some(e => e.getAttribute('role') === "
                   "'img' ? !e.getAttribute('aria-label') : !e.closest('[aria-hidden=true]'))"):
        bad.append("a picture without a label")
    if browser.run("const i = [...document.querySelectorAll('[id]')].map(e => e.id);"
                   "return new Set(i).size !== i.length"):
        bad.append("one id twice")
    if browser.run("return [...document.querySelectorAll('a[href]')].some(a => "
                   "!document.querySelector('[id=\"' + a.getAttribute('href').slice(1) + '\"]'))"):
        bad.append("a link to nowhere")
    return bad
