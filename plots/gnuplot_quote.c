#include "plots/gnuplot_quote.h"

#include <string.h>

static int stands_for_itself(unsigned char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || byte >= 0x80 ||
           (byte != '\0' && strchr(" _.,:;/()+=<>[]-", byte) != NULL);
}

void gnuplot_quote(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (stands_for_itself(byte))
            putc(byte, out);
        else
            fprintf(out, "\\%04o", byte); /* gnuplot takes four digits where the first is 0 */
    }
    putc('"', out);
}
