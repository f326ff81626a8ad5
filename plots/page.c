#include "plots/page.h"

#include <errno.h>
#include <string.h>

#include "plots/json_text.h"
#include "plots/page_data.h"
#include "plots/page_text.h"
#include "plots/page_words.h"

static void put_script(FILE *out, const char *script, size_t size)
{
    fputs("</script>\n<script>", out);
    fwrite(script, 1, size, out);
}

/* Up to the data. */
static void put_body(FILE *out, const char *title, const char *subtitle)
{
    fputs("<h1>", out);
    page_put_html(out, title);
    fputs("</h1>\n<p>", out);
    page_put_html(out, subtitle);
    fputs("</p>\n<noscript><p>This chart is drawn by the script in this file: allow scripts to see "
          "it.</p></noscript>\n<div id=\"legend\"></div>\n"
          "<div id=\"chart\"><div id=\"tip\" class=\"hidden\"></div></div>\n"
          "<div id=\"said\" class=\"away\" role=\"status\" aria-live=\"polite\"></div>\n"
          "<div id=\"keys\" class=\"hidden\"><button id=\"in\" type=\"button\">zoom in</button>"
          "<button id=\"out\" type=\"button\">zoom out</button>"
          "<button id=\"all\" type=\"button\">show all</button>"
          "<span>wheel or + and - zoom, drag picks a part, double click, 0 or Esc show all, arrow "
          "keys move the cursor</span></div>\n<table id=\"calls\" class=\"hidden\"></table>\n"
          "<section id=\"types\" class=\"hidden\"></section>\n"
          "<script type=\"application/json\" id=\"data\">",
          out);
}

static int put_end(FILE *out)
{
    fputs("</script>\n</body>\n</html>\n", out);
    return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}

int page_write(FILE *out, const struct chart *chart)
{
    page_put_head(out, chart->title, page_script_source, page_style_source);
    fwrite(page_style, 1, page_style_size, out);
    fputs("</style>\n</head>\n<body>\n", out);
    put_body(out, chart->title, chart->subtitle == NULL ? "" : chart->subtitle);
    page_put_data(out, chart);
    put_script(out, page_script, page_script_size);
    return put_end(out);
}

/* ---- while it is recorded ---- */

/* A name as a part of an address, whatever its bytes are. */
static void put_address(FILE *out, const char *name)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *name != '\0'; name++)
        fprintf(out, strchr(plain, *name) != NULL ? "%c" : "%%%02X", (unsigned char)*name);
}

int page_write_live(FILE *out, const char *data_name)
{
    static const char title[] = "mprof: the first samples are to come";
    char scripts[200], styles[200];

    /* What the script of the page itself adds may run, wherever the page lies. */
    snprintf(scripts, sizeof scripts, "%s %s 'strict-dynamic'", page_script_source,
             live_script_source);
    snprintf(styles, sizeof styles, "%s %s", page_style_source, live_style_source);
    page_put_head(out, title, scripts, styles);
    fwrite(page_style, 1, page_style_size, out);
    fputs("</style>\n<style>", out);
    fwrite(live_style, 1, live_style_size, out);
    fputs("</style>\n</head>\n<body>\n<div id=\"live\" class=\"waiting\" data-source=\"", out);
    put_address(out, data_name);
    fputs("\"><i></i><span role=\"status\">waiting</span>"
          "<button id=\"again\" type=\"button\" class=\"hidden\">reload</button></div>\n",
          out);
    put_body(out, title, "");
    fputs("null", out);
    put_script(out, page_script, page_script_size);
    put_script(out, live_script, live_script_size);
    return put_end(out);
}

int page_write_version(FILE *out, const struct chart *chart, const struct page_version *version)
{
    fprintf(out, PAGE_VERSION_BEGIN "{\"written\":%lld,\"pace\":", (long long)version->written_ms);
    json_text_number(out, version->pace, 3);
    fprintf(out, ",\"ended\":%s,\"facts\":", version->has_ended ? "true" : "false");
    json_text_string(out, chart == NULL || chart->subtitle == NULL ? "" : chart->subtitle);
    fputs(",\"chart\":", out);
    if (chart == NULL)
        fputs("null", out);
    else
        page_put_data(out, chart);
    fputs("});\n", out);
    return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
